/**
 * lz4 (`doc/lz4_Frame_format.md`). The legacy frame, which kernels use: a magic, then blocks of 8 MiB, each after its
 * compressed size, to the end of the file, without a checksum. The frame, which `lz4` writes: a header, and blocks up to an
 * empty one. As in U-Boot, its blocks must not refer to each other, and its checksums are not checked. (lz4js 0.2.0 reads only
 * this one, and does not check the offsets in a block.)
 */
import { fault } from '../../errors.js'
import { yieldToEventLoop } from '../../event-loop.js'
import { ByteReader, hex } from '../byte-reader.js'
import { type BoundedOutput, BYTES_PER_SLICE } from './bounded-output.js'

const LEGACY_MAGIC = 0x184c_2102
const FRAME_MAGIC = 0x184d_2204
/** of the legacy frame */
const BLOCK_BYTES = 0x80_0000
/** A block that cannot be compressed grows by this much (`LZ4_compressBound`). */
const MAX_COMPRESSED = BLOCK_BYTES + Math.floor(BLOCK_BYTES / 255) + 16
const MIN_MATCH = 4
const LONG = 15

/** Most runs of bytes are shorter than this: copying them one by one takes less time than a call that copies many. */
const SHORT = 32

/** Append bytes of the block to the output, which has room for them. */
function copyLiterals(block: Uint8Array, at: number, output: BoundedOutput, length: number): void {
  const { buffer, size } = output
  if (length > SHORT) buffer.set(block.subarray(at, at + length), size)
  else for (let index = 0; index < length; index++) buffer[size + index] = block[at + index] ?? 0
  output.size += length
}

/** Append earlier bytes of the output once more. They may be those that are being appended. */
function copyMatch(distance: number, output: BoundedOutput, length: number): void {
  const { buffer, size } = output
  if (length > SHORT && distance >= length) buffer.copyWithin(size, size - distance, size - distance + length)
  else for (let to = size; to < size + length; to++) buffer[to] = buffer[to - distance] ?? 0
  output.size += length
}

/** Decompress one block into `most` bytes; `base` is its offset in the file. A block is up to 8 MiB: others get their turn. */
async function decodeBlock(block: Uint8Array, base: number, most: number, output: BoundedOutput): Promise<void> {
  const start = output.size
  let pauseAt = start + BYTES_PER_SLICE
  let at = 0
  const corrupt = (reason: string) =>
    fault('DECOMPRESS_FAILED', { what: output.what, format: 'lz4', reason: `${reason}, at ${hex(base + at)}` })
  /** A length of 15 or more continues in further bytes, up to the first that is not 255. */
  const lengthFrom = (nibble: number) => {
    let length = nibble
    for (let more = nibble === LONG; more; ) {
      const byte = block[at]
      if (byte === undefined) throw corrupt('the block ends within a length')
      at++
      length += byte
      more = byte === 255
    }
    if (output.size - start + length > most) throw corrupt(`the block unpacks to more than ${hex(most)}`)
    return length
  }
  while (at < block.length) {
    const token = block[at++] ?? 0
    const literals = lengthFrom(token >>> 4)
    if (at + literals > block.length) throw corrupt(`${literals} literals exceed the block`)
    output.reserve(literals)
    copyLiterals(block, at, output, literals)
    at += literals
    if (at === block.length) return
    if (at + 2 > block.length) throw corrupt('the block ends within a distance')
    const distance = (block[at] ?? 0) | ((block[at + 1] ?? 0) << 8)
    at += 2
    const length = lengthFrom(token & LONG) + MIN_MATCH
    if (distance === 0 || distance > output.size - start) {
      throw corrupt(`distance ${distance} exceeds the ${output.size - start} bytes so far`)
    }
    output.reserve(length)
    copyMatch(distance, output, length)
    if (output.size < pauseAt) continue
    await yieldToEventLoop(output.signal)
    pauseAt = output.size + BYTES_PER_SLICE
  }
}

interface Lz4Block {
  readonly bytes: Uint8Array
  readonly offset: number
  /** the offset after it */
  readonly next: number
}

/** The blocks of the legacy frame. It ends with the file, or before a word that is not the size of a block. */
function* legacyBlocks(file: ByteReader): Generator<Lz4Block> {
  let at = 4
  while (at + 4 <= file.bytes.length) {
    const size = file.u32le(at, 'size of block')
    if (size === 0 || size > MAX_COMPRESSED) break
    const offset = at + 4
    at = offset + size
    yield { bytes: file.subarray(offset, size, 'block'), offset, next: at }
  }
}

async function decodeLegacy(file: ByteReader, output: BoundedOutput): Promise<number> {
  let end = 4
  for (const { bytes, offset, next } of legacyBlocks(file)) {
    const before = output.size
    await decodeBlock(bytes, offset, BLOCK_BYTES, output)
    end = next
    // Only the last block is shorter.
    const last = output.size - before < BLOCK_BYTES
    await output.yieldIfDue()
    if (last) break
  }
  return end
}

/** Bits of the byte after the frame's magic; the upper two are the version, 1. */
const VERSION = 0xc0
const VERSION_1 = 0x40
const INDEPENDENT = 0x20
const BLOCK_CHECKSUM = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const DICTIONARY = 0x01
/** The upper bit of a block's size: it is stored as it is. */
const STORED = 0x8000_0000

async function decodeFrame(file: ByteReader, output: BoundedOutput): Promise<number> {
  const [flags = 0, descriptor = 0] = file.subarray(4, 2, 'lz4 frame header')
  const refuse = (found: string, expected: string) =>
    fault('FORMAT_UNSUPPORTED', { what: file.what, where: hex(4), found, expected })
  if ((flags & VERSION) !== VERSION_1) throw refuse(`lz4 frame version ${flags >>> 6}`, 'version 1')
  if ((flags & INDEPENDENT) === 0) throw refuse('linked blocks', 'independent blocks, which `lz4 -BI` writes')
  if ((flags & DICTIONARY) !== 0) throw refuse('a dictionary', 'a frame without one')
  // 4 to 7: 64 KiB to 4 MiB
  const most = 2 ** (8 + 2 * Math.max(4, (descriptor >>> 4) & 7))
  let at = 7 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8)
  for (;;) {
    const word = file.u32le(at, 'size of block')
    const size = word % STORED
    at += 4
    if (size === 0) break
    const bytes = file.subarray(at, size, 'block')
    if (word < STORED) await decodeBlock(bytes, at, most, output)
    else output.push(bytes)
    at += size + ((flags & BLOCK_CHECKSUM) === 0 ? 0 : 4)
    await output.yieldIfDue()
  }
  return at + ((flags & CONTENT_CHECKSUM) === 0 ? 0 : 4)
}

/** Decompress one frame of either kind. @returns the offset after it */
export async function decodeLz4Frame(bytes: Uint8Array, output: BoundedOutput): Promise<number> {
  const file = new ByteReader(bytes, output.what)
  const magic = file.u32le(0, 'lz4 magic')
  if (magic === FRAME_MAGIC) return decodeFrame(file, output)
  file.magic(0, magic, LEGACY_MAGIC)
  return decodeLegacy(file, output)
}
