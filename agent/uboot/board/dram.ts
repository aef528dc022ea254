/** The DRAM that the faked U-Boot shows, made of the System RAM that the running kernel was left. */

import type { Range } from '../../kexec/layout/ranges.js'

/** The running kernel keeps parts of DRAM out of System RAM; holes up to this size are not the end of a bank. */
const SMALL_HOLE = 64 * 1024 * 1024
/** U-Boot on 32-bit ARM sees no more. */
const ADDRESS_LIMIT = 2 ** 32

/**
 * Banks of DRAM.
 *
 * @param ram System RAM of `/proc/iomem`, by address
 */
export function dramBanks(ram: readonly Range[]): Range[] {
  const banks: { start: number; end: number }[] = []
  for (const { start, end } of ram) {
    if (start >= ADDRESS_LIMIT) break
    const bank = banks.at(-1)
    const last = Math.min(end, ADDRESS_LIMIT)
    if (bank !== undefined && start - bank.end <= SMALL_HOLE) bank.end = last
    else banks.push({ start, end: last })
  }
  return banks
}
