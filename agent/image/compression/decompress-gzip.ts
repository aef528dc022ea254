/** gzip (RFC 1952). Reads header and trailer itself, to know where a member ends. */
import { crc32, createInflateRaw } from 'node:zlib'
import { fault } from '../../errors.js'
import { ByteReader, hex } from '../byte-reader.js'
import type { BoundedOutput } from './bounded-output.js'

const MAGIC = 0x0008_8b1f
const HEADER_BYTES = 10
const TRAILER_BYTES = 8
/** section 2.3.1 */
const FLAG = { headerCrc: 0x02, extra: 0x04, name: 0x08, comment: 0x10, reserved: 0xe0 } as const
const CHUNK_BYTES = 0x10_0000

/** Bytes of the header with its optional fields. */
function headerSize(file: ByteReader): number {
  file.need(0, HEADER_BYTES, 'gzip header')
  const word = file.u32le(0, 'gzip header')
  file.magic(0, word & 0xff_ffff, MAGIC)
  const flags = word >>> 24
  if ((flags & FLAG.reserved) !== 0) throw file.malformed(3, 'flags', 'no reserved flag', flags)
  let size = HEADER_BYTES
  if ((flags & FLAG.extra) !== 0) {
    const length = file.u8(size, 'length of extra field') | (file.u8(size + 1, 'length of extra field') << 8)
    size += 2 + length
    file.need(0, size, 'extra field')
  }
  for (const [flag, field] of [
    [FLAG.name, 'file name'],
    [FLAG.comment, 'comment'],
  ] as const) {
    if ((flags & flag) === 0) continue
    const end = file.bytes.indexOf(0, size)
    if (end === -1) throw file.malformed(size, field, 'a NUL at its end', 'none')
    size = end + 1
  }
  return (flags & FLAG.headerCrc) === 0 ? size : size + 2
}

/** Decompress one gzip member. zlib runs on threads of its own. */
export async function decodeGzipMember(bytes: Uint8Array, output: BoundedOutput): Promise<number> {
  const file = new ByteReader(bytes, output.what)
  const dataAt = headerSize(file)
  file.need(dataAt, 0, 'compressed data')
  const start = output.total
  let crc = 0
  const inflate = createInflateRaw({ chunkSize: CHUNK_BYTES })
  inflate.end(bytes.subarray(dataAt))
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      crc = crc32(chunk, crc)
      output.push(chunk)
      await output.yieldIfDue()
    }
  } catch (error) {
    if (!(error instanceof Error && 'errno' in error)) throw error
    throw fault('DECOMPRESS_FAILED', { what: output.what, format: 'gzip', reason: error.message }, error)
  }
  const trailerAt = dataAt + inflate.bytesWritten
  const expected = file.u32le(trailerAt, 'CRC')
  if (crc !== expected) {
    throw fault('FORMAT_CRC', { what: output.what, where: hex(trailerAt), expected: hex(expected), found: hex(crc) })
  }
  const size = file.u32le(trailerAt + 4, 'size')
  const unpacked = output.total - start
  if (unpacked >>> 0 !== size) throw file.malformed(trailerAt + 4, 'size', hex(unpacked), size)
  return trailerAt + TRAILER_BYTES
}
