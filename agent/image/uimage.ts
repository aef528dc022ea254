/** Legacy uImage: 64 bytes of big-endian header before the data (U-Boot `include/image.h`, `struct legacy_img_hdr`). */
import { crc32 } from 'node:zlib'
import { fault } from '../errors.js'
import { ByteReader, hex } from './byte-reader.js'
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

export interface UImage {
  /** seconds since 1970 */
  readonly time: number
  /** bytes of data behind the header */
  readonly size: number
  /** physical address the data is meant for */
  readonly load: number
  /** physical address of the first instruction */
  readonly entry: number
  readonly os: UImageOs
  readonly arch: UImageArch
  readonly type: UImageType
  readonly compression: UImageCompression
  readonly name: string
  /** the data, a view; still compressed when `compression` says so */
  readonly data: Uint8Array
  /** the files of a `multi` or `script` image, views; of others the data alone */
  readonly parts: readonly Uint8Array[]
  /** bytes behind the data */
  readonly trailing: number
}

/** What goes into a header; `os` is `linux` unless told otherwise. */
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

export const UIMAGE_MAGIC = 0x2705_1956
export const UIMAGE_HEADER_BYTES = 64
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
const NAME_BYTES = 32
/** Types whose data starts with a list of sizes that a zero ends. */
const LISTED: readonly UImageType[] = ['multi', 'script']

type Table = Readonly<Record<number, string>>

/** Whether `bytes` start with a uImage. */
export function isUImage(bytes: Uint8Array): boolean {
  return bytes.length >= UIMAGE_HEADER_BYTES && new ByteReader(bytes, '').u32be(OFFSET.magic, 'magic') === UIMAGE_MAGIC
}

function checkCrc(what: string, offset: number, expected: number, bytes: Uint8Array): void {
  const found = crc32(bytes)
  if (found === expected) return
  throw fault('FORMAT_CRC', { what, where: hex(offset), expected: hex(expected), found: hex(found) })
}

/** The name that a table has for the byte at `offset`. */
function named<T extends Table>(header: ByteReader, field: keyof typeof OFFSET, table: T): T[keyof T] {
  const number = header.u8(OFFSET[field], field)
  const name = (table as Table)[number]
  if (name === undefined) {
    throw header.malformed(OFFSET[field], field, `0 to ${Object.keys(table).length - 1}`, number)
  }
  return name as T[keyof T]
}

/** The files of a `multi` or `script` image: sizes, a zero, then each file on a multiple of four bytes. */
function readParts(data: ByteReader): Uint8Array[] {
  const sizes: number[] = []
  let offset = 0
  for (;;) {
    const size = data.u32be(offset, 'list of sizes')
    offset += 4
    if (size === 0) break
    sizes.push(size)
  }
  return sizes.map((size, i) => {
    const part = data.subarray(offset, size, `file ${i}`)
    offset += Math.ceil(size / 4) * 4
    return part
  })
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
  file.need(0, UIMAGE_HEADER_BYTES, 'uImage header')
  file.magic(OFFSET.magic, file.u32be(OFFSET.magic, 'magic'), UIMAGE_MAGIC)
  // the header's CRC is computed with its own field zero; `slice` would not copy if this is a Buffer
  const blanked = new Uint8Array(bytes.subarray(0, UIMAGE_HEADER_BYTES))
  blanked.fill(0, OFFSET.headerCrc, OFFSET.headerCrc + 4)
  checkCrc(what, OFFSET.headerCrc, file.u32be(OFFSET.headerCrc, 'header CRC'), blanked)
  const size = file.u32be(OFFSET.size, 'size')
  const data = file.subarray(UIMAGE_HEADER_BYTES, size, 'data')
  checkCrc(what, OFFSET.dataCrc, file.u32be(OFFSET.dataCrc, 'data CRC'), data)
  const type = named(file, 'type', UIMAGE_TYPE)
  const name = Buffer.from(file.subarray(OFFSET.name, NAME_BYTES, 'name')).toString('latin1')
  return {
    time: file.u32be(OFFSET.time, 'time'),
    size,
    load: file.u32be(OFFSET.load, 'load address'),
    entry: file.u32be(OFFSET.entry, 'entry'),
    os: named(file, 'os', UIMAGE_OS),
    arch: named(file, 'arch', UIMAGE_ARCH),
    type,
    compression: named(file, 'compression', UIMAGE_COMPRESSION),
    name: name.replace(/\0.*$/s, ''),
    data,
    parts: LISTED.includes(type) ? readParts(new ByteReader(data, what)) : [data],
    trailing: bytes.length - UIMAGE_HEADER_BYTES - size,
  }
}

/** The number that a table has for a name. The type of `name` makes sure that there is one. */
function numberOf(table: Table, name: string): number {
  return Number(Object.entries(table).find(([, value]) => value === name)?.[0])
}

/**
 * Make a legacy uImage, as `mkimage -A arch -O os -T type -C compression -a load -e entry -n name -d data` does.
 *
 * @param header what goes into the header
 * @param data put behind it as it is: a `multi` or `script` image brings its own list of sizes
 * @throws FORMAT_VALUE when the name is longer than 32 bytes
 */
export function packUImage(header: UImageHeader, data: Uint8Array): Uint8Array {
  const name = Buffer.from(header.name, 'latin1')
  const bytes = new Uint8Array(UIMAGE_HEADER_BYTES + data.length)
  if (name.length > NAME_BYTES) {
    throw new ByteReader(bytes, 'uImage').malformed(OFFSET.name, 'name', `at most ${NAME_BYTES} bytes`, name.length)
  }
  const view = new DataView(bytes.buffer)
  const words = [
    [OFFSET.magic, UIMAGE_MAGIC],
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
