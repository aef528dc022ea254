/**
 * Walks the outer structure of an xz stream (The .xz File Format 1.1.0) without decompressing it: finds its end and its
 * decompressed size, and checks that the decoder supports its filters and its check. LZMA2 states both sizes of every chunk.
 */
import { crc32 } from 'node:zlib'
import { fault } from '../../errors.js'
import { type ByteReader, hex } from '../byte-reader.js'

export interface XzStream {
  /** bytes of the stream */
  readonly size: number
  /** decompressed bytes */
  readonly unpackedSize: number
}

const HEADER_BYTES = 12
const FOOTER_BYTES = 12
/** "YZ" */
const FOOTER_MAGIC = 0x595a
const FILTER_LZMA2 = 0x21
/** Names of the format's filters (section 5.3), for messages. */
const FILTERS: Readonly<Record<number, string>> = {
  3: 'delta',
  4: 'x86',
  5: 'powerpc',
  6: 'ia64',
  7: 'arm',
  8: 'armthumb',
  9: 'sparc',
  10: 'arm64',
  11: 'riscv',
}
/** Bytes of each check that the decoder supports (section 2.1.1.2). */
const CHECK_BYTES: Readonly<Record<number, number>> = { 0: 0, 1: 4, 4: 8 }
/** The decoder allocates the dictionary; `xz -9` needs 64 MiB. */
const MAX_DICTIONARY = 0x400_0000

const align4 = (value: number) => Math.ceil(value / 4) * 4

/** Walks one stream. The offset only moves forward. */
class XzWalker {
  readonly #file: ByteReader
  #at = 0
  #unpacked = 0

  constructor(file: ByteReader) {
    this.#file = file
  }

  walk(): XzStream {
    const flags = this.#header()
    const checkBytes = CHECK_BYTES[flags & 0xf]
    if (checkBytes === undefined) throw this.#unsupported(7, `check ${flags & 0xf}`, 'none, crc32, crc64')
    while (this.#file.u8(this.#at, 'block or index') !== 0) this.#block(checkBytes)
    this.#index()
    this.#footer(flags)
    return { size: this.#at, unpackedSize: this.#unpacked }
  }

  #unsupported(offset: number, found: string, expected: string) {
    return fault('FORMAT_UNSUPPORTED', { what: this.#file.what, where: hex(offset), found, expected })
  }

  /** Check the CRC32 of a range. */
  #crc(start: number, size: number, at: number, field: string): void {
    const found = crc32(this.#file.subarray(start, size, field))
    const expected = this.#file.u32le(at, `CRC of ${field}`)
    if (found === expected) return
    throw fault('FORMAT_CRC', { what: this.#file.what, where: hex(at), expected: hex(expected), found: hex(found) })
  }

  /** Stream header (section 2.1.1). @returns its flags: the number of the check */
  #header(): number {
    const file = this.#file
    file.need(0, HEADER_BYTES, 'xz header')
    file.magic(0, file.u32be(0, 'magic'), 0xfd37_7a58)
    file.magic(4, file.u32be(4, 'magic') >>> 16, 0x5a00)
    this.#crc(6, 2, 8, 'stream flags')
    this.#at = HEADER_BYTES
    return file.u8(7, 'stream flags')
  }

  /** A multi-byte integer (section 1.2). */
  #number(field: string): number {
    const start = this.#at
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#file.u8(this.#at++, field)
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw this.#file.malformed(start, field, 'less than 2^53', 'more')
      if (byte < 0x80) return value
      scale *= 128
    }
  }

  /** Block (section 3): header, chunks, padding, check. */
  #block(checkBytes: number): void {
    const file = this.#file
    const start = this.#at
    const size = (file.u8(start, 'block header') + 1) * 4
    this.#crc(start, size - 4, start + size - 4, 'block header')
    const flags = file.u8(start + 1, 'block flags')
    if ((flags & 0x3c) !== 0) throw file.malformed(start + 1, 'block flags', 'no reserved bit', flags)
    this.#at = start + 2
    if ((flags & 0x40) !== 0) this.#number('packed size')
    if ((flags & 0x80) !== 0) this.#number('unpacked size')
    this.#filter((flags & 3) + 1)
    this.#at = start + size
    this.#chunks()
    this.#at = start + align4(this.#at - start)
    file.need(this.#at, checkBytes, 'check')
    this.#at += checkBytes
  }

  /** The decoder supports only LZMA2, with a dictionary of limited size (section 5.3.1). */
  #filter(count: number): void {
    const at = this.#at
    const id = this.#number('filter')
    if (id !== FILTER_LZMA2 || count !== 1) throw this.#unsupported(at, `filter ${FILTERS[id] ?? id}`, 'only lzma2')
    const bytes = this.#number('size of filter properties')
    const bits = this.#file.u8(this.#at, 'dictionary size')
    if (bytes !== 1 || bits > 40) throw this.#file.malformed(this.#at, 'dictionary size', 'one byte up to 40', bits)
    const dictionary = (2 | (bits & 1)) * 2 ** ((bits >>> 1) + 11)
    if (dictionary > MAX_DICTIONARY) {
      throw this.#unsupported(this.#at, `a dictionary of ${dictionary} bytes`, `up to ${MAX_DICTIONARY}, as xz -9 uses`)
    }
  }

  /** LZMA2 chunks up to the end marker. */
  #chunks(): void {
    const file = this.#file
    for (;;) {
      const control = file.u8(this.#at, 'chunk')
      if (control === 0) {
        this.#at++
        return
      }
      if (control > 2 && control < 0x80) throw file.malformed(this.#at, 'chunk', '0 to 2, or from 0x80', control)
      const word = file.u32be(this.#at + 1, 'chunk header')
      const low = (word >>> 16) + 1
      // Plain chunk: size. LZMA chunk: unpacked size, packed size, and a properties byte if the state is reset.
      const isPlain = control < 0x80
      const header = isPlain ? 3 : control < 0xc0 ? 5 : 6
      const packed = isPlain ? low : (word & 0xffff) + 1
      file.need(this.#at, header + packed, 'chunk')
      this.#unpacked += isPlain ? low : ((control & 0x1f) << 16) + low
      this.#at += header + packed
    }
  }

  /** Index (section 4): one record for each block. They are skipped, because the decoder compares them. */
  #index(): void {
    const start = this.#at++
    const records = this.#number('number of records')
    for (let i = 0; i < records; i++) {
      this.#number('packed size')
      this.#number('unpacked size')
    }
    this.#at = start + align4(this.#at - start)
    this.#crc(start, this.#at - start, this.#at, 'index')
    this.#at += 4
  }

  /** Stream footer (section 2.1.2). */
  #footer(flags: number): void {
    const file = this.#file
    file.need(this.#at, FOOTER_BYTES, 'xz footer')
    this.#crc(this.#at + 4, 6, this.#at, 'footer')
    const word = file.u32be(this.#at + 8, 'footer')
    file.magic(this.#at + 10, word & 0xffff, FOOTER_MAGIC)
    if (word >>> 16 !== flags)
      throw file.malformed(this.#at + 8, 'stream flags', `${hex(flags)} of the header`, word >>> 16)
    this.#at += FOOTER_BYTES
  }
}

/** Walk the stream that starts at the file's first byte. */
export function readXzStream(file: ByteReader): XzStream {
  return new XzWalker(file).walk()
}
