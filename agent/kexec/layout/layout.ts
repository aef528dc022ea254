/**
 * fauxboot's own layout for 32-bit ARM. The zImage lies so high that its decompressor never has to move, so what it
 * overwrites is known exactly. Ramdisk and device tree lie above all of that, in memory that the early kernel has mapped
 * (Linux `Documentation/arch/arm/booting.rst`, sections 4 and 5).
 */

import { PAGE_TABLE_SIZE, predictDecompressor, RAM_BASE_ALIGNMENT } from './decompressor.js'
import type { KernelFacts, Prediction } from './plan.js'
import {
  alignDown,
  alignUp,
  contains,
  firstFit,
  firstOverlap,
  formatRange,
  formatSize,
  overlap,
  type Range,
  sideBySide,
  subtract,
} from './ranges.js'

/** `KEXEC_ARCH_ARM << 16` of `kexec_load(2)`. */
export const KEXEC_ARCH_ARM_FLAGS = 0x280000

const MIB = 2 ** 20

/** booting.rst: a zImage above the first 32 MiB does not have to move to unpack a kernel of common size. */
const PREFERRED_DISTANCE = 32 * MIB

/** A decompressor that reads the device tree rounds the base of RAM up to this (`fdt_check_mem_start.c`, Linux 5.12). */
const CHECKED_ALIGNMENT = 2 * MIB

/** Kept free above the workspace, in case the prediction is a little short. */
const SLACK = 0x10000

export interface ArmLayoutInput {
  /** RAM that both the running kernel and the target's device tree know, sorted */
  readonly ram: readonly Range[]
  /** memory that the target's device tree reserves */
  readonly reserved: readonly Range[]
  readonly kernel: KernelFacts
  /** heap of the decompressor, bytes; null for the usual size */
  readonly mallocSize: number | null
  /** where the decompressor will assume that RAM starts */
  readonly ramBase: number
  /** bytes of each part of the ramdisk; each part starts on a page */
  readonly ramdisk: readonly number[]
  /** bytes; null without a device tree */
  readonly dtb: number | null
  /** end of the memory that the early kernel has mapped */
  readonly lowmemEnd: number
  readonly pageSize: number
}

export interface ArmLayout {
  readonly kernel: number
  /** address of each part of the ramdisk */
  readonly ramdisk: readonly number[]
  readonly dtb: number | null
  readonly prediction: Prediction
}

/** Why there is no layout: the range that was wanted, and the one that is in its way. */
export interface LayoutFailure {
  readonly message: string
  readonly remedy: string
  readonly ranges: readonly [wanted: Range, inTheWay: Range]
}

/**
 * Where the decompressor assumes that RAM starts.
 *
 * @param loadAddress where the zImage runs
 * @param memory from the target's device tree, sorted
 * @param checks whether the decompressor compares its guess with `memory` (Linux 5.12 and later)
 */
export function decompressorRamBase(loadAddress: number, memory: readonly Range[], checks: boolean): number {
  const block = alignDown(loadAddress, RAM_BASE_ALIGNMENT)
  const [lowest] = memory
  const known = memory.some(range => contains(range, { start: block, end: block + 1 }))
  return !checks || known || lowest === undefined ? block : alignUp(lowest.start, CHECKED_ALIGNMENT)
}

/** Place kernel, ramdisk and device tree. */
export function layOutArm(input: ArmLayoutInput): ArmLayout | { readonly failure: LayoutFailure } {
  const kernel = placeKernel(input)
  if ('failure' in kernel) return kernel
  const { prediction } = kernel

  const { lowmemEnd, pageSize } = input
  const start = alignUp(Math.max(prediction.workspace.end, prediction.kernelBssEnd) + SLACK, pageSize)
  const within = { start, end: lowmemEnd }
  const taken: Range[] = []
  const place = (what: string, size: number): number | LayoutFailure => {
    const free = subtract(input.ram, [...input.reserved, ...taken])
    const address = firstFit(free, size, pageSize, within)
    if (address === null) return noRoom(what, size, firstHole(free, within, pageSize), within, input, taken)
    taken.push({ start: address, end: address + size })
    return address
  }

  const padded = input.ramdisk.map(size => alignUp(size, pageSize))
  const total = padded.reduce((sum, size) => sum + size, 0)
  const ramdisk = total === 0 ? start : place('ramdisk', total)
  if (typeof ramdisk !== 'number') return { failure: ramdisk }
  const dtb = input.dtb === null ? null : place('device tree', alignUp(input.dtb, pageSize))
  if (dtb !== null && typeof dtb !== 'number') return { failure: dtb }

  return { kernel: prediction.loadAddress, ramdisk: sideBySide(ramdisk, padded), dtb, prediction }
}

/** Place the zImage above the unpacked kernel, but within the 128 MiB block from which it derives the base of RAM. */
function placeKernel(input: ArmLayoutInput): { prediction: Prediction } | { failure: LayoutFailure } {
  const { ram, reserved, ramBase, kernel } = input
  const kernelEnd = ramBase + kernel.textOffset + kernel.edata
  const unpacked = { start: ramBase + kernel.textOffset - PAGE_TABLE_SIZE, end: kernelEnd + kernel.bss }
  const everywhere = { start: 0, end: Number.MAX_SAFE_INTEGER }
  if (firstFit(subtract(ram, reserved), unpacked.end - unpacked.start, 1, unpacked) === null) {
    return { failure: noRoom('unpacked kernel', unpacked.end - unpacked.start, unpacked.start, everywhere, input) }
  }

  const predict = (loadAddress: number) =>
    predictDecompressor({
      loadAddress,
      ramBase,
      size: kernel.size,
      edata: kernel.edata,
      bss: kernel.bss,
      textOffset: kernel.textOffset,
      mallocSize: input.mallocSize,
      code: kernel.code,
    })
  const length = predict(kernelEnd).workspace.end - kernelEnd + SLACK
  const block = alignDown(ramBase, RAM_BASE_ALIGNMENT)
  const limit = block + RAM_BASE_ALIGNMENT
  for (const start of [Math.max(ramBase + PREFERRED_DISTANCE, kernelEnd), kernelEnd]) {
    const address = firstFit(subtract(ram, reserved), length, MIB, { start, end: limit })
    if (address !== null) return { prediction: predict(address) }
  }
  return {
    failure: noRoom('zImage with its stack and heap', length, alignUp(kernelEnd, MIB), { start: 0, end: limit }, input),
  }
}

/** The start of the first free memory within limits; if there is none, the start of the limits. */
function firstHole(free: readonly Range[], within: Range, alignment: number): number {
  return firstFit(free, alignment, alignment, within) ?? within.start
}

const REMEDIES: Readonly<Record<string, string>> = {
  'unpacked kernel': 'send a smaller kernel, or one with a TEXT_OFFSET that fits this board',
  'zImage with its stack and heap': 'send a smaller kernel',
  ramdisk: 'send a smaller ramdisk; if the target maps more lowmem, raise the limit',
  'device tree': 'send a smaller ramdisk, so that the device tree fits after it',
}

/** The failure that names what is in the way of `size` bytes at `address`. */
function noRoom(
  what: string,
  size: number,
  address: number,
  within: Range,
  input: ArmLayoutInput,
  taken: readonly Range[] = [],
): LayoutFailure {
  const wanted = { start: address, end: address + size }
  const [obstacle = { range: wanted, is: 'taken' }] = [
    { range: firstOverlap(input.reserved, wanted), is: 'reserved by the device tree' },
    { range: firstOverlap(taken, wanted), is: 'taken by the ramdisk' },
    { range: subtract([wanted], input.ram)[0], is: 'not RAM' },
    {
      range: overlap(wanted, { start: within.end, end: wanted.end }),
      is: 'beyond the memory that the early kernel maps',
    },
  ]
    .flatMap(({ range, is }) => (range ? [{ range, is }] : []))
    .sort((a, b) => a.range.start - b.range.start)
  return {
    message: `no room for the ${what}: ${formatSize(size)} at ${formatRange(wanted)} would collide with ${formatRange(obstacle.range)}, which is ${obstacle.is}`,
    remedy: REMEDIES[what] ?? '',
    ranges: [wanted, obstacle.range],
  }
}
