/**
 * zImage: the self-extracting kernel of 32-bit ARM (`arch/arm/boot/compressed/head.S` and `vmlinux.lds.S`).
 * All words are little-endian.
 */
import { fault } from '../../errors.js'
import { ByteReader, hex } from '../byte-reader.js'
import { scanTextOffset } from './zimage-text-offset.js'

export interface ZImage {
  /** exactly `size` bytes, a view; without an appended DTB, which would override the one we pass */
  readonly bytes: Uint8Array
  /** `end - start`, bytes */
  readonly size: number
  readonly start: number
  readonly end: number
  /** bytes of the parsed file */
  readonly fileSize: number
  /** the tag with the kernel's size: its offset, and its words from the count on */
  readonly tag: {
    readonly offset: number
    readonly words: readonly number[]
  } | null
  /** decompressed text and data, bytes */
  readonly edata: number | null
  /** bss of the kernel, bytes */
  readonly bss: number | null
  /** distance of the decompressed kernel from the start of RAM, bytes */
  readonly textOffset: number | null
  readonly textOffsetSource: 'tag' | 'arm' | 'thumb2' | null
  /** heap of the decompressor, bytes */
  readonly mallocSize: number | null
  /** the decompressor is Thumb-2 code, after one ARM instruction that switches to it */
  readonly thumb: boolean
  /** the DTB appended to the image, a view; not part of `bytes` */
  readonly appendedDtb: Uint8Array | null
  /** bytes after the image and the appended DTB; not part of `bytes` */
  readonly trailing: number
}

const MAGIC = 0x016f_2818
const OFFSET = {
  magic: 0x24,
  start: 0x28,
  end: 0x2c,
  endian: 0x30,
  extension: 0x34,
  table: 0x38,
} as const
const HEADER_BYTES = 0x30
const BIG_ENDIAN = 0x0102_0304
/** at 0x34, if the word at 0x38 is the offset of the tag table */
const EXTENSION_MAGIC = 0x4545_4545
/** "KLSZ": kernel size */
const TAG_KERNEL_SIZE = 0x5a53_4c4b
/** The first kernels with the tag did not count the count and the id. At least two words follow the id. */
const LEAST_TAG_WORDS = 4
const FDT_MAGIC = 0xd00d_feed
/** `sub pc, pc, #3` since 4.15, `bx r12` before: both enter Thumb code */
const THUMB_SWITCHES: readonly (readonly [offset: number, word: number])[] = [
  [0x1c, 0xe24f_f003],
  [0x20, 0xe12f_ff1c],
]

/** Whether `bytes` start with a little-endian zImage. */
export function isZImage(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && new ByteReader(bytes, '').u32le(OFFSET.magic, 'magic') === MAGIC
}

/** The words of the kernel-size tag, or null if the table has none. */
function readTag(image: ByteReader): ZImage['tag'] {
  if (image.length < OFFSET.table + 4) return null
  if (image.u32le(OFFSET.extension, 'extension magic') !== EXTENSION_MAGIC) return null
  if (image.u32le(OFFSET.endian, 'endianness') === BIG_ENDIAN) {
    throw fault('FORMAT_UNSUPPORTED', {
      what: image.what,
      where: hex(OFFSET.endian),
      found: 'a big-endian kernel',
      expected: 'little-endian',
    })
  }
  let offset = image.u32le(OFFSET.table, 'tag table')
  for (;;) {
    const count = image.u32le(offset, 'tag table entry')
    if (count === 0) return null
    if (count === 1) throw image.malformed(offset, 'tag table entry', 'at least 2 words', count)
    const isKernelSize = image.u32le(offset + 4, 'tag id') === TAG_KERNEL_SIZE
    const words = isKernelSize ? Math.max(count, LEAST_TAG_WORDS) : count
    image.need(offset, words * 4, 'tag')
    const at = offset
    if (isKernelSize) {
      return {
        offset,
        words: Array.from({ length: words }, (_, i) => image.u32le(at + i * 4, 'tag')),
      }
    }
    offset += count * 4
  }
}

/** The DTB directly after the image, where the decompressor looks for one. */
function readAppendedDtb(rest: Uint8Array): Uint8Array | null {
  if (rest.length < 8) return null
  const reader = new ByteReader(rest, 'appended dtb')
  if (reader.u32be(0, 'magic') !== FDT_MAGIC) return null
  const size = reader.u32be(4, 'totalsize')
  return size <= rest.length ? rest.subarray(0, size) : null
}

/** TEXT_OFFSET from the tag, else from the instructions. */
function findTextOffset(
  image: Uint8Array,
  tagged: number | undefined,
  thumb: boolean,
): Pick<ZImage, 'textOffset' | 'textOffsetSource'> {
  if (tagged !== undefined) return { textOffset: tagged, textOffsetSource: 'tag' }
  const scanned = scanTextOffset(image, thumb)
  return {
    textOffset: scanned?.textOffset ?? null,
    textOffsetSource: scanned?.source ?? null,
  }
}

/**
 * Parse a zImage.
 *
 * @param bytes the file; nothing is copied from it
 * @param what name of the file, for errors
 * @throws FORMAT_MAGIC, FORMAT_TRUNCATED, FORMAT_VALUE, FORMAT_UNSUPPORTED
 */
export function parseZImage(bytes: Uint8Array, what = 'zImage'): ZImage {
  const file = new ByteReader(bytes, what)
  file.need(0, HEADER_BYTES, 'zImage header')
  file.magic(OFFSET.magic, file.u32le(OFFSET.magic, 'magic'), MAGIC)
  const start = file.u32le(OFFSET.start, 'start')
  const end = file.u32le(OFFSET.end, 'end')
  const size = end - start
  if (size < HEADER_BYTES) {
    throw file.malformed(OFFSET.end, 'end', `more than start ${hex(start)} plus a header`, end)
  }
  file.need(0, size, 'zImage')

  const image = new ByteReader(bytes.subarray(0, size), what)
  const thumb = THUMB_SWITCHES.some(([offset, word]) => image.u32le(offset, 'entry code') === word)
  const tag = readTag(image)
  // Words of the tag: count, id, pointer to edata, bss, TEXT_OFFSET, MALLOC_SIZE (vmlinux.lds.S)
  const [, , edataPointer, bss, textOffset, mallocSize] = tag?.words ?? []
  const edata = edataPointer === undefined ? null : image.u32le(edataPointer, 'decompressed size')
  const rest = bytes.subarray(size)
  const appendedDtb = readAppendedDtb(rest)
  return {
    bytes: image.bytes,
    size,
    start,
    end,
    fileSize: bytes.length,
    tag,
    edata,
    bss: bss ?? null,
    ...findTextOffset(image.bytes, textOffset, thumb),
    mallocSize: mallocSize ?? null,
    thumb,
    appendedDtb,
    trailing: rest.length - (appendedDtb?.length ?? 0),
  }
}
