/** Compression, told by its magic and never by a file's name. */
export const COMPRESSION_FORMATS = ['gzip', 'xz', 'lzma', 'zstd', 'bzip2', 'lz4'] as const
export type CompressionFormat = (typeof COMPRESSION_FORMATS)[number]

/** First bytes of each format; null matches any byte. `lzma` has no magic and is told by `looksLikeLzma`. */
const MAGICS: Readonly<Record<Exclude<CompressionFormat, 'lzma'>, readonly (readonly number[])[]>> = {
  gzip: [[0x1f, 0x8b, 0x08]], // RFC 1952 section 2.3.1, with the only method there is
  xz: [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]], // xz-file-format section 2.1.1.1
  zstd: [[0x28, 0xb5, 0x2f, 0xfd]], // RFC 8878 section 3.1.1
  bzip2: [[0x42, 0x5a, 0x68]],
  lz4: [
    [0x02, 0x21, 0x4c, 0x18], // legacy frame, the one that kernels use
    [0x04, 0x22, 0x4d, 0x18], // frame
  ],
}

const LZMA_HEADER = 13
const LZMA_UNKNOWN_SIZE = 0xffff_ffff_ffff_ffffn
/** No file of 256 GiB will ever be sent to a board; random bytes pretend to be larger. */
const LZMA_SIZE_BOUND = 1n << 38n

/**
 * `.lzma` has no magic. Like xz does, take it for LZMA when its properties byte is possible, the dictionary is 2^n or
 * 2^n + 2^(n-1), the size is unknown or sane, and the range coder starts with its obligatory zero byte.
 */
function looksLikeLzma(bytes: Uint8Array): boolean {
  if (bytes.length <= LZMA_HEADER || bytes[LZMA_HEADER] !== 0) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, LZMA_HEADER)
  // lc + 9 * (lp + 5 * pb); xz, the kernel and the LZMA SDK all write lc=3 lp=0 pb=2 unless told otherwise
  if (view.getUint8(0) > (4 * 5 + 4) * 9 + 8) return false
  const dictionary = view.getUint32(1, true)
  const size = view.getBigUint64(5, true)
  const ones = dictionary.toString(2).replace(/0+$/, '')
  const plausible = dictionary >= 4096 && (ones === '1' || ones === '11' || dictionary === 0xffff_ffff)
  return plausible && (size === LZMA_UNKNOWN_SIZE || size < LZMA_SIZE_BOUND)
}

/**
 * Tell the compression of `bytes` by its first bytes.
 *
 * @returns null when it is none that fauxboot knows
 */
export function detectCompression(bytes: Uint8Array): CompressionFormat | null {
  for (const [format, magics] of Object.entries(MAGICS)) {
    if (magics.some(magic => magic.every((byte, i) => bytes[i] === byte))) return format as CompressionFormat
  }
  return looksLikeLzma(bytes) ? 'lzma' : null
}
