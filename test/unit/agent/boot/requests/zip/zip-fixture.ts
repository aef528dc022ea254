/** ZIP files of every kind, made by fflate and by hand. */

import { crc32, deflateRawSync } from 'node:zlib'
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate'

/** A member as it is to be written; what is left out is right. */
export interface ZipMember {
  readonly name: string
  readonly data: Uint8Array
  readonly deflate?: boolean
  /** CRC and sizes behind the data; with ZIP64 the sizes have 8 bytes */
  readonly descriptor?: 'marked' | 'bare' | 'wide'
  /** lies to be told, at the head (or in the descriptor) and in the directory */
  readonly crc?: number
  readonly packed?: number
  readonly size?: number
  readonly flags?: number
  readonly method?: number
}

export interface ZipOptions {
  /** write ZIP64's own end records */
  readonly zip64?: boolean
  readonly comment?: string
  /** lies of the end record and the directory */
  readonly count?: number
  readonly directoryCrc?: number
  readonly directoryName?: string
}

const u16 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [i, value] of values.entries()) bytes.writeUInt16LE(value, i * 2)
  return bytes
}
const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, i * 4)
  return bytes
}
const u64 = (...values: number[]): Buffer => Buffer.concat(values.map(value => u32(value, 0)))

const COMMENT = Buffer.from('a comment of a member')

/** Write a ZIP by hand (APPNOTE.TXT section 4.3). */
export function makeZip(members: readonly ZipMember[], options: ZipOptions = {}): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  const put = (...pieces: Buffer[]): void => {
    for (const piece of pieces) {
      parts.push(piece)
      offset += piece.length
    }
  }
  for (const member of members) {
    const start = offset
    const data = member.deflate ? deflateRawSync(member.data) : Buffer.from(member.data)
    const name = Buffer.from(member.name)
    const crc = member.crc ?? crc32(member.data)
    const [packed, size] = [member.packed ?? data.length, member.size ?? member.data.length]
    const late = member.descriptor !== undefined
    const flags = (member.flags ?? 0) | (late ? 8 : 0)
    const method = member.method ?? (member.deflate ? 8 : 0)
    const wide = member.descriptor === 'wide' || options.zip64 === true
    // Another extra field first, as Info-ZIP's time stamps are.
    const extra = wide
      ? Buffer.concat([u16(0x5455, 1), Buffer.alloc(1), u16(1, 16), late ? u64(0, 0) : u64(size, packed)])
      : Buffer.alloc(0)
    const sizes = late ? u32(0, 0, 0) : wide ? u32(crc, 0xffffffff, 0xffffffff) : u32(crc, packed, size)
    put(u32(0x04034b50), u16(20, flags, method, 0, 0), sizes, u16(name.length, extra.length), name, extra, data)
    if (late) {
      put(
        member.descriptor === 'bare' ? Buffer.alloc(0) : u32(0x08074b50),
        u32(crc),
        member.descriptor === 'wide' ? u64(packed, size) : u32(packed, size),
      )
    }
    const wideEntry = options.zip64 === true ? Buffer.concat([u16(1, 24), u64(size, packed, start)]) : Buffer.alloc(0)
    const entryName = Buffer.from(options.directoryName ?? member.name)
    const inExtra = 0xffffffff
    directory.push(
      u32(0x02014b50),
      u16(20, 20, flags, method, 0, 0),
      u32(options.directoryCrc ?? crc, options.zip64 ? inExtra : packed, options.zip64 ? inExtra : size),
      u16(entryName.length, wideEntry.length, COMMENT.length, 0, 0),
      u32(0, options.zip64 ? inExtra : start),
      entryName,
      wideEntry,
      COMMENT,
    )
  }
  const directoryStart = offset
  put(...directory)
  const directorySize = offset - directoryStart
  const count = options.count ?? members.length
  if (options.zip64) {
    const end64 = offset
    put(u32(0x06064b50), u64(44), u16(45, 45), u32(0, 0), u64(count, count, directorySize, directoryStart))
    put(u32(0x07064b50, 0), u64(end64), u32(1))
  }
  const comment = Buffer.from(options.comment ?? '')
  put(u32(0x06054b50), u16(0, 0, options.zip64 ? 0xffff : count, options.zip64 ? 0xffff : count))
  put(u32(directorySize, directoryStart), u16(comment.length), comment)
  return Buffer.concat(parts)
}

/** A ZIP as a browser makes it while streaming: every member with a data descriptor. */
export function streamedZip(members: readonly ZipMember[]): Buffer {
  const parts: Uint8Array[] = []
  const zip = new Zip((error, chunk) => {
    if (error !== null) throw error
    parts.push(chunk)
  })
  for (const { name, data, deflate } of members) {
    const member = deflate ? new ZipDeflate(name) : new ZipPassThrough(name)
    zip.add(member)
    const half = data.length >> 1
    member.push(data.slice(0, half))
    member.push(data.slice(half), true)
  }
  zip.end()
  return Buffer.concat(parts)
}
