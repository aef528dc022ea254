/**
 * The saved environment, as U-Boot, `fw_printenv` and `fw_setenv` keep it (`include/env_internal.h`): CRC-32 of the data in
 * little-endian order, one byte of flags if there are two copies, then `name=value`, each ended by NUL, another NUL,
 * and zeros to the end.
 *
 * The tools use no escapes here, so a backslash in a value is an ordinary character.
 */

import { crc32 } from 'node:zlib'
import { fault } from '../../errors.js'
import type { Variables } from './environment.js'

const CRC_BYTES = 4
const FLAGS_BYTES = 1

/** bytes before the variables */
export function imageHeaderBytes(redundant: boolean): number {
  return CRC_BYTES + (redundant ? FLAGS_BYTES : 0)
}

/**
 * Write an environment.
 *
 * @param size bytes of the whole image
 * @param flags counts up with each save; null where there is one copy
 * @throws UBOOT_ENVIRONMENT when it does not fit
 */
export function writeEnvironmentImage(variables: Variables, size: number, flags: number | null): Buffer {
  const header = imageHeaderBytes(flags !== null)
  const list = [...variables].map(([name, value]) => `${name}=${value}\0`).join('')
  // An empty list is two NULs too: readers look for the pair.
  const data = Buffer.from(list === '' ? '\0\0' : `${list}\0`, 'latin1')
  if (header + data.length > size) {
    const reason = `${data.length} bytes do not fit into ${size - header}`
    throw fault('UBOOT_ENVIRONMENT', { what: 'the environment', reason })
  }
  const image = Buffer.alloc(size)
  data.copy(image, header)
  if (flags !== null) image[CRC_BYTES] = flags
  image.writeUInt32LE(crc32(image.subarray(header)))
  return image
}

/** A copy that is intact. */
export interface EnvironmentImage {
  readonly variables: Variables
  /** 0 where there is one copy */
  readonly flags: number
}

/**
 * Read an environment.
 *
 * @param image all of its bytes
 * @returns null when its checksum is wrong, as that of a copy whose writing was cut short
 */
export function readEnvironmentImage(image: Uint8Array, redundant: boolean): EnvironmentImage | null {
  const header = imageHeaderBytes(redundant)
  if (image.length <= header) return null
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.length)
  if (crc32(bytes.subarray(header)) !== bytes.readUInt32LE()) return null
  const [list = ''] = bytes.toString('latin1', header).split('\0\0', 1)
  const variables = new Map<string, string>()
  for (const entry of list.split('\0')) {
    const equals = entry.indexOf('=')
    if (equals > 0) variables.set(entry.slice(0, equals), entry.slice(equals + 1))
  }
  return { variables, flags: redundant ? bytes.readUInt8(CRC_BYTES) : 0 }
}

/**
 * Which of two intact copies is newer by their flags, which count up and wrap from 255 to 0.
 *
 * @returns 0 or 1; the first when both are the same
 */
export function newerCopy(first: number, second: number): 0 | 1 {
  if (first === 255 && second === 0) return 1
  if (first === 0 && second === 255) return 0
  return second > first ? 1 : 0
}
