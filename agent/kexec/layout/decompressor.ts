/**
 * Predicts what the decompressor of a zImage does to memory (`arch/arm/boot/compressed/head.S`, Linux 3.x to 6.12). It
 * unpacks the kernel to a fixed distance from the start of RAM. If that would overwrite the decompressor itself, it first
 * copies itself, with stack and heap, past the end of the unpacked kernel, and over whatever lies there: it does not know
 * where ramdisk and device tree are.
 */

import type { DecompressorCode, Prediction } from './plan.js'
import { alignDown, alignUp, overlap, type Range } from './ranges.js'

/** The decompressor assumes that RAM starts with the 128 MiB block that it runs in (`AUTO_ZRELADDR`). */
export const RAM_BASE_ALIGNMENT = 0x0800_0000

/** Its page table, just below the kernel. */
export const PAGE_TABLE_SIZE = 0x4000

/** Stack, above the decompressor's bss. */
const STACK_SIZE = 0x1000

/** Heap, above the stack, unless the zImage's tag states another size. */
const DEFAULT_MALLOC_SIZE = 0x10000

/** The largest TEXT_OFFSET in use, for a zImage that does not state its own. */
export const LARGEST_TEXT_OFFSET = 0x30_8000

/** Constants of unknown code: the range of those seen in real kernels, and the most common one. */
const GAP = { least: 0x900, common: 0xb00, most: 0x1000 }
const RESTART = { least: 0x80, common: 0xc0, most: 0x1100 }
const WONT_OVERWRITE = { least: 0, most: 0x1300 }

export interface DecompressorInput {
  /** where the zImage is placed */
  readonly loadAddress: number
  /** bytes of the zImage */
  readonly size: number
  /** bytes of decompressed text and data */
  readonly edata: number
  /** bytes of the kernel's bss */
  readonly bss: number
  /** upper bound for the decompressor's own bss, bytes; by default the kernel's bss, which is far larger */
  readonly ownBss?: number
  /** distance of the kernel from the start of RAM, bytes */
  readonly textOffset: number
  /** where the decompressor assumes that RAM starts; by default the 128 MiB block of `loadAddress` */
  readonly ramBase?: number
  /** heap, bytes */
  readonly mallocSize?: number | null
  /** the constants of this zImage's code; without them, bounds are used */
  readonly code?: DecompressorCode | null
}

/** One set of constants. */
interface Constants {
  readonly gap: number
  readonly restart: number
  readonly wontOverwrite: number
  /** top of the stack, from the start of the zImage */
  readonly stackEnd: number
}

/** The result of one set of constants. */
interface Outcome {
  readonly move: Move | null
  /** end of kernel, zImage, stack and heap */
  readonly end: number
}

/** The copy that the decompressor makes of itself. */
export interface Move {
  readonly from: Range
  readonly to: Range
}

/**
 * Predict what the decompressor does.
 *
 * @returns `workspace` is the most that it can overwrite, `certain` the least; they are equal if `code` is complete
 */
export function predictDecompressor(input: DecompressorInput): Prediction {
  const ramBase = input.ramBase ?? alignDown(input.loadAddress, RAM_BASE_ALIGNMENT)
  const kernelAddress = ramBase + input.textOffset
  const kernelEnd = kernelAddress + input.edata
  const code = input.code ?? null

  const leastStackEnd = code?.stackEnd ?? alignUp(input.size, 8) + STACK_SIZE
  const mostStackEnd = code?.stackEnd ?? alignUp(input.size + (input.ownBss ?? input.bss), 8) + STACK_SIZE
  const worst = outcome(input, kernelAddress, {
    gap: code?.gap ?? GAP.most,
    restart: code?.restart ?? RESTART.least,
    wontOverwrite: code?.wontOverwrite ?? WONT_OVERWRITE.least,
    stackEnd: mostStackEnd,
  })
  const best = outcome(input, kernelAddress, {
    gap: code?.gap ?? GAP.least,
    restart: code?.restart ?? RESTART.most,
    wontOverwrite: code?.wontOverwrite ?? WONT_OVERWRITE.most,
    stackEnd: leastStackEnd,
  })
  const common = outcome(input, kernelAddress, {
    gap: code?.gap ?? GAP.common,
    restart: code?.restart ?? RESTART.common,
    wontOverwrite: code?.wontOverwrite ?? WONT_OVERWRITE.least,
    stackEnd: mostStackEnd,
  })

  const reach = ({ move, end }: Outcome): Range => {
    const start = kernelAddress - PAGE_TABLE_SIZE
    return { start: move === null ? Math.min(start, input.loadAddress) : start, end }
  }
  return {
    loadAddress: input.loadAddress,
    ramBase,
    kernelAddress,
    kernelEnd,
    kernelBssEnd: kernelEnd + input.bss,
    relocates: worst.move !== null,
    line: common.move === null ? null : formatMove(common.move),
    exact: code !== null,
    workspace: reach(worst),
    certain: reach(best),
  }
}

function outcome(input: DecompressorInput, kernelAddress: number, constants: Constants): Outcome {
  const { loadAddress, size, edata } = input
  const kernelEnd = kernelAddress + edata
  const end = loadAddress + constants.stackEnd + (input.mallocSize ?? DEFAULT_MALLOC_SIZE)
  const stays = kernelAddress >= end + PAGE_TABLE_SIZE || kernelEnd <= loadAddress + constants.wontOverwrite
  if (stays) return { move: null, end: Math.max(end, kernelEnd) }

  // It copies from the last byte to the first in blocks of 32 bytes, to a multiple of 256 bytes.
  const from = alignDown(loadAddress + constants.restart, 32)
  const to = alignDown(kernelEnd + constants.gap, 256)
  const length = alignUp(loadAddress + size - from, 32)
  return {
    move: { from: { start: from, end: from + length }, to: { start: to, end: to + length } },
    end: end + (to - from),
  }
}

/** The line that a decompressor built with DEBUG prints (`dbgkc` in head.S). */
export function formatMove({ from, to }: Move): string {
  const word = (address: number) => `0x${address.toString(16).toUpperCase().padStart(8, '0')}`
  return `C:${word(from.start)}-${word(from.end)}->${word(to.start)}-${word(to.end)}`
}

const MOVE_LINE = /C:\s*0x([0-9a-f]{8})-0x([0-9a-f]{8})->0x([0-9a-f]{8})-0x([0-9a-f]{8})/i

/** The move that a line reports; null for any other line, and for values that the copy loop cannot print. */
export function parseMove(line: string): Move | null {
  const fields = MOVE_LINE.exec(line)
  if (fields === null) return null
  const [from = 0, fromEnd = 0, to = 0, toEnd = 0] = fields.slice(1).map(field => Number(`0x${field}`))
  const length = fromEnd - from
  const sane = length > 0 && toEnd - to === length && from % 32 === 0 && length % 32 === 0 && to % 256 === 0
  return sane ? { from: { start: from, end: fromEnd }, to: { start: to, end: toEnd } } : null
}

/** What a logged move reveals about the zImage and its code. */
export interface InferredMove {
  readonly loadAddress: number
  readonly textOffset: number
  readonly code: DecompressorCode
}

/**
 * Work back from the line that a booting kernel printed.
 *
 * @param move read from that line
 * @param facts what else the log shows: bytes of the zImage and of text and data, and the load address, if known
 * @param textOffsets candidates, the most likely first
 * @returns null if no candidate explains the line
 */
export function inferFromMove(
  move: Move,
  facts: { readonly size: number; readonly edata: number; readonly loadAddress?: number | null },
  textOffsets: readonly number[],
): InferredMove | null {
  // kexec-tools loads at a page plus 0x8000, and `restart` lies within the first 32 KiB of the code.
  const loadAddress = facts.loadAddress ?? alignDown(move.from.start, 0x8000)
  const restart = move.from.start - loadAddress
  const length = alignUp(loadAddress + facts.size - move.from.start, 32)
  if (restart < 0 || restart > RESTART.most || length !== move.from.end - move.from.start) return null

  for (const textOffset of textOffsets) {
    const kernelEnd = alignDown(loadAddress, RAM_BASE_ALIGNMENT) + textOffset + facts.edata
    const gap = move.to.start - alignDown(kernelEnd, 256)
    if (gap < GAP.least / 2 || gap > GAP.most * 2) continue
    // All that is known of `wont_overwrite` is that it comes after `restart`.
    const code = { restart, gap, wontOverwrite: restart, stackEnd: null, checksMemory: null }
    return { loadAddress, textOffset, code }
  }
  return null
}

/** Bounds for the size of a zImage if only the copied part is known: the copy is rounded up to 32 bytes. */
export function sizeFromMove(move: Move, loadAddress: number): { readonly least: number; readonly most: number } {
  const most = move.from.end - loadAddress
  return { least: most - 31, most }
}

/** Whether the decompressor overwrites `range`: certainly, possibly (if constants are only bounded), or not at all. */
export function fateOf(
  prediction: Prediction,
  range: Range,
): { readonly certain: boolean; readonly hit: Range } | null {
  const touched = (workspace: Range): Range => ({
    start: workspace.start,
    end: Math.max(workspace.end, prediction.kernelBssEnd),
  })
  const sure = overlap(touched(prediction.certain), range)
  if (sure !== null) return { certain: true, hit: sure }
  const perhaps = overlap(touched(prediction.workspace), range)
  return perhaps === null ? null : { certain: false, hit: perhaps }
}
