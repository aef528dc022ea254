/** Image: the kernel format of 64-bit ARM (Linux `Documentation/arch/arm64/booting.rst`, section 4). Words are little-endian. */
import { ByteReader } from '../byte-reader.js'

export interface Arm64Image {
  /** the file, a view */
  readonly bytes: Uint8Array
  /** bytes of the file */
  readonly size: number
  /** distance of the image from a 2 MiB boundary, bytes */
  readonly textOffset: number
  /** memory that the kernel needs from its start, with its bss, bytes; 0 for kernels before 3.17, which do not state it */
  readonly imageSize: number
  readonly flags: bigint
  readonly bigEndian: boolean
  /** bytes; null if the kernel does not state it */
  readonly pageSize: number | null
  /** the 2 MiB boundary may be anywhere in memory, not only near its start */
  readonly anywhere: boolean
}

const OFFSET = { textOffset: 8, imageSize: 16, flags: 24, magic: 0x38 } as const
const HEADER_BYTES = 0x40
/** "ARM\x64" */
const MAGIC = 0x644d_5241
/** The value of `text_offset` before `image_size` existed and the byte order was defined. */
const OLD_TEXT_OFFSET = 0x8_0000
const PAGE_SIZES = [null, 0x1000, 0x4000, 0x1_0000] as const

/** Whether `bytes` start with an arm64 Image. */
export function isArm64Image(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && new ByteReader(bytes, '').u32le(OFFSET.magic, 'magic') === MAGIC
}

/** A 64-bit size as a number. @throws FORMAT_VALUE from 2^53 on */
function sizeAt(file: ByteReader, offset: number, field: string): number {
  const value = file.u64le(offset, field)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw file.malformed(offset, field, 'less than 2^53', `${value}`)
  return Number(value)
}

/**
 * Parse the header of an arm64 Image.
 *
 * @param bytes the file; nothing is copied from it
 * @param what name of the file, for errors
 * @throws FORMAT_MAGIC, FORMAT_TRUNCATED, FORMAT_VALUE
 */
export function parseArm64Image(bytes: Uint8Array, what = 'arm64 Image'): Arm64Image {
  const file = new ByteReader(bytes, what)
  file.need(0, HEADER_BYTES, 'Image header')
  file.magic(OFFSET.magic, file.u32le(OFFSET.magic, 'magic'), MAGIC)
  const imageSize = sizeAt(file, OFFSET.imageSize, 'image size')
  if (imageSize !== 0 && imageSize < bytes.length) {
    throw file.malformed(OFFSET.imageSize, 'image size', `at least the file's ${bytes.length} bytes`, `${imageSize}`)
  }
  const flags = file.u64le(OFFSET.flags, 'flags')
  return {
    bytes,
    size: bytes.length,
    textOffset: imageSize === 0 ? OLD_TEXT_OFFSET : sizeAt(file, OFFSET.textOffset, 'text offset'),
    imageSize,
    flags,
    bigEndian: (flags & 1n) !== 0n,
    pageSize: PAGE_SIZES[Number((flags >> 1n) & 3n)] ?? null,
    anywhere: (flags & 8n) !== 0n,
  }
}
