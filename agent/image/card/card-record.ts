/**
 * A sector of the SD card with a few names and values, which U-Boot reads with `env import -c`: a CRC-32, then
 * `name=value` texts, each ended by a NUL (U-Boot, env/common.c; the same as `mkenvimage -s 512`). A sector whose write
 * was cut by a power failure does not fit its CRC, and counts as not there.
 */

import { crc32 } from 'node:zlib'
import { fault } from '../../errors.js'

/** Bytes of a record, and of a sector. */
export const RECORD_BYTES = 512

const CRC_BYTES = 4

/**
 * A sector with these values.
 *
 * @param values names and values without NUL, names without `=`
 * @throws FORMAT_TOO_LARGE if they do not fit into a sector
 */
export function encodeRecord(values: Readonly<Record<string, string>>): Uint8Array {
  const text = Object.entries(values).map(([name, value]) => `${name}=${value}\0`)
  const data = Buffer.from(`${text.join('')}\0`, 'latin1')
  const limit = RECORD_BYTES - CRC_BYTES
  if (data.length > limit) throw fault('FORMAT_TOO_LARGE', { what: 'a record of the SD card', limit })
  const sector = Buffer.alloc(RECORD_BYTES)
  sector.set(data, CRC_BYTES)
  sector.writeUInt32LE(crc32(sector.subarray(CRC_BYTES)), 0)
  return sector
}

/**
 * The values of a sector.
 *
 * @param sector {@link RECORD_BYTES} bytes, or more, of which the first count
 * @returns null if it is no record, or a damaged one
 */
export function decodeRecord(sector: Uint8Array): Readonly<Record<string, string>> | null {
  if (sector.length < RECORD_BYTES) return null
  const bytes = Buffer.from(sector.buffer, sector.byteOffset, RECORD_BYTES)
  if (bytes.readUInt32LE(0) !== crc32(bytes.subarray(CRC_BYTES))) return null
  const [texts = ''] = bytes.toString('latin1', CRC_BYTES).split('\0\0')
  const values = texts.split('\0').map(text => text.split(/=(.*)/s).slice(0, 2))
  return Object.fromEntries(values.filter(([name]) => name !== ''))
}
