/** Where the compressed kernel lies inside a zImage. */
import { crc32 } from 'node:zlib'
import type { CompressionFormat } from './compression.js'

/** The compressed kernel: `format` is null for LZO, which kernels can use and fauxboot cannot unpack. */
export interface ZImagePayload {
  readonly format: CompressionFormat | null
  /** bytes from the start of the zImage */
  readonly offset: number
}

interface PayloadKind {
  readonly format: CompressionFormat | null
  readonly magic: readonly number[]
  /** Whether the bytes after the magic are a header too: the decompressor's own code holds such magics as constants. */
  readonly confirm: (header: DataView) => boolean
}

/** Bytes that every `confirm` may look at. */
const HEADER_BYTES = 16
/** LZ4 legacy blocks hold 8 MiB; one that cannot be compressed grows by 1/255 and 16 bytes. */
const LZ4_LARGEST_BLOCK = 0x80_0000 + Math.ceil(0x80_0000 / 255) + 16

const KINDS: readonly PayloadKind[] = [
  // method 8 and no reserved flag (RFC 1952 section 2.3.1); the kernel's build sets no flag that needs a name
  {
    format: 'gzip',
    magic: [0x1f, 0x8b, 0x08],
    confirm: header => header.getUint8(3) < 0x20,
  },
  {
    format: 'xz',
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
    confirm: header => crc32(new Uint8Array(header.buffer, header.byteOffset + 6, 2)) === header.getUint32(8, true),
  },
  // lc=3 lp=0 pb=2, a dictionary of whole 64 KiB, the size unknown, the range coder's zero byte
  {
    format: 'lzma',
    magic: [0x5d, 0x00, 0x00],
    confirm: header => header.getBigUint64(5, true) === 0xffff_ffff_ffff_ffffn && header.getUint8(13) === 0,
  },
  {
    format: 'zstd',
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    confirm: header => (header.getUint8(4) & 0x08) === 0,
  },
  {
    format: 'bzip2',
    magic: [0x42, 0x5a, 0x68],
    // block size '1'..'9', then the block's own magic, the digits of pi
    confirm: header => header.getUint8(3) - 0x31 < 9 && header.getUint32(4) === 0x3141_5926,
  },
  {
    format: 'lz4',
    magic: [0x02, 0x21, 0x4c, 0x18],
    confirm: header => header.getUint32(4, true) > 0 && header.getUint32(4, true) <= LZ4_LARGEST_BLOCK,
  },
  // lzop: version 1.xx, then the version needed to extract
  {
    format: null,
    magic: [0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a],
    confirm: header => header.getUint8(9) >>> 4 === 1,
  },
]

/** First place at or after `from` that holds a header of this kind, or -1. */
function findKind(image: Buffer, kind: PayloadKind, from: number, below: number): number {
  const magic = Buffer.from(kind.magic)
  for (let at = image.indexOf(magic, from); at !== -1 && at < below; at = image.indexOf(magic, at + 1)) {
    if (at + HEADER_BYTES > image.length) return -1
    if (kind.confirm(new DataView(image.buffer, image.byteOffset + at, HEADER_BYTES))) return at
  }
  return -1
}

/**
 * Find the compressed kernel by its magic.
 *
 * @param image zImage, cut to its size
 * @param from where to start, bytes: the tag table where there is one, for the payload is linked behind it
 * @param below where the payload ends at the latest, bytes
 * @returns the first header that holds what a header must hold, or null
 */
export function findPayload(image: Uint8Array, from: number, below = image.length): ZImagePayload | null {
  const buffer = Buffer.from(image.buffer, image.byteOffset, image.byteLength)
  let first: ZImagePayload | null = null
  for (const kind of KINDS) {
    const offset = findKind(buffer, kind, from, first?.offset ?? below)
    if (offset !== -1) first = { format: kind.format, offset }
  }
  return first
}
