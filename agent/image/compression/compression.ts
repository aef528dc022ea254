/** Compression, recognised by its magic and never by a file's name. Every decoder is bounded and loads on first use. */
import { fault } from '../../errors.js'
import { hex } from '../byte-reader.js'
import { BoundedOutput, type OutputSink } from './bounded-output.js'

export const COMPRESSION_FORMATS = ['gzip', 'xz', 'lzma', 'zstd', 'bzip2', 'lz4'] as const
export type CompressionFormat = (typeof COMPRESSION_FORMATS)[number]

/** First bytes of each format; `lzma` has no magic, see `looksLikeLzma`. */
const MAGICS: readonly (readonly [CompressionFormat, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]], // RFC 1952 section 2.3.1, with the only compression method
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]], // xz file format 1.1.0, section 2.1.1.1
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]], // RFC 8878 section 3.1.1
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lz4', [0x02, 0x21, 0x4c, 0x18]], // legacy frame, which kernels use
  ['lz4', [0x04, 0x22, 0x4d, 0x18]], // frame
]

const LZMA_HEADER_BYTES = 13
const LZMA_UNKNOWN_SIZE = 0xffff_ffff_ffff_ffffn
/** lc 8, lp 4, pb 4 */
const LZMA_MAX_PROPERTIES = 8 + 9 * (4 + 5 * 4)
/** 256 GiB: no file for a board is as large, but random bytes usually claim a larger size. */
const LZMA_SIZE_BOUND = 1n << 38n

/**
 * `.lzma` has no magic. Like xz, this accepts bytes if the properties are valid, the dictionary is 2^n or 2^n + 2^(n-1),
 * the size is unknown or plausible, and the range coder starts with its mandatory zero byte.
 */
function looksLikeLzma(bytes: Uint8Array): boolean {
  if (bytes.length <= LZMA_HEADER_BYTES || bytes[LZMA_HEADER_BYTES] !== 0) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, LZMA_HEADER_BYTES)
  const dictionary = view.getUint32(1, true)
  const size = view.getBigUint64(5, true)
  return (
    view.getUint8(0) <= LZMA_MAX_PROPERTIES &&
    dictionary >= 4096 &&
    /^11?0*$/.test(dictionary.toString(2)) &&
    (size === LZMA_UNKNOWN_SIZE || size < LZMA_SIZE_BOUND)
  )
}

/**
 * Recognise the compression of `bytes` by their magic.
 *
 * @returns null for anything that fauxboot does not know
 */
export function detectCompression(bytes: Uint8Array): CompressionFormat | null {
  for (const [format, magic] of MAGICS) if (magic.every((byte, i) => bytes[i] === byte)) return format
  return looksLikeLzma(bytes) ? 'lzma' : null
}

/**
 * Decompress one gzip member, xz stream, zstd frame or lz4 frame that starts at the first byte, or a whole `.lzma` or
 * bzip2 file.
 *
 * @returns bytes of input that were used
 */
type MemberDecoder = (bytes: Uint8Array, output: BoundedOutput) => Promise<number>

const DECODERS: Readonly<Record<CompressionFormat, () => Promise<MemberDecoder>>> = {
  gzip: async () => (await import('./decompress-gzip.js')).decodeGzipMember,
  xz: async () => (await import('./decompress-xz.js')).decodeXzStream,
  lzma: async () => (await import('./decompression-tool.js')).decodeWithTool('lzma'),
  zstd: async () => (await import('./decompress-zstd.js')).decodeZstdFrame,
  bzip2: async () => (await import('./decompression-tool.js')).decodeWithTool('bzip2'),
  lz4: async () => (await import('./decompress-lz4.js')).decodeLz4Frame,
}

export interface DecompressOptions {
  /** most bytes of output */
  readonly limit: number
  /** name of the file, for errors */
  readonly what?: string
  /** recognised by its magic by default */
  readonly format?: CompressionFormat
  /** what follows the compressed data: an error (default), or unrelated, as in a zImage's payload */
  readonly trailing?: 'refuse' | 'ignore'
  /** aborts the work; its reason is thrown */
  readonly signal?: AbortSignal
  /** takes the output as it comes, and nothing is returned */
  readonly sink?: OutputSink
}

/** The bytes after the zeros that pad a file to whole blocks. */
function skipZeros(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex(byte => byte !== 0)
  return start === -1 ? bytes.subarray(bytes.length) : bytes.subarray(start)
}

/**
 * Decompress a file. Consecutive members are decompressed as one, as `gzip`, `xz` and the others do; zeros after them are
 * padding. For `.lzma` and bzip2, which programs decompress, anything that follows is ignored.
 *
 * @throws FORMAT_MAGIC for an unknown format; FORMAT_TOO_LARGE as soon as the limit is exceeded;
 *   FORMAT_TRUNCATED, FORMAT_CRC, FORMAT_VALUE, FORMAT_UNSUPPORTED, DECOMPRESS_FAILED, PROGRAM_MISSING
 */
export async function decompress(bytes: Uint8Array, options: DecompressOptions): Promise<Uint8Array> {
  const { limit, what = 'file', trailing = 'refuse', signal, sink } = options
  const format = options.format ?? detectCompression(bytes)
  if (format === null) {
    const found = Buffer.from(bytes.subarray(0, 8)).toString('hex')
    throw fault('FORMAT_MAGIC', { what, where: '0x0', expected: COMPRESSION_FORMATS.join(', '), found })
  }
  signal?.throwIfAborted()
  const decode = await DECODERS[format]()
  const output = new BoundedOutput(what, limit, signal, sink)
  let rest = bytes
  do {
    rest = rest.subarray(await decode(rest, output))
    if (trailing === 'ignore') break
    rest = skipZeros(rest)
    if (rest.length > 0 && detectCompression(rest) !== format) {
      throw fault('FORMAT_VALUE', {
        what,
        where: hex(bytes.length - rest.length),
        expected: `the end of the ${format} data`,
        found: `${hex(rest.length)} more bytes`,
      })
    }
  } while (rest.length > 0)
  await output.flush()
  return output.bytes()
}
