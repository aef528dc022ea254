/**
 * Walks the outer structure of a zstd frame (RFC 8878 section 3.1.1) without decompressing it: finds its end, and an upper
 * bound for its decompressed size. The decoder allocates that much, so these are checked first.
 */
import { fault } from '../../errors.js'
import { type ByteReader, hex } from '../byte-reader.js'

export interface ZstdFrame {
  /** bytes of the frame */
  readonly size: number
  /** decompressed bytes; null if its header does not state them */
  readonly contentSize: number | null
  /** upper bound for the decompressed blocks, bytes */
  readonly bound: number
}

const MAGIC = 0xfd2f_b528
const SKIPPABLE = { magic: 0x184d_2a50, mask: 0xffff_fff0 } as const
const SIZE_BYTES = [0, 2, 4, 8] as const
const DICTIONARY_BYTES = [0, 1, 2, 4] as const
const BLOCK = { raw: 0, rle: 1, compressed: 2 } as const
/** section 3.1.1.2.4 */
const MAX_BLOCK = 0x2_0000

/** Bytes of a skippable frame at `offset`, 0 if there is none (section 3.1.2). */
export function skippableSize(file: ByteReader, offset: number): number {
  if (offset + 8 > file.length) return 0
  const isSkippable = (file.u32le(offset, 'magic') & SKIPPABLE.mask) >>> 0 === SKIPPABLE.magic
  if (!isSkippable) return 0
  const size = 8 + file.u32le(offset + 4, 'size of skippable frame')
  file.need(offset, size, 'skippable frame')
  return size
}

/** Frame_Content_Size in a field of `bytes` bytes at `offset` (section 3.1.1.1.4). */
function readContentSize(file: ByteReader, offset: number, bytes: number): number | null {
  const field = 'content size'
  if (bytes === 0) return null
  if (bytes === 1) return file.u8(offset, field)
  if (bytes === 2) return (file.u8(offset, field) | (file.u8(offset + 1, field) << 8)) + 256
  if (bytes === 4) return file.u32le(offset, field)
  return Number(file.u64le(offset, field))
}

/** Walk the frame that starts at the file's first byte. */
export function readZstdFrame(file: ByteReader): ZstdFrame {
  file.magic(0, file.u32le(0, 'zstd magic'), MAGIC)
  const descriptor = file.u8(4, 'frame header')
  if ((descriptor & 0x08) !== 0) throw file.malformed(4, 'frame header', 'no reserved bit', descriptor)
  const singleSegment = (descriptor & 0x20) !== 0
  let offset = singleSegment ? 5 : 6
  const dictionaryBytes = DICTIONARY_BYTES[descriptor & 3] ?? 0
  const dictionary = file.subarray(offset, dictionaryBytes, 'dictionary id')
  if (dictionary.some(byte => byte !== 0)) {
    throw fault('FORMAT_UNSUPPORTED', {
      what: file.what,
      where: hex(offset),
      found: 'a dictionary',
      expected: 'frames without one',
    })
  }
  offset += dictionaryBytes
  const sizeBytes = singleSegment && descriptor >>> 6 === 0 ? 1 : (SIZE_BYTES[descriptor >>> 6] ?? 0)
  const contentSize = readContentSize(file, offset, sizeBytes)
  offset += sizeBytes

  let bound = 0
  for (let last = false; !last; ) {
    const [low, middle, high] = file.subarray(offset, 3, 'block header')
    const header = (low ?? 0) | ((middle ?? 0) << 8) | ((high ?? 0) << 16)
    const type = (header >>> 1) & 3
    const size = header >>> 3
    if (type > BLOCK.compressed) throw file.malformed(offset, 'block type', 'raw, RLE or compressed', type)
    if (size > MAX_BLOCK) throw file.malformed(offset, 'block size', `at most ${hex(MAX_BLOCK)}`, size)
    const stored = type === BLOCK.rle ? 1 : size
    file.need(offset + 3, stored, 'block')
    bound += type === BLOCK.compressed ? MAX_BLOCK : size
    offset += 3 + stored
    last = (header & 1) !== 0
  }
  if ((descriptor & 0x04) !== 0) {
    file.need(offset, 4, 'checksum')
    offset += 4
  }
  if (contentSize !== null && contentSize > bound) {
    throw file.malformed(4, 'content size', `at most ${hex(bound)}, which its blocks can hold`, contentSize)
  }
  return { size: offset, contentSize, bound }
}
