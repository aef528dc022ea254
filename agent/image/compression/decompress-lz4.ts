/**
 * lz4 in the legacy frame, which kernels use (lz4 `doc/lz4_Frame_format.md`, "Legacy frame"): a magic, then blocks of
 * 8 MiB, each after its compressed size, to the end of the file. There is no checksum. (lz4js 0.2.0 reads only the other
 * frame, and does not check the offsets in a block.)
 */
import { fault } from '../../errors.js'
import { ByteReader, hex } from '../byte-reader.js'
import type { BoundedOutput } from './bounded-output.js'

const LEGACY_MAGIC = 0x184c_2102
const FRAME_MAGIC = 0x184d_2204
const BLOCK_BYTES = 0x80_0000
/** A block that cannot be compressed grows by this much (`LZ4_compressBound`). */
const MAX_COMPRESSED = BLOCK_BYTES + Math.floor(BLOCK_BYTES / 255) + 16
const MIN_MATCH = 4
const LONG = 15

/** Decompress one block; `base` is its offset in the file. */
function decodeBlock(block: Uint8Array, base: number, output: BoundedOutput): void {
  const start = output.size
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
    if (output.size - start + length > BLOCK_BYTES) throw corrupt(`the block unpacks to more than ${hex(BLOCK_BYTES)}`)
    return length
  }
  while (at < block.length) {
    const token = block[at++] ?? 0
    const literals = lengthFrom(token >>> 4)
    if (at + literals > block.length) throw corrupt(`${literals} literals exceed the block`)
    output.push(block.subarray(at, at + literals))
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
    const { buffer, size } = output
    if (distance >= length) buffer.copyWithin(size, size - distance, size - distance + length)
    else for (let to = size; to < size + length; to++) buffer[to] = buffer[to - distance] ?? 0
    output.size += length
  }
}

interface Lz4Block {
  readonly bytes: Uint8Array
  readonly offset: number
  /** the offset after it */
  readonly next: number
}

/** The blocks of the legacy frame at an offset. It ends with the file, or before a word that is not the size of a block. */
function* blocksOf(file: ByteReader, start: number): Generator<Lz4Block> {
  const magic = file.u32le(start, 'lz4 magic')
  if (magic === FRAME_MAGIC) {
    const expected = 'the legacy frame, which `lz4 -l` writes'
    throw fault('FORMAT_UNSUPPORTED', { what: file.what, where: hex(start), found: 'the lz4 frame', expected })
  }
  file.magic(start, magic, LEGACY_MAGIC)
  let at = start + 4
  while (at + 4 <= file.bytes.length) {
    const size = file.u32le(at, 'size of block')
    if (size === 0 || size > MAX_COMPRESSED) break
    const offset = at + 4
    at = offset + size
    yield { bytes: file.subarray(offset, size, 'block'), offset, next: at }
  }
}

/** Decompress one legacy frame. */
export async function decodeLz4Frame(bytes: Uint8Array, output: BoundedOutput): Promise<number> {
  let end = 4
  for (const { bytes: block, offset, next } of blocksOf(new ByteReader(bytes, output.what), 0)) {
    const before = output.size
    decodeBlock(block, offset, output)
    end = next
    // Only the last block is shorter.
    const last = output.size - before < BLOCK_BYTES
    // No block refers to an earlier one.
    await output.yieldIfDue()
    if (last) break
  }
  return end
}
