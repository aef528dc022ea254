/** Legacy uImage: 64 bytes of big-endian header before the data (U-Boot `include/image.h`, `struct legacy_img_hdr`). */
import { crc32 } from 'node:zlib'
import { fault } from '../../errors.js'
import { ByteReader, hex } from '../byte-reader.js'
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

const MAGIC = 0x2705_1956
export const UIMAGE_HEADER_BYTES = 64
/** Bytes of the name, padded with zeros. */
const NAME_BYTES = 32
const OFFSET = {
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
const TABLES = {
  os: UIMAGE_OS,
  arch: UIMAGE_ARCH,
  type: UIMAGE_TYPE,
  compression: UIMAGE_COMPRESSION,
} as const
type ByteField = keyof typeof TABLES

/** Types whose data starts with a list of sizes, ended by a zero. */
export const UIMAGE_TYPES_WITH_PARTS: readonly (UImageType | null)[] = ['multi', 'script']

/** The fields of a header. A number that is not in its table is null. */
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
  /** CRC of the header, from the header */
  readonly headerCrc: number
  /** CRC computed from the header */
  readonly computedCrc: number
  /** CRC of the data, from the header */
  readonly dataCrc: number
}

/** Whether `bytes` start with a uImage. */
export function isUImage(bytes: Uint8Array): boolean {
  const { magic } = OFFSET
  return bytes.length >= UIMAGE_HEADER_BYTES && new ByteReader(bytes, '').u32be(magic, 'magic') === MAGIC
}

/**
 * Read a header and compute its CRC. The caller compares it, and checks that the data is there.
 *
 * @param bytes at least the header
 * @param what name of the file, for errors
 * @throws FORMAT_MAGIC, FORMAT_TRUNCATED
 */
export function readUImageHeader(bytes: Uint8Array, what = 'uImage'): UImageFields {
  const file = new ByteReader(bytes, what)
  file.need(0, UIMAGE_HEADER_BYTES, 'uImage header')
  file.magic(OFFSET.magic, file.u32be(OFFSET.magic, 'magic'), MAGIC)
  const word = (field: 'headerCrc' | 'time' | 'size' | 'load' | 'entry' | 'dataCrc') => file.u32be(OFFSET[field], field)
  const named = <Field extends ByteField>(field: Field) => {
    const table: Readonly<Record<number, string>> = TABLES[field]
    return table[file.u8(OFFSET[field], field)] ?? null
  }
  // The header's CRC is computed with its own field set to zero. (`slice` of a Buffer would not copy.)
  const blanked = new Uint8Array(bytes.subarray(0, UIMAGE_HEADER_BYTES))
  blanked.fill(0, OFFSET.headerCrc, OFFSET.headerCrc + 4)
  const name = Buffer.from(file.subarray(OFFSET.name, NAME_BYTES, 'name')).toString('latin1')
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
 * Find the files of a `multi` or `script` image: sizes, a zero, then each file at a multiple of four bytes.
 *
 * @param data the image's data, or its beginning with the whole list
 * @param what name of the file, for errors
 * @returns offsets from the start of the data, bytes; not checked against the size of the data
 * @throws FORMAT_TRUNCATED if the list does not end
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

export interface UImage {
  /** seconds since 1970 */
  readonly time: number
  /** bytes of data after the header */
  readonly size: number
  /** physical address for the data */
  readonly load: number
  /** physical address of the first instruction */
  readonly entry: number
  readonly os: UImageOs
  readonly arch: UImageArch
  readonly type: UImageType
  readonly compression: UImageCompression
  readonly name: string
  /** the data, a view; compressed as `compression` says */
  readonly data: Uint8Array
  /** the files of a `multi` or `script` image, else the data; views */
  readonly parts: readonly Uint8Array[]
  /** bytes after the data */
  readonly trailing: number
}

/** Fields for a new header; `os` is `linux` by default. */
export interface UImageHeader {
  readonly type: UImageType
  readonly arch: UImageArch
  readonly compression: UImageCompression
  readonly load: number
  readonly entry: number
  /** at most 32 bytes, ASCII */
  readonly name: string
  /** seconds since 1970 */
  readonly time: number
  readonly os?: UImageOs
}

type Table = Readonly<Record<number, string>>

function checkCrc(what: string, offset: number, expected: number, found: number): void {
  if (found === expected) return
  throw fault('FORMAT_CRC', { what, where: hex(offset), expected: hex(expected), found: hex(found) })
}

/** A name from a field's table. @throws FORMAT_VALUE if the table does not have the number */
function named<Name>(file: ByteReader, field: ByteField, name: Name | null): Name {
  if (name !== null) return name
  const offset = OFFSET[field]
  throw file.malformed(offset, field, `0 to ${Object.keys(TABLES[field]).length - 1}`, file.u8(offset, field))
}

/**
 * Parse a legacy uImage and check both of its CRCs.
 *
 * @param bytes the file; nothing is copied from it
 * @param what name of the file, for errors
 * @throws FORMAT_MAGIC, FORMAT_TRUNCATED, FORMAT_CRC, FORMAT_VALUE
 */
export function parseUImage(bytes: Uint8Array, what = 'uImage'): UImage {
  const file = new ByteReader(bytes, what)
  const header = readUImageHeader(bytes, what)
  const { time, size, load, entry, name } = header
  checkCrc(what, OFFSET.headerCrc, header.headerCrc, header.computedCrc)
  const data = file.subarray(UIMAGE_HEADER_BYTES, size, 'data')
  checkCrc(what, OFFSET.dataCrc, header.dataCrc, crc32(data))
  const type = named(file, 'type', header.type)
  const parts = UIMAGE_TYPES_WITH_PARTS.includes(type) ? uimageParts(data, what) : [{ offset: 0, size }]
  return {
    time,
    size,
    load,
    entry,
    os: named(file, 'os', header.os),
    arch: named(file, 'arch', header.arch),
    type,
    compression: named(file, 'compression', header.compression),
    name,
    data,
    parts: parts.map((part, i) => new ByteReader(data, what).subarray(part.offset, part.size, `file ${i}`)),
    trailing: bytes.length - UIMAGE_HEADER_BYTES - size,
  }
}

/** The number for a name in a table. The type of `name` guarantees that it has one. */
function numberOf(table: Table, name: string): number {
  return Number(Object.entries(table).find(([, value]) => value === name)?.[0])
}

/**
 * Make a legacy uImage, as `mkimage -A arch -O os -T type -C compression -a load -e entry -n name -d data` does.
 *
 * @param header fields of the header
 * @param data appended unchanged: that of a `multi` or `script` image must start with the list of sizes
 * @throws FORMAT_VALUE if the name is longer than 32 bytes
 */
export function packUImage(header: UImageHeader, data: Uint8Array): Uint8Array {
  const name = Buffer.from(header.name, 'latin1')
  const bytes = new Uint8Array(UIMAGE_HEADER_BYTES + data.length)
  if (name.length > NAME_BYTES) {
    throw new ByteReader(bytes, 'uImage').malformed(OFFSET.name, 'name', `at most ${NAME_BYTES} bytes`, name.length)
  }
  const view = new DataView(bytes.buffer)
  const words = [
    [OFFSET.magic, MAGIC],
    [OFFSET.time, header.time],
    [OFFSET.size, data.length],
    [OFFSET.load, header.load],
    [OFFSET.entry, header.entry],
    [OFFSET.dataCrc, crc32(data)],
  ] as const
  for (const [offset, word] of words) view.setUint32(offset, word)
  bytes[OFFSET.os] = numberOf(UIMAGE_OS, header.os ?? 'linux')
  bytes[OFFSET.arch] = numberOf(UIMAGE_ARCH, header.arch)
  bytes[OFFSET.type] = numberOf(UIMAGE_TYPE, header.type)
  bytes[OFFSET.compression] = numberOf(UIMAGE_COMPRESSION, header.compression)
  bytes.set(name, OFFSET.name)
  view.setUint32(OFFSET.headerCrc, crc32(bytes.subarray(0, UIMAGE_HEADER_BYTES)))
  bytes.set(data, UIMAGE_HEADER_BYTES)
  return bytes
}
