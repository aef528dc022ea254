/** The records of a ZIP file (APPNOTE.TXT 6.3, sections 4.3 to 4.5). */

import { fault } from '../../../errors.js'
import type { ChunkReader } from './chunk-reader.js'

export const SIGNATURE = {
  member: 0x0403_4b50,
  descriptor: 0x0807_4b50,
  directory: 0x0201_4b50,
  directory64: 0x0606_4b50,
  locator64: 0x0706_4b50,
  end: 0x0605_4b50,
} as const

export const METHOD = { stored: 0, deflated: 8 } as const

const ENCRYPTED = 1 << 0
const DESCRIPTOR_FOLLOWS = 1 << 3
/** Marks a size that is in the ZIP64 extra field (section 4.5.3). */
const IN_EXTRA = 0xffff_ffff
const EXTRA_ZIP64 = 0x0001

/** A member's header, local or in the directory. */
export interface MemberHeader {
  readonly name: string
  readonly method: number
  readonly crc: number
  /** bytes in the file */
  readonly packed: number
  /** bytes unpacked */
  readonly size: number
  /** CRC and sizes are 0 here and follow the data */
  readonly descriptor: boolean
  /** sizes in the descriptor have 8 bytes */
  readonly wide: boolean
  /** of the member's head in the file */
  readonly offset: number
}

/** 64-bit numbers in the ZIP64 extra field, in the order of the fields that refer to it. */
function readZip64(extra: Buffer): number[] | null {
  for (let at = 0; at + 4 <= extra.length; ) {
    const [id, size] = [extra.readUInt16LE(at), extra.readUInt16LE(at + 2)]
    if (id === EXTRA_ZIP64) {
      const data = extra.subarray(at + 4, at + 4 + size)
      return Array.from({ length: Math.floor(data.length / 8) }, (_, i) => Number(data.readBigUInt64LE(i * 8)))
    }
    at += 4 + size
  }
  return null
}

/** Fields that both kinds of head have, in the same order; in the directory two bytes later. */
function readCommon(fixed: Buffer, shift: number, name: Buffer, extra: Buffer, offset: number): MemberHeader {
  const flags = fixed.readUInt16LE(6 + shift)
  const text = name.toString('utf8')
  if ((flags & ENCRYPTED) !== 0) {
    throw fault('FORMAT_UNSUPPORTED', {
      what: 'bundle',
      where: `member ${text}`,
      found: 'encryption',
      expected: 'none',
    })
  }
  const wide = readZip64(extra)
  const rest = [...(wide ?? [])]
  const take = (value: number): number => (value === IN_EXTRA ? (rest.shift() ?? value) : value)
  const size = take(fixed.readUInt32LE(22 + shift))
  const packed = take(fixed.readUInt32LE(18 + shift))
  return {
    name: text,
    method: fixed.readUInt16LE(8 + shift),
    crc: fixed.readUInt32LE(14 + shift),
    packed,
    size,
    descriptor: (flags & DESCRIPTOR_FOLLOWS) !== 0,
    wide: wide !== null,
    offset: take(offset),
  }
}

/** The head before a member's data; its signature has been read. Section 4.3.7. */
export async function readMemberHead(reader: ChunkReader): Promise<MemberHeader> {
  const offset = reader.position - 4
  const fixed = Buffer.concat([Buffer.alloc(4), await reader.exactly(26, 'a member head')])
  const name = await reader.exactly(fixed.readUInt16LE(26), 'a member name')
  const extra = await reader.exactly(fixed.readUInt16LE(28), 'a member head')
  return readCommon(fixed, 0, name, extra, offset)
}

/** An entry of the directory at the end; its signature has been read. Section 4.3.12. */
export async function readDirectoryEntry(reader: ChunkReader): Promise<MemberHeader> {
  const fixed = Buffer.concat([Buffer.alloc(4), await reader.exactly(42, 'a directory entry')])
  const name = await reader.exactly(fixed.readUInt16LE(28), 'a member name')
  const extra = await reader.exactly(fixed.readUInt16LE(30), 'a directory entry')
  await reader.exactly(fixed.readUInt16LE(32), 'a comment')
  return readCommon(fixed, 2, name, extra, fixed.readUInt32LE(42))
}

/** CRC and sizes after the data (section 4.3.9); the signature is common but optional. */
export async function readDescriptor(
  reader: ChunkReader,
  wide: boolean,
): Promise<Pick<MemberHeader, 'crc' | 'packed' | 'size'>> {
  const first = await reader.exactly(4, 'a data descriptor')
  const crc = first.readUInt32LE() === SIGNATURE.descriptor ? await reader.exactly(4, 'a data descriptor') : first
  const sizes = await reader.exactly(wide ? 16 : 8, 'a data descriptor')
  const sizeAt = (index: number): number =>
    wide ? Number(sizes.readBigUInt64LE(index * 8)) : sizes.readUInt32LE(index * 4)
  return { crc: crc.readUInt32LE(), packed: sizeAt(0), size: sizeAt(1) }
}

/**
 * What stands between the directory and the end of the file: ZIP64's own records, the end record, a comment. The
 * signature of the first of them has been read. Sections 4.3.14 to 4.3.16.
 *
 * @returns number of entries according to the end record
 */
export async function readEnd(reader: ChunkReader, first: number): Promise<number> {
  let signature = first
  let entries: number | null = null
  if (signature === SIGNATURE.directory64) {
    const size = Number((await reader.exactly(8, 'the ZIP64 end record')).readBigUInt64LE())
    // Version, disks and counts take 44 bytes; an unused extensible part may follow.
    const record = await reader.exactly(Math.min(size, 4096), 'the ZIP64 end record')
    entries = record.length >= 28 ? Number(record.readBigUInt64LE(20)) : null
    signature = (await reader.exactly(4, 'a signature')).readUInt32LE()
  }
  if (signature === SIGNATURE.locator64) {
    await reader.exactly(16, 'the ZIP64 locator')
    signature = (await reader.exactly(4, 'a signature')).readUInt32LE()
  }
  if (signature !== SIGNATURE.end) throw wrongSignature(reader, signature)
  const record = await reader.exactly(18, 'the end record')
  await reader.exactly(record.readUInt16LE(16), 'a comment')
  const count = record.readUInt16LE(6)
  return count === 0xffff && entries !== null ? entries : count
}

/** @returns to be thrown: no record starts where one has to */
function wrongSignature(reader: ChunkReader, found: number) {
  return fault('FORMAT_MAGIC', {
    what: 'bundle',
    where: `0x${(reader.position - 4).toString(16)}`,
    expected: 'a record of a ZIP file (PK)',
    found: `0x${found.toString(16).padStart(8, '0')}`,
  })
}
