/** `unzip`, `lzmadec` and `unlz4` decompress memory to another address; `zip` compresses it. */

import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { FauxbootError } from '../../../errors.js'
import type { CompressionFormat } from '../../../image/compression/compression.js'
import { type UnpackOptions, unpackMemory } from '../../image/unpack-memory.js'
import { bareHex, parseHex } from '../../lib/numbers.js'
import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

/** The length of the packed data is unknown: this much is read first, because it mostly suffices. */
const FIRST_BYTES = 0x80_0000

/** Errors that more input does not cure. */
const NOT_CUT: readonly string[] = ['FORMAT_TOO_LARGE', 'PROGRAM_MISSING', 'UBOOT_MEMORY', 'UBOOT_MEMORY_FULL']

/** Bytes from an address to the end of its DRAM. */
function bytesBehind({ memory }: Machine, address: number): number {
  const range = memory.ranges.find(({ start, end }) => address >= start && address < end)
  return range === undefined ? 0 : range.end - address
}

/**
 * Decompress what starts at an address.
 *
 * @returns bytes of output
 * @throws what the decoder throws
 */
async function unpack(machine: Machine, source: number, target: number, options: UnpackOptions): Promise<number> {
  // Memory beyond the used part holds only holes.
  const size = Math.max(1, Math.min(bytesBehind(machine, source), machine.memory.used))
  try {
    return await unpackMemory(machine, { address: source, size: Math.min(size, FIRST_BYTES) }, target, options)
  } catch (thrown) {
    const mayBeCut = thrown instanceof FauxbootError && !NOT_CUT.includes(thrown.code) && size > FIRST_BYTES
    if (!mayBeCut) throw thrown
  }
  return unpackMemory(machine, { address: source, size }, target, options)
}

/**
 * Unpack and store.
 *
 * @param complain what U-Boot prints for an error
 * @param prefix of the size; `lzmadec` writes a capital
 */
async function run(
  machine: Machine,
  { args, signal }: Call,
  format: CompressionFormat,
  complain: (error: FauxbootError) => string,
  prefix: '0x' | '0X' = '0x',
): Promise<number> {
  const [, from = '', to = '', most] = args
  const { memory, out, env } = machine
  const [source, target] = [parseHex(from), parseHex(to)]
  const limit = Math.min(most === undefined ? 2 ** 32 : parseHex(most), bytesBehind(machine, target), memory.room())
  let size: number
  try {
    size = await unpack(machine, source, target, { what: 'memory', format, limit, signal })
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError) || thrown.code.startsWith('UBOOT_MEMORY')) throw thrown
    out.write(thrown.code === 'PROGRAM_MISSING' ? `## fauxboot: ${thrown.message}\n` : complain(thrown))
    return 1
  }
  out.write(`Uncompressed size: ${size} = ${prefix}${bareHex(size).toUpperCase()}\n`)
  env.set('filesize', bareHex(size), { origin: 'program' })
  return 0
}

/** zlib's Z_BUF_ERROR if the output is too large, Z_DATA_ERROR otherwise; a sentence for anything that is not gzip. */
function unzipError({ code }: FauxbootError): string {
  if (code === 'FORMAT_MAGIC') return 'Error: Bad gzipped data\n'
  return `Error: inflate() returned ${code === 'FORMAT_TOO_LARGE' ? -5 : -3}\n`
}

/** -ENOBUFS, -EPROTONOSUPPORT, -EPROTO */
function unlz4Error({ code }: FauxbootError): string {
  const errors: Readonly<Record<string, number>> = {
    FORMAT_TOO_LARGE: -105,
    FORMAT_MAGIC: -93,
    FORMAT_UNSUPPORTED: -93,
  }
  return `Uncompressed err :${errors[code] ?? -71}\n`
}

/** Most bytes that `zip` packs: they are held in memory. */
const MOST_PACKED = 64 * 1024 * 1024

/** `zip`: pack memory with gzip. */
async function pack(machine: Machine, { args }: Call): Promise<number> {
  const { memory, out, env } = machine
  const [, from = '', length = '', to = '', most] = args
  const size = parseHex(length)
  if (size > MOST_PACKED) {
    out.write(`## fauxboot: zip takes at most 0x${bareHex(MOST_PACKED)} bytes\n`)
    return 1
  }
  const packed = await promisify(gzip)(memory.read(parseHex(from), size))
  // -5: zlib's Z_BUF_ERROR
  if (most !== undefined && packed.length > parseHex(most)) {
    out.write('Error: deflate() returned -5\n')
    return 1
  }
  memory.write(parseHex(to), packed)
  out.write(`Compressed size: ${packed.length} = 0x${bareHex(packed.length).toUpperCase()}\n`)
  env.set('filesize', bareHex(packed.length), { origin: 'program' })
  return 0
}

const places = ({ args }: Call) => args.length === 3 || args.length === 4

export const unpackCommands: readonly Command[] = [
  {
    name: 'lzmadec',
    maxArgs: 4,
    repeatable: true,
    summary: 'lzma uncompress a memory region',
    usage: 'srcaddr dstaddr [dstsize]',
    run: (machine, call) => (places(call) ? run(machine, call, 'lzma', () => '', '0X') : USAGE),
  },
  {
    name: 'unlz4',
    maxArgs: 4,
    repeatable: true,
    summary: 'lz4 uncompress a memory region',
    usage: `srcaddr dstaddr dstsize
NOTE: Specify the destination size that is sufficiently larger
 than the source size.
`,
    run: (machine, call) => (call.args.length === 4 ? run(machine, call, 'lz4', unlz4Error) : USAGE),
  },
  {
    name: 'zip',
    maxArgs: 5,
    repeatable: true,
    summary: 'zip a memory region',
    usage: 'srcaddr srcsize dstaddr [dstsize]',
    run: (machine, call) => (call.args.length === 4 || call.args.length === 5 ? pack(machine, call) : USAGE),
  },
  {
    name: 'unzip',
    maxArgs: 4,
    repeatable: true,
    summary: 'unzip a memory region',
    usage: 'srcaddr dstaddr [dstsize]',
    run: (machine, call) => (places(call) ? run(machine, call, 'gzip', unzipError) : USAGE),
  },
]
