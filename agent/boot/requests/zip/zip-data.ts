/**
 * The data of a member of a ZIP file, as a stream. Sizes and CRC may be known before the data or only after it: then
 * the data itself has to show where it ends. (fflate's `Unzip` looks for any of three signatures there instead, and one
 * of them occurs by chance in one of 14 members of 100 MiB.)
 */

import { crc32, createInflateRaw } from 'node:zlib'
import { fault } from '../../../errors.js'
import type { ChunkReader } from './chunk-reader.js'
import { METHOD, type MemberHeader, readDescriptor } from './zip-headers.js'

/** Deflate expands at most 1032 times, so one chunk of input yields less than 34 MiB. */
const INFLATE_INPUT = 32 * 1024
const NO_MORE = new Uint8Array()
const DESCRIPTOR_MARK = Buffer.from('PK\x07\x08', 'latin1')

/** CRC of the data, and its bytes in the file and unpacked. */
export type MemberTally = Pick<MemberHeader, 'crc' | 'packed' | 'size'>

type Counting = { -readonly [K in keyof MemberTally]: MemberTally[K] }

const whereOf = (name: string) => ({ what: 'bundle', where: `member ${name}` })

function truncated(name: string, found: number) {
  return fault('FORMAT_TRUNCATED', { ...whereOf(name), expected: 'the rest of its data', found: `${found} bytes` })
}

/** Stored data of known size. */
async function* readStored(reader: ChunkReader, member: MemberHeader, tally: Counting): AsyncGenerator<Uint8Array> {
  while (tally.packed < member.packed) {
    const bytes = (await reader.peek(1)).subarray(0, member.packed - tally.packed)
    if (bytes.length === 0) throw truncated(member.name, tally.packed)
    reader.skip(bytes.length)
    tally.packed += bytes.length
    yield bytes
  }
}

/**
 * Stored data of unknown size: it ends before a descriptor that names the very bytes so far, their number and CRC.
 * Whatever else looks like a descriptor is data.
 */
async function* readStoredToDescriptor(
  reader: ChunkReader,
  { name, wide }: MemberHeader,
  tally: Counting,
): AsyncGenerator<Uint8Array> {
  const length = descriptorBytes(wide)
  for (;;) {
    const bytes = await reader.peek(length)
    if (bytes.length < length) throw truncated(name, tally.packed)
    if (hasSizes(bytes, wide, tally.packed) && bytes.readUInt32LE(4) === tally.crc) return
    const end = nextCandidate(bytes, wide, tally.packed)
    reader.skip(end)
    tally.packed += end
    yield bytes.subarray(0, end)
  }
}

/** Mark, CRC, and two sizes. */
const descriptorBytes = (wide: boolean): number => (wide ? 24 : 16)

/** Whether a descriptor starts the bytes that says: so many bytes, packed and unpacked. */
function hasSizes(bytes: Buffer, wide: boolean, size: number): boolean {
  if (!bytes.subarray(0, 4).equals(DESCRIPTOR_MARK)) return false
  const sizes = wide
    ? [Number(bytes.readBigUInt64LE(8)), Number(bytes.readBigUInt64LE(16))]
    : [bytes.readUInt32LE(8), bytes.readUInt32LE(12)]
  return sizes[0] === size && sizes[1] === size
}

/**
 * Where, after the first byte, the next thing is that may be the descriptor.
 *
 * @param packed bytes of data before these
 */
function nextCandidate(bytes: Buffer, wide: boolean, packed: number): number {
  for (let mark = bytes.indexOf(DESCRIPTOR_MARK, 1); mark >= 0; mark = bytes.indexOf(DESCRIPTOR_MARK, mark + 1)) {
    const cut = mark + descriptorBytes(wide) > bytes.length
    if (cut || hasSizes(bytes.subarray(mark), wide, packed + mark)) return mark
  }
  // The last bytes may start a signature: they are examined again with the bytes after them.
  return bytes.length - (DESCRIPTOR_MARK.length - 1)
}

/** zlib's inflate, one chunk of input at a time, so that the bytes after the end of the data are known. */
class Inflater {
  readonly #stream = createInflateRaw({ chunkSize: 256 * 1024 })
  readonly #output: Buffer[] = []
  #settle: (error?: Error | null) => void = () => {}
  /** the deflate stream has ended */
  ended = false

  constructor() {
    this.#stream.on('data', (bytes: Buffer) => this.#output.push(bytes))
    this.#stream.on('error', error => this.#settle(error))
    this.#stream.on('end', () => {
      this.ended = true
      this.#settle()
    })
  }

  /** Bytes of input that belong to the data. */
  get consumed(): number {
    return this.#stream.bytesWritten
  }

  /** Take a chunk of input; an empty one means the end. */
  take(input: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = error => (error ? reject(error) : resolve())
      if (input.length === 0) this.#stream.end()
      else this.#stream.write(input, this.#settle)
    })
  }

  /** Output since the last call. */
  output(): Buffer[] {
    return this.#output.splice(0)
  }

  close(): void {
    this.#stream.destroy()
  }
}

/** Deflated data of known or unknown size. */
async function* readDeflated(reader: ChunkReader, member: MemberHeader, tally: Counting): AsyncGenerator<Uint8Array> {
  const inflater = new Inflater()
  const most = member.descriptor ? Number.MAX_SAFE_INTEGER : member.packed
  try {
    while (!inflater.ended) {
      const missing = Math.min(INFLATE_INPUT, most - inflater.consumed)
      const input = missing === 0 ? NO_MORE : (await reader.peek(1)).subarray(0, missing)
      if (missing > 0 && input.length === 0) throw truncated(member.name, inflater.consumed)
      await inflater.take(input)
      reader.skip(inflater.consumed - tally.packed)
      tally.packed = inflater.consumed
      yield* inflater.output()
    }
  } catch (thrown) {
    throw thrown instanceof Error && 'errno' in thrown
      ? fault('DECOMPRESS_FAILED', { what: `member ${member.name}`, format: 'deflate', reason: thrown.message }, thrown)
      : thrown
  } finally {
    inflater.close()
  }
}

/** The reader of a member's data. @throws FORMAT_UNSUPPORTED */
function readerOf(member: MemberHeader) {
  if (member.method === METHOD.deflated) return readDeflated
  if (member.method === METHOD.stored) return member.descriptor ? readStoredToDescriptor : readStored
  throw fault('FORMAT_UNSUPPORTED', {
    ...whereOf(member.name),
    found: `compression method ${member.method}`,
    expected: 'stored (0), deflated (8)',
  })
}

/**
 * Read the data of a member; its head has been read.
 *
 * @param onEnd called when CRC and sizes are as they were announced, with them
 * @throws FORMAT_CRC, FORMAT_VALUE, FORMAT_TRUNCATED, FORMAT_UNSUPPORTED, DECOMPRESS_FAILED
 */
export async function* readMemberData(
  reader: ChunkReader,
  member: MemberHeader,
  onEnd: (tally: MemberTally) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const tally: Counting = { crc: 0, packed: 0, size: 0 }
  for await (const bytes of readerOf(member)(reader, member, tally)) {
    tally.crc = crc32(bytes, tally.crc)
    tally.size += bytes.length
    if (!member.descriptor && tally.size > member.size)
      throw otherSize(member, 'unpacked', member.size, `${tally.size} or more`)
    yield bytes
  }
  const told = member.descriptor ? await readDescriptor(reader, member.wide) : member
  if (told.packed !== tally.packed) throw otherSize(member, 'packed', told.packed, tally.packed)
  if (told.size !== tally.size) throw otherSize(member, 'unpacked', told.size, tally.size)
  if (told.crc !== tally.crc)
    throw fault('FORMAT_CRC', { ...whereOf(member.name), expected: hex(told.crc), found: hex(tally.crc) })
  onEnd(tally)
}

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`

function otherSize(member: MemberHeader, kind: string, expected: number, found: number | string) {
  return fault('FORMAT_VALUE', { ...whereOf(member.name), expected: `${expected} bytes ${kind}`, found })
}
