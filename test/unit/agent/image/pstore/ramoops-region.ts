/** Builds what a ramoops driver leaves in memory. */

import { deflateRawSync } from 'node:zlib'

const HEADER = 12

/**
 * A zone: a ring into which text was written.
 *
 * @param size bytes, with the header
 * @param start where the ring's oldest byte is; only a full ring has one that is not 0
 */
export function zone(size: number, content: Uint8Array | string, start = 0): Buffer {
  const bytes = Buffer.alloc(size)
  const data = Buffer.from(content)
  bytes.write('DBGC', 'latin1')
  bytes.writeUInt32LE(start, 4)
  bytes.writeUInt32LE(data.length, 8)
  data.copy(bytes, HEADER)
  return bytes
}

/** A dump of pstore. */
export function dump(text: string, { reason = 'Panic', compressed = true } = {}): Buffer {
  const body = Buffer.from(`${reason}#1 Part1\n${text}`)
  return Buffer.concat([
    Buffer.from(`====1764172800.123456-${compressed ? 'C' : 'D'}\n`),
    compressed ? deflateRawSync(body) : body,
  ])
}
