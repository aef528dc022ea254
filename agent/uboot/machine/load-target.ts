/** Where a load command stores a file: chunk by chunk, and never over part of an earlier file. */

import { FauxbootError, fault } from '../../errors.js'
import { bareHex } from '../lib/numbers.js'
import type { Machine } from './machine.js'

/** Errors that refuse a load address. */
const REFUSALS: readonly string[] = ['UBOOT_MEMORY', 'UBOOT_MEMORY_FULL', 'UBOOT_OVERLAP']

/** Whether a load failed because its file may not lie there. */
export const isRefusal = (thrown: unknown): thrown is FauxbootError =>
  thrown instanceof FauxbootError && REFUSALS.includes(thrown.code)

/** The line that explains more than U-Boot's own message, with its line end. */
export const refusalNote = (error: FauxbootError): string => `## fauxboot: ${error.message}\n`

export class LoadTarget {
  #received = 0
  /** bytes to come, if known */
  expected: number | null = null

  /** @param name of the file, for the message that refuses to overwrite it */
  constructor(
    private readonly machine: Machine,
    readonly address: number,
    readonly name: string,
  ) {}

  /** Bytes that are in memory. */
  get received(): number {
    return this.#received
  }

  /**
   * Refuse data that does not fit before writing any of it.
   *
   * @throws UBOOT_MEMORY, UBOOT_OVERLAP
   */
  check(size: number): void {
    const { memory } = this.machine
    if (!memory.contains(this.address, size)) {
      const dram = memory.ranges.map(({ start, end }) => `0x${bareHex(start)}-0x${bareHex(end - 1)}`).join(', ')
      throw fault('UBOOT_MEMORY', { address: `0x${bareHex(this.address)}`, size: `0x${bareHex(size)}`, dram })
    }
    const claim = memory.clobbered(this.address, size)
    if (claim === null) return
    throw fault('UBOOT_OVERLAP', {
      name: claim.name,
      from: `0x${bareHex(claim.start)}`,
      to: `0x${bareHex(claim.end - 1)}`,
    })
  }

  /**
   * Take the next bytes.
   *
   * @throws UBOOT_MEMORY, UBOOT_MEMORY_FULL, UBOOT_OVERLAP
   */
  write(chunk: Uint8Array): void {
    this.check(Math.max(this.expected ?? 0, this.#received + chunk.length))
    const { memory } = this.machine
    // The earlier file here is damaged now, even if no more of the new file arrives.
    if (this.#received === 0) memory.forget(this.address, chunk.length)
    memory.write(this.address + this.#received, chunk)
    this.#received += chunk.length
    memory.loading(this.address, this.#received)
  }

  /** The file is complete: protect it, and set the variables. */
  done(): void {
    const { env, memory } = this.machine
    memory.claim(this.address, this.#received, this.name)
    env.set('filesize', bareHex(this.#received), { origin: 'program' })
    env.set('fileaddr', bareHex(this.address), { origin: 'program' })
  }
}
