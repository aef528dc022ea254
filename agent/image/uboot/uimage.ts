/** Legacy uImage: 64 bytes of big-endian header before the data (U-Boot `include/image.h`, `struct legacy_img_hdr`). */
import { crc32 } from 'node:zlib'
import { fault } from '../../errors.js'
import { ByteReader, hex } from '../byte-reader.js'
import {
  LISTED,
  readUImageHeader,
  UIMAGE_HEADER_BYTES,
  UIMAGE_MAGIC,
  UIMAGE_NAME_BYTES,
  UIMAGE_OFFSET,
  UIMAGE_TABLES,
  type UImageByteField,
  uimageParts,
} from './uimage-header.js'
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

export { isUImage } from './uimage-header.js'

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

type Table = Readonly<Record<number, string>>

function checkCrc(what: string, offset: number, expected: number, found: number): void {
  if (found === expected) return
  throw fault('FORMAT_CRC', { what, where: hex(offset), expected: hex(expected), found: hex(found) })
}

/** The name that a table has for the byte of a field. */
function named<Name>(file: ByteReader, field: UImageByteField, name: Name | null): Name {
  if (name !== null) return name
  const offset = UIMAGE_OFFSET[field]
  throw file.malformed(offset, field, `0 to ${Object.keys(UIMAGE_TABLES[field]).length - 1}`, file.u8(offset, field))
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
  checkCrc(what, UIMAGE_OFFSET.headerCrc, header.headerCrc, header.computedCrc)
  const data = file.subarray(UIMAGE_HEADER_BYTES, size, 'data')
  checkCrc(what, UIMAGE_OFFSET.dataCrc, header.dataCrc, crc32(data))
  const type = named(file, 'type', header.type)
  const parts = LISTED.includes(type) ? uimageParts(data, what) : [{ offset: 0, size }]
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
  if (name.length > UIMAGE_NAME_BYTES) {
    throw new ByteReader(bytes, 'uImage').malformed(
      UIMAGE_OFFSET.name,
      'name',
      `at most ${UIMAGE_NAME_BYTES} bytes`,
      name.length,
    )
  }
  const view = new DataView(bytes.buffer)
  const words = [
    [UIMAGE_OFFSET.magic, UIMAGE_MAGIC],
    [UIMAGE_OFFSET.time, header.time],
    [UIMAGE_OFFSET.size, data.length],
    [UIMAGE_OFFSET.load, header.load],
    [UIMAGE_OFFSET.entry, header.entry],
    [UIMAGE_OFFSET.dataCrc, crc32(data)],
  ] as const
  for (const [offset, word] of words) view.setUint32(offset, word)
  bytes[UIMAGE_OFFSET.os] = numberOf(UIMAGE_OS, header.os ?? 'linux')
  bytes[UIMAGE_OFFSET.arch] = numberOf(UIMAGE_ARCH, header.arch)
  bytes[UIMAGE_OFFSET.type] = numberOf(UIMAGE_TYPE, header.type)
  bytes[UIMAGE_OFFSET.compression] = numberOf(UIMAGE_COMPRESSION, header.compression)
  bytes.set(name, UIMAGE_OFFSET.name)
  view.setUint32(UIMAGE_OFFSET.headerCrc, crc32(bytes.subarray(0, UIMAGE_HEADER_BYTES)))
  bytes.set(data, UIMAGE_HEADER_BYTES)
  return bytes
}
