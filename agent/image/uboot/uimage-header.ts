/** The 64 bytes before the data of a legacy uImage, for those who look at the data later or not at all. */
import { crc32 } from 'node:zlib'
import { ByteReader } from '../byte-reader.js'
import {
  UIMAGE_ARCH,
  UIMAGE_COMPRESSION,
  UIMAGE_OS,
  UIMAGE_TYPE,
  type UImageArch,
  type UImageCompression,
  type UImageOs,
  type UImageType,
} from './uimage-tables.js'

export const UIMAGE_MAGIC = 0x2705_1956
export const UIMAGE_HEADER_BYTES = 64
/** Bytes of the name, with the zeros behind it. */
export const UIMAGE_NAME_BYTES = 32
export const UIMAGE_OFFSET = {
  magic: 0,
  headerCrc: 4,
  time: 8,
  size: 12,
  load: 16,
  entry: 20,
  dataCrc: 24,
  os: 28,
  arch: 29,
  type: 30,
  compression: 31,
  name: 32,
} as const
export const UIMAGE_TABLES = {
  os: UIMAGE_OS,
  arch: UIMAGE_ARCH,
  type: UIMAGE_TYPE,
  compression: UIMAGE_COMPRESSION,
} as const
export type UImageByteField = keyof typeof UIMAGE_TABLES

/** Types whose data starts with a list of sizes that a zero ends. */
export const LISTED: readonly (UImageType | null)[] = ['multi', 'script']

/** A header as it is read; a number that no table knows is null. */
export interface UImageFields {
  /** seconds since 1970 */
  readonly time: number
  /** bytes of data */
  readonly size: number
  readonly load: number
  readonly entry: number
  readonly os: UImageOs | null
  readonly arch: UImageArch | null
  readonly type: UImageType | null
  readonly compression: UImageCompression | null
  readonly name: string
  /** what the header says of itself */
  readonly headerCrc: number
  /** what it should say */
  readonly computedCrc: number
  /** what it says of the data */
  readonly dataCrc: number
}

/** Whether `bytes` start with a uImage. */
export function isUImage(bytes: Uint8Array): boolean {
  const { magic } = UIMAGE_OFFSET
  return bytes.length >= UIMAGE_HEADER_BYTES && new ByteReader(bytes, '').u32be(magic, 'magic') === UIMAGE_MAGIC
}

/**
 * Read a header, and compute its CRC. Whether that is right, and whether the data is there, is for the caller to say.
 *
 * @param bytes at least the header
 * @param what name of the file, for errors
 * @throws FORMAT_MAGIC, FORMAT_TRUNCATED
 */
export function readUImageHeader(bytes: Uint8Array, what = 'uImage'): UImageFields {
  const file = new ByteReader(bytes, what)
  file.need(0, UIMAGE_HEADER_BYTES, 'uImage header')
  file.magic(UIMAGE_OFFSET.magic, file.u32be(UIMAGE_OFFSET.magic, 'magic'), UIMAGE_MAGIC)
  const word = (field: 'headerCrc' | 'time' | 'size' | 'load' | 'entry' | 'dataCrc') =>
    file.u32be(UIMAGE_OFFSET[field], field)
  const named = <Field extends UImageByteField>(field: Field) => {
    const table: Readonly<Record<number, string>> = UIMAGE_TABLES[field]
    return table[file.u8(UIMAGE_OFFSET[field], field)] ?? null
  }
  // the header's CRC is computed with its own field zero; `slice` would not copy if this is a Buffer
  const blanked = new Uint8Array(bytes.subarray(0, UIMAGE_HEADER_BYTES))
  blanked.fill(0, UIMAGE_OFFSET.headerCrc, UIMAGE_OFFSET.headerCrc + 4)
  const name = Buffer.from(file.subarray(UIMAGE_OFFSET.name, UIMAGE_NAME_BYTES, 'name')).toString('latin1')
  return {
    time: word('time'),
    size: word('size'),
    load: word('load'),
    entry: word('entry'),
    os: named('os') as UImageOs | null,
    arch: named('arch') as UImageArch | null,
    type: named('type') as UImageType | null,
    compression: named('compression') as UImageCompression | null,
    name: name.replace(/\0.*$/s, ''),
    headerCrc: word('headerCrc'),
    computedCrc: crc32(blanked),
    dataCrc: word('dataCrc'),
  }
}

/**
 * Where the files of a `multi` or `script` image are: sizes, a zero, then each file on a multiple of four bytes.
 *
 * @param data the image's data, or as much of its beginning as holds the list
 * @param what name of the file, for errors
 * @returns offsets from the start of the data, bytes; whether they are inside of it is not looked at
 * @throws FORMAT_TRUNCATED when the list does not end
 */
export function uimageParts(data: Uint8Array, what = 'uImage'): { offset: number; size: number }[] {
  const table = new ByteReader(data, what)
  const sizes: number[] = []
  let offset = 0
  for (;;) {
    const size = table.u32be(offset, 'list of sizes')
    offset += 4
    if (size === 0) break
    sizes.push(size)
  }
  return sizes.map(size => {
    const part = { offset, size }
    offset += Math.ceil(size / 4) * 4
    return part
  })
}
