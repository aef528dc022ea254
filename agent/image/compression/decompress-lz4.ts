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

/** A compressed block: its offset in the file, where its output begins in the buffer, and the most that it may unpack to. */
interface PackedBlock {
  readonly bytes: Uint8Array
  readonly offset: number
  readonly start: number
  readonly most: number
}

const corrupt = ({ what }: BoundedOutput, { offset }: PackedBlock, reason: string, at: number) =>
  fault('DECOMPRESS_FAILED', { what, format: 'lz4', reason: `${reason}, at ${hex(offset + at)}` })

/** A length of 15 continues in further bytes, up to the first that is not 255. @returns their sum */
function restOfLength(block: PackedBlock, at: number, output: BoundedOutput): number {
  const { bytes } = block
  let end = at
  while (bytes[end] === 255) end++
  const last = bytes[end]
  if (last === undefined) throw corrupt(output, block, 'the block ends within a length', end)
  return 255 * (end - at) + last
}

/** Bytes of that rest. */
const bytesOfRest = (rest: number): number => Math.floor(rest / 255) + 1

/** Make room for bytes after the first `size` ones. @returns the buffer with room for them */
function roomFor(more: number, size: number, block: PackedBlock, at: number, output: BoundedOutput): Uint8Array {
  const { start, most } = block
  if (size + more > start + most) throw corrupt(output, block, `the block unpacks to more than ${hex(most)}`, at)
  output.size = size
  output.reserve(more)
  return output.buffer
}

/**
 * Decompress the next sequences of a block, a slice of output at a time. The state is in local variables, which V8 keeps in
 * registers.
 *
 * @returns the offset in the block after them
 */
function decodeSlice(block: PackedBlock, from: number, output: BoundedOutput): number {
  const { bytes, start, most } = block
  const { length } = bytes
  let { buffer, size } = output
  const pauseAt = size + BYTES_PER_SLICE
  const limit = Math.min(start + most, size + output.room)
  let room = Math.min(limit, buffer.length)
  let at = from
  while (at < length && size < pauseAt) {
    const token = bytes[at++] ?? 0
    let literals = token >>> 4
    if (literals === LONG) {
      const rest = restOfLength(block, at, output)
      literals += rest
      at += bytesOfRest(rest)
    }
    if (at + literals > length) throw corrupt(output, block, `${literals} literals exceed the block`, at)
    if (size + literals > room) {
      buffer = roomFor(literals, size, block, at, output)
      room = Math.min(limit, buffer.length)
    }
    if (literals > SHORT) {
      buffer.set(bytes.subarray(at, at + literals), size)
      size += literals
      at += literals
    } else for (const end = at + literals; at < end; at++) buffer[size++] = bytes[at] ?? 0
    if (at === length) break
    if (at + 2 > length) throw corrupt(output, block, 'the block ends within a distance', at)
    const distance = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
    at += 2
    let match = (token & LONG) + MIN_MATCH
    if (match === LONG + MIN_MATCH) {
      const rest = restOfLength(block, at, output)
      match += rest
      at += bytesOfRest(rest)
    }
    if (distance === 0 || distance > size - start) {
      throw corrupt(output, block, `distance ${distance} exceeds the ${size - start} bytes so far`, at)
    }
    if (size + match > room) {
      buffer = roomFor(match, size, block, at, output)
      room = Math.min(limit, buffer.length)
    }
    // The bytes may be those that are being appended.
    if (match > SHORT && distance >= match) {
      buffer.copyWithin(size, size - distance, size - distance + match)
      size += match
    } else for (const end = size + match; size < end; size++) buffer[size] = buffer[size - distance] ?? 0
  }
  output.size = size
  return at
}

/** Decompress one block into `most` bytes; `offset` is its place in the file. A block is up to 8 MiB: others get their turn. */
async function decodeBlock(bytes: Uint8Array, offset: number, most: number, output: BoundedOutput): Promise<void> {
  const block = { bytes, offset, start: output.size, most }
  for (let at = decodeSlice(block, 0, output); at < bytes.length; at = decodeSlice(block, at, output)) {
    await yieldToEventLoop(output.signal)
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
