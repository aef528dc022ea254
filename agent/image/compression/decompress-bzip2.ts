/**
 * bzip2 (there is no specification but the reference implementation). Its own decoder, because seek-bzip 2.0.0 unpacks a
 * whole file in one call, which on a slow board takes a minute in which the agent answers nobody.
 */
import { fault } from '../../errors.js'
import { ByteReader, hex } from '../byte-reader.js'
import type { BoundedOutput } from './bounded-output.js'
import { BitReader, Bzip2Error } from './bzip2-bits.js'
import { readHuffmanTables } from './bzip2-huffman.js'

/** "BZh", then the block size in units of 100 kB as a digit */
const MAGIC = 0x42_5a68
const HEADER_BYTES = 4
const BLOCK_UNIT = 100_000
/** digits of pi in front of a block, of its square root in front of the end; each in two halves of 24 bits */
const BLOCK_MARK = [0x31_4159, 0x26_5359] as const
const END_MARK = [0x17_7245, 0x38_5090] as const
const RUN_A = 0
const RUN_B = 1
/** four equal bytes are followed by how many more there are */
const RUN_LENGTH = 4

/** CRC-32 with the most significant bit first, which is not the one of zlib. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let i = 0; i < 8; i++) crc = (crc << 1) ^ (crc < 0 ? 0x04c1_1db7 : 0)
  return crc >>> 0
})

function crcOf(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ byte] ?? 0)
  return ~crc >>> 0
}

/** The bytes that occur in a block: sixteen groups of sixteen, each group with its own map. */
function readByteSet(bits: BitReader): Uint8Array {
  const used: number[] = []
  const groups = bits.bits(16)
  for (let group = 0; group < 16; group++) {
    if ((groups & (0x8000 >>> group)) === 0) continue
    const map = bits.bits(16)
    for (let i = 0; i < 16; i++) if ((map & (0x8000 >>> i)) !== 0) used.push(group * 16 + i)
  }
  return Uint8Array.from(used)
}

/** Undo Huffman code, run lengths of the front byte, and move-to-front; fills `block`, returns how much of it. */
function readSymbols(bits: BitReader, block: Uint32Array): number {
  const front = readByteSet(bits)
  if (front.length === 0) throw bits.corrupt('a block without bytes')
  const endSymbol = front.length + 1
  const next = readHuffmanTables(bits, front.length + 2)
  let size = 0
  let run = 0
  let weight = 1
  for (;;) {
    const symbol = next()
    if (symbol === RUN_A || symbol === RUN_B) {
      run += weight << symbol
      weight *= 2
      if (size + run > block.length) throw bits.corrupt('a run goes beyond the block')
      continue
    }
    block.fill(front[0] ?? 0, size, size + run)
    size += run
    run = 0
    weight = 1
    if (symbol === endSymbol) return size
    if (size === block.length) throw bits.corrupt('a block goes beyond its size')
    const byte = front[symbol - 1] ?? 0
    front.copyWithin(1, 0, symbol - 1)
    front[0] = byte
    block[size++] = byte
  }
}

/** Undo the Burrows-Wheeler transform: afterwards each entry's upper 24 bits say which entry follows it. */
function linkBlock(block: Uint32Array, size: number): void {
  const starts = new Uint32Array(256)
  for (let i = 0; i < size; i++) starts[block[i] ?? 0] = (starts[block[i] ?? 0] ?? 0) + 1
  let sum = 0
  for (const [byte, count] of starts.entries()) {
    starts[byte] = sum
    sum += count
  }
  for (let i = 0; i < size; i++) {
    const byte = (block[i] ?? 0) & 0xff
    const place = starts[byte] ?? 0
    starts[byte] = place + 1
    block[place] = ((block[place] ?? 0) | (i << 8)) >>> 0
  }
}

/** Follow the links from `first` and undo the outer run lengths. */
function writeBlock(block: Uint32Array, size: number, first: number, output: BoundedOutput): void {
  let { buffer, size: at } = output
  const reserve = (bytes: number) => {
    output.size = at
    output.reserve(bytes)
    buffer = output.buffer
  }
  let entry = block[first] ?? 0
  let previous = -1
  let run = 0
  for (let left = size; left > 0; left--) {
    entry = block[entry >>> 8] ?? 0
    const byte = entry & 0xff
    if (run === RUN_LENGTH) {
      if (at + byte > buffer.length) reserve(byte)
      buffer.fill(previous, at, at + byte)
      at += byte
      run = 0
      previous = -1
    } else {
      if (at === buffer.length) reserve(1)
      run = byte === previous ? run + 1 : 1
      previous = byte
      buffer[at++] = byte
    }
  }
  output.size = at
}

/** One block from behind its mark; returns its CRC. */
function decodeBlock(bits: BitReader, block: Uint32Array, output: BoundedOutput): number {
  const expected = bits.word()
  if (bits.bits(1) === 1) throw bits.corrupt('a randomised block, as bzip2 before 0.9.5 made them')
  const first = bits.bits(24)
  const size = readSymbols(bits, block)
  if (first >= size) throw bits.corrupt(`a block of ${size} bytes that starts at ${first}`)
  linkBlock(block, size)
  const start = output.size
  writeBlock(block, size, first, output)
  checkCrc(bits, output, expected, crcOf(output.buffer.subarray(start, output.size)))
  return expected
}

function checkCrc(bits: BitReader, output: BoundedOutput, expected: number, found: number): void {
  if (found === expected) return
  const where = hex(bits.offset)
  throw fault('FORMAT_CRC', { what: output.what, where, expected: hex(expected), found: hex(found) })
}

/** Undo one bzip2 stream. */
export async function decodeBzip2Stream(bytes: Uint8Array, output: BoundedOutput): Promise<number> {
  const file = new ByteReader(bytes, output.what)
  const word = file.u32be(0, 'bzip2 header')
  file.magic(0, word >>> 8, MAGIC)
  const level = (word & 0xff) - 0x30
  if (level < 1 || level > 9) throw file.malformed(3, 'block size', '1 to 9', word & 0xff)
  const block = new Uint32Array(level * BLOCK_UNIT)
  const bits = new BitReader(bytes, HEADER_BYTES)
  let streamCrc = 0
  try {
    for (;;) {
      const mark = [bits.bits(24), bits.bits(24)]
      if (mark.every((half, i) => half === END_MARK[i])) break
      if (!mark.every((half, i) => half === BLOCK_MARK[i])) throw bits.corrupt('there is no block where one must be')
      streamCrc = (((streamCrc << 1) | (streamCrc >>> 31)) ^ decodeBlock(bits, block, output)) >>> 0
      await output.yieldIfDue()
    }
    checkCrc(bits, output, bits.word(), streamCrc)
    return bits.offset
  } catch (error) {
    if (!(error instanceof Bzip2Error)) throw error
    const reason = `${error.message}, at ${hex(error.offset)}`
    throw fault('DECOMPRESS_FAILED', { what: output.what, format: 'bzip2', reason }, error)
  }
}
