/**
 * Reads TEXT_OFFSET from the decompressor's instructions, for kernels that do not have it in their tag table.
 *
 * With AUTO_ZRELADDR, `head.S` masks its own address to the start of RAM and adds TEXT_OFFSET:
 *
 *     until 5.11   and r4, r4, #0xf8000000   add r4, r4, #TEXT_OFFSET     one after the other
 *     since 5.12   and r0, r0, #0xf8000000   add r4, r0, #TEXT_OFFSET     the FDT check lies between
 *
 * The constant is a single immediate operand in both instruction sets; the assembler accepts nothing else.
 */

/** The decompressor's first instructions lie here; with an EFI header they start after its 4 KiB. */
const SCAN_BYTES = 0x4000
/** The FDT check between the two instructions takes 11 instructions; search twice as far. */
const WINDOW_BYTES = 96
/** Below 16 KiB there is no room for the page table; from 128 MiB on the kernel would leave its block of RAM. */
const PLAUSIBLE = { least: 0x4000, below: 0x0800_0000 } as const

/** One instruction set, in units of `step` bytes, and how to recognise the two instructions. */
interface InstructionSet {
  readonly source: 'arm' | 'thumb2'
  readonly step: number
  /** register with the masked address if `word` is the `and`, else null */
  maskedRegister(word: number): number | null
  /** TEXT_OFFSET if `word` is `add r4, register, #imm`, else null */
  added(word: number, register: number): number | null
}

const rotateRight = (value: number, bits: number) => ((value >>> bits) | (value << ((32 - bits) & 31))) >>> 0

/** ARM ARM A5.2.4: eight bits rotated right by twice a four-bit count. */
export function expandArmImmediate(imm12: number): number {
  return rotateRight(imm12 & 0xff, (imm12 >>> 8) * 2)
}

/** ARM ARM A6.3.2: a repeated byte, or `1bcdefgh` rotated right by a five-bit count. */
export function expandThumbImmediate(imm12: number): number {
  const byte = imm12 & 0xff
  if (imm12 >>> 10 !== 0) return rotateRight(0x80 | (imm12 & 0x7f), imm12 >>> 7)
  const repeat = [0x0000_0001, 0x0001_0001, 0x0100_0100, 0x0101_0101][imm12 >>> 8] ?? 1
  return (byte * repeat) >>> 0
}

const ARM: InstructionSet = {
  source: 'arm',
  step: 4,
  maskedRegister: word => (word === 0xe204_433e ? 4 : word === 0xe200_033e ? 0 : null),
  added: (word, register) =>
    (word & 0xffff_f000) >>> 0 === (0xe280_4000 | (register << 16)) >>> 0 ? expandArmImmediate(word & 0xfff) : null,
}

/** The first halfword of a word is the upper half, like in the ARM ARM. */
const THUMB2: InstructionSet = {
  source: 'thumb2',
  step: 2,
  maskedRegister: word => (word === 0xf004_4478 ? 4 : word === 0xf000_4078 ? 0 : null),
  added: (word, register) => {
    // add.w r4, register, #imm (encoding T3): 11110 i 0 1000 0 Rn | 0 imm3 0100 imm8
    if ((word & 0xfbff_8f00) >>> 0 !== (0xf100_0400 | (register << 16)) >>> 0) return null
    return expandThumbImmediate(((word >>> 15) & 0x800) | ((word >>> 4) & 0x700) | (word & 0xff))
  },
}

/**
 * Find TEXT_OFFSET in the decompressor's instructions (`arch/arm/boot/compressed/head.S`).
 *
 * @param image zImage from its first byte
 * @param thumb whether its decompressor is Thumb-2
 * @returns bytes from the start of RAM; null without the pattern, as in kernels linked to a fixed address
 */
export function scanTextOffset(
  image: Uint8Array,
  thumb: boolean,
): { textOffset: number; source: 'arm' | 'thumb2' } | null {
  const set = thumb ? THUMB2 : ARM
  const view = new DataView(image.buffer, image.byteOffset, Math.min(image.length, SCAN_BYTES))
  const word = (offset: number) =>
    thumb
      ? ((view.getUint16(offset, true) << 16) | view.getUint16(offset + 2, true)) >>> 0
      : view.getUint32(offset, true)
  for (let at = 0; at + 4 <= view.byteLength; at += set.step) {
    const register = set.maskedRegister(word(at))
    if (register === null) continue
    const end = Math.min(at + 4 + WINDOW_BYTES, view.byteLength - 4)
    for (let next = at + 4; next <= end; next += set.step) {
      const textOffset = set.added(word(next), register)
      if (textOffset !== null && textOffset >= PLAUSIBLE.least && textOffset < PLAUSIBLE.below) {
        return { textOffset, source: set.source }
      }
    }
  }
  return null
}
