/**
 * The constants of a zImage's decompressor, read from its instructions (`arch/arm/boot/compressed/head.S`). The code that
 * decides on the move has had one form since Linux 3.1, in ARM and in Thumb-2:
 *
 *     cmp  r4, r10          bhs  wont_overwrite      ...
 *     add  r10, r10, #gap   bic  r10, r10, #255      adr  r5, restart      bic  r5, r5, #31
 *
 * and `restart` starts by loading the top of the stack from a table. Nothing here is a guess: if any of this is not found,
 * `decompressor.ts` uses bounds instead.
 */

import { expandArmImmediate, expandThumbImmediate } from '../../image/kernel/zimage-text-offset.js'
import type { DecompressorCode } from './plan.js'

/** All of this code lies in the first 16 KiB, even after an EFI header. */
const SCAN_BYTES = 0x4000

/** The decision takes nine instructions, the check of the memory eleven: search twice as far. */
const DECISION_BYTES = 96
const CHECK_BYTES = 96

/** One instruction set. `word` is an instruction of four bytes; in Thumb-2 its first halfword is the upper half. */
interface InstructionSet {
  readonly step: number
  read(view: DataView, offset: number): number
  /** `bic r10, r10, #255` and `bic r5, r5, #31` */
  readonly roundGap: number
  readonly roundRestart: number
  /** the immediate of `add r10, r10, #imm` */
  gap(word: number): number | null
  /** where `adr r5, label` points backwards to */
  adrRestart(word: number, offset: number): number | null
  /** where the branch of `cmp r4, r10; bhs label` at `offset` goes to */
  branchIfAbove(view: DataView, offset: number): number | null
  /** the table that `restart` loads from, and how many bytes its first instruction takes */
  adrTable(word: number, offset: number): { readonly table: number; readonly bytes: number } | null
  /** `and r0, r0, #0xf8000000`, and `and r4, r4, #0xf8000000` of older kernels */
  readonly maskChecked: number
  readonly maskOnly: number
  isCall(word: number): boolean
  /** `add r4, r0, #TEXT_OFFSET` */
  addsTextOffset(word: number): boolean
}

const signExtend = (value: number, bits: number) => (value << (32 - bits)) >> (32 - bits)
const masked = (word: number, mask: number) => (word & mask) >>> 0

const ARM: InstructionSet = {
  step: 4,
  read: (view, offset) => view.getUint32(offset, true),
  roundGap: 0xe3ca_a0ff,
  roundRestart: 0xe3c5_501f,
  gap: word => (masked(word, 0xffff_f000) === 0xe28a_a000 ? expandArmImmediate(word & 0xfff) : null),
  adrRestart: (word, offset) =>
    masked(word, 0xffff_f000) === 0xe24f_5000 ? offset + 8 - expandArmImmediate(word & 0xfff) : null,
  branchIfAbove: (view, offset) => {
    const branch = view.getUint32(offset + 4, true)
    if (view.getUint32(offset, true) !== 0xe154_000a || branch >>> 24 !== 0x2a) return null
    return offset + 12 + signExtend(branch, 24) * 4
  },
  adrTable: (word, offset) =>
    masked(word, 0xffff_f000) === 0xe28f_0000
      ? { table: offset + 8 + expandArmImmediate(word & 0xfff), bytes: 4 }
      : null,
  maskChecked: 0xe200_033e,
  maskOnly: 0xe204_433e,
  isCall: word => word >>> 24 === 0xeb,
  addsTextOffset: word => masked(word, 0xffff_f000) === 0xe280_4000,
}

/** The 12-bit constant of a Thumb-2 data-processing instruction: `i:imm3:imm8`. */
const thumbConstant = (word: number) => ((word >>> 15) & 0x800) | ((word >>> 4) & 0x700) | (word & 0xff)
/** The program counter as Thumb code reads it: four bytes ahead, rounded down to a word. */
const thumbPc = (offset: number) => (offset + 4) & ~3

const THUMB2: InstructionSet = {
  step: 2,
  read: (view, offset) => ((view.getUint16(offset, true) << 16) | view.getUint16(offset + 2, true)) >>> 0,
  roundGap: 0xf02a_0aff,
  roundRestart: 0xf025_051f,
  // add.w r10, r10, #imm: 11110 i 0 1000 0 1010 | 0 imm3 1010 imm8
  gap: word => (masked(word, 0xfbff_8f00) === 0xf10a_0a00 ? expandThumbImmediate(thumbConstant(word)) : null),
  // subw r5, pc, #imm: 11110 i 1010 1 0 1111 | 0 imm3 0101 imm8
  adrRestart: (word, offset) =>
    masked(word, 0xfbff_8f00) === 0xf2af_0500 ? thumbPc(offset) - thumbConstant(word) : null,
  branchIfAbove: (view, offset) => {
    if (view.getUint16(offset, true) !== 0x4554) return null
    const short = view.getUint16(offset + 2, true)
    if (short >>> 8 === 0xd2) return offset + 6 + signExtend(short, 8) * 2
    const low = view.getUint16(offset + 4, true)
    // bcs.w: 11110 S 0010 imm6 | 10 J1 0 J2 imm11; forwards by less than 64 KiB, so S, J1 and J2 are 0
    return masked(short, 0xffc0) === 0xf080 && masked(low, 0xf800) === 0x8000
      ? offset + 6 + ((short & 0x3f) << 12) + (low & 0x7ff) * 2
      : null
  },
  adrTable: (word, offset) => {
    if (masked(word, 0xff00_0000) === 0xa000_0000) {
      return { table: thumbPc(offset) + ((word >>> 16) & 0xff) * 4, bytes: 2 }
    }
    return masked(word, 0xfbff_8f00) === 0xf20f_0000 ? { table: thumbPc(offset) + thumbConstant(word), bytes: 4 } : null
  },
  maskChecked: 0xf000_4078,
  maskOnly: 0xf004_4478,
  isCall: word => masked(word, 0xf800_d000) === 0xf000_d000,
  addsTextOffset: word => masked(word, 0xfbff_8f00) === 0xf100_0400,
}

/**
 * Read the constants.
 *
 * @param image zImage from its first byte
 * @param thumb whether its decompressor is Thumb-2
 * @returns null if the code does not have the known form
 */
export function readDecompressorCode(image: Uint8Array, thumb: boolean): DecompressorCode | null {
  const set = thumb ? THUMB2 : ARM
  const view = new DataView(image.buffer, image.byteOffset, image.length)
  const last = Math.min(image.length, SCAN_BYTES) - 12
  for (let offset = 4; offset <= last; offset += set.step) {
    if (set.read(view, offset) !== set.roundGap || set.read(view, offset + 8) !== set.roundRestart) continue
    const gap = set.gap(set.read(view, offset - 4))
    const restart = set.adrRestart(set.read(view, offset + 4), offset + 4)
    const wontOverwrite = findBranch(view, set, offset - 4)
    if (gap === null || restart === null || restart < 0 || restart >= offset || wontOverwrite === null) continue
    const stackEnd = readStackEnd(view, set, restart)
    return { restart, gap, wontOverwrite, stackEnd, checksMemory: readMemoryCheck(view, set, restart) }
  }
  return null
}

/** The nearest `cmp r4, r10; bhs` before `end`. */
function findBranch(view: DataView, set: InstructionSet, end: number): number | null {
  for (let offset = end - 6; offset >= Math.max(0, end - DECISION_BYTES); offset -= 2) {
    const target = offset % set.step === 0 ? set.branchIfAbove(view, offset) : null
    if (target !== null) return target
  }
  return null
}

/** `ldr sp, [r0]` of newer kernels, `ldr sp, [r0, #28]` after an `ldmia r0, {...}` of older ones; ARM and Thumb-2. */
const LOAD_STACK = new Set([0xe590_d000, 0xf8d0_d000])
const LOAD_STACK_OLD = new Set([0xe590_d01c, 0xf8d0_d01c])

/**
 * The top of the stack from the table that `restart` loads. The table also holds the end of the zImage (`_edata`); the
 * table is accepted only if that is right.
 */
function readStackEnd(view: DataView, set: InstructionSet, restart: number): number | null {
  const address = set.adrTable(set.read(view, restart), restart)
  if (address === null || address.table % 4 !== 0 || address.table + 32 > view.byteLength) return null
  const { table, bytes } = address
  const word = (index: number) => view.getUint32(table + index * 4, true)

  if (LOAD_STACK.has(set.read(view, restart + bytes))) {
    return table + word(1) === view.byteLength ? table + word(0) : null
  }
  if (LOAD_STACK_OLD.has(set.read(view, restart + bytes + 4))) {
    return word(0) === table && word(3) === view.byteLength ? word(7) : null
  }
  return null
}

/** Since 5.12 a call lies between masking the program counter and adding TEXT_OFFSET to it, shortly before `restart`. */
function readMemoryCheck(view: DataView, set: InstructionSet, restart: number): boolean | null {
  let called = false
  for (let offset = restart - 4; offset >= Math.max(0, restart - CHECK_BYTES * 2); offset -= set.step) {
    const word = set.read(view, offset)
    if (word === set.maskOnly) return false
    if (word === set.maskChecked) return called
    // A call after the addition is a different one: it turns the cache on.
    called = set.isCall(word) || (called && !set.addsTextOffset(word))
  }
  return null
}
