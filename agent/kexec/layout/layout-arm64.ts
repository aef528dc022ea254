/**
 * Layout of an arm64 kernel (Linux `Documentation/arch/arm64/booting.rst`): the Image at `text_offset` above a boundary
 * of 2 MiB, everything within 32 GiB. The plan can be shown but not booted: that needs a trampoline, which fauxboot does
 * not have yet.
 */

import type { LayoutFailure } from './layout.js'
import { alignDown, alignUp, firstFit, formatRange, formatSize, type Range, sideBySide, subtract } from './ranges.js'

/** `KEXEC_ARCH_AARCH64 << 16` of `kexec_load(2)`. */
export const KEXEC_ARCH_ARM64_FLAGS = 0xb7_0000

const MIB = 2 ** 20
const BASE_ALIGNMENT = 2 * MIB
const REACH = 32 * 2 ** 30
/** A device tree of up to 2 MiB must not cross a boundary of 2 MiB, so it gets a block of its own. */
const DTB_ALIGNMENT = 2 * MIB
const PAGE = 0x1000

export interface Arm64LayoutInput {
  readonly ram: readonly Range[]
  readonly reserved: readonly Range[]
  /** distance of the Image from a multiple of 2 MiB */
  readonly textOffset: number
  /** bytes of memory that the kernel needs from its start */
  readonly size: number
  readonly ramdisk: readonly number[]
  /** bytes; null without a device tree */
  readonly dtb: number | null
}

export interface Arm64Layout {
  readonly kernel: number
  readonly ramdisk: readonly number[]
  readonly dtb: number | null
  readonly prediction: null
}

/** Place kernel, ramdisk and device tree, one above the other. */
export function layOutArm64(input: Arm64LayoutInput): Arm64Layout | { readonly failure: LayoutFailure } {
  const free = subtract(input.ram, input.reserved)
  const limits = { start: 0, end: Number.MAX_SAFE_INTEGER }
  const base = firstFit(free, input.textOffset + input.size, BASE_ALIGNMENT, limits)
  if (base === null) return { failure: noRoom('kernel', input.textOffset + input.size, input.ram) }

  const kernel = base + input.textOffset
  const padded = input.ramdisk.map(size => alignUp(size, PAGE))
  const total = padded.reduce((sum, size) => sum + size, 0)
  const within = { start: kernel + input.size, end: alignDown(base, 2 ** 30) + REACH }
  const ramdisk = firstFit(free, total, PAGE, within)
  if (ramdisk === null) return { failure: noRoom('ramdisk', total, input.ram) }

  const dtb =
    input.dtb === null ? null : firstFit(free, input.dtb, DTB_ALIGNMENT, { ...within, start: ramdisk + total })
  if (dtb === null && input.dtb !== null) return { failure: noRoom('device tree', input.dtb, input.ram) }

  return { kernel, ramdisk: sideBySide(ramdisk, padded), dtb, prediction: null }
}

function noRoom(what: string, size: number, ram: readonly Range[]): LayoutFailure {
  const start = ram[0]?.start ?? 0
  const end = ram.at(-1)?.end ?? 0
  return {
    message: `no room for the ${what}: ${formatSize(size)} does not fit into ${ram.map(formatRange).join(', ')}`,
    remedy: 'send a smaller kernel or ramdisk',
    ranges: [
      { start, end: start + size },
      { start: end, end: Math.max(start + size, end + PAGE) },
    ],
  }
}
