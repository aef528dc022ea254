/** Reading of cpio archives. Nothing is copied: data is a view of the archive. */
import { fault } from '../../errors.js'
import { ByteReader, hex } from '../byte-reader.js'
import {
  CPIO_ALIGNMENT,
  CPIO_CRC_MAGIC,
  CPIO_FIELDS,
  CPIO_FILE_TYPE,
  CPIO_HEADER_BYTES,
  CPIO_MAGIC,
  CPIO_MAX_NAME,
  CPIO_TRAILER,
  type CpioEntry,
  type CpioHeader,
  padding,
} from './cpio-format.js'

const text = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
const isMagic = (magic: string) => magic === CPIO_MAGIC || magic === CPIO_CRC_MAGIC

/** Whether `bytes` start with a cpio `newc` archive. */
export function isCpio(bytes: Uint8Array): boolean {
  return bytes.length >= CPIO_HEADER_BYTES && isMagic(text(bytes.subarray(0, CPIO_MAGIC.length)))
}

function readHeader(archive: ByteReader, offset: number): CpioHeader & { magic: string } {
  const header = text(archive.subarray(offset, CPIO_HEADER_BYTES, 'cpio header'))
  const magic = header.slice(0, CPIO_MAGIC.length)
  if (!isMagic(magic)) {
    const found = JSON.stringify(magic)
    throw fault('FORMAT_MAGIC', { what: archive.what, where: hex(offset), expected: CPIO_MAGIC, found })
  }
  const fields: Partial<CpioHeader> = {}
  for (const [i, field] of CPIO_FIELDS.entries()) {
    const at = CPIO_MAGIC.length + i * 8
    const digits = header.slice(at, at + 8)
    if (!/^[0-9a-f]{8}$/i.test(digits)) {
      throw archive.malformed(offset + at, field, 'eight hex digits', JSON.stringify(digits))
    }
    fields[field] = Number.parseInt(digits, 16)
  }
  return { ...(fields as CpioHeader), magic }
}

/** The checksum of `070702`: the sum of a regular file's bytes. */
function checkSum(archive: ByteReader, offset: number, header: CpioHeader & { magic: string }, data: Uint8Array): void {
  const isChecked = header.magic === CPIO_CRC_MAGIC && (header.mode & CPIO_FILE_TYPE.mask) === CPIO_FILE_TYPE.regular
  if (!isChecked) return
  const expected = header.check
  let sum = 0
  for (const byte of data) sum = (sum + byte) >>> 0
  if (sum === expected) return
  throw fault('FORMAT_CRC', { what: archive.what, where: hex(offset), expected: hex(expected), found: hex(sum) })
}

/**
 * List the entries of an archive, and of those appended to it: the kernel unpacks archives one after the other, with
 * zeros between them (`TRAILER!!!` is left out).
 *
 * @param bytes the archives; data of the entries are views of it
 * @param what name of the archive, for errors
 * @throws FORMAT_MAGIC, FORMAT_TRUNCATED, FORMAT_VALUE, FORMAT_CRC
 */
export function parseCpio(bytes: Uint8Array, what = 'cpio archive'): CpioEntry[] {
  const archive = new ByteReader(bytes, what)
  const entries: CpioEntry[] = []
  let offset = 0
  for (;;) {
    const header = readHeader(archive, offset)
    const nameAt = offset + CPIO_HEADER_BYTES
    if (header.nameSize < 2 || header.nameSize > CPIO_MAX_NAME) {
      throw archive.malformed(offset, 'size of name', `2 to ${CPIO_MAX_NAME}`, `${header.nameSize}`)
    }
    const nameBytes = archive.subarray(nameAt, header.nameSize, 'name')
    if (nameBytes.indexOf(0) !== header.nameSize - 1)
      throw archive.malformed(nameAt, 'name', 'one NUL at its end', 'none')
    const name = Buffer.from(nameBytes.subarray(0, -1)).toString('utf8')
    const dataAt = nameAt + header.nameSize + padding(CPIO_HEADER_BYTES + header.nameSize, CPIO_ALIGNMENT.entry)
    const data = archive.subarray(dataAt, header.fileSize, `data of ${name}`)
    offset = dataAt + header.fileSize + padding(header.fileSize, CPIO_ALIGNMENT.entry)
    checkSum(archive, dataAt, header, data)
    if (name !== CPIO_TRAILER) {
      const { mode, mtime, uid, gid, rdevMajor, rdevMinor, nlink, ino } = header
      entries.push({ name, mode, data, mtime, uid, gid, rdevMajor, rdevMinor, nlink, ino })
      continue
    }
    while (bytes[offset] === 0) offset++
    if (offset >= bytes.length) return entries
  }
}
