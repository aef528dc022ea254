/** Whether a cpio archive breaks off: what can be told from its headers, as the kernel walks them. */

import { HEADER_BYTES, padding, startsLikeCpio, TRAILER } from './cpio.js'

/** Places of fields in a header, bytes. */
const FILE_SIZE_AT = 54
const NAME_SIZE_AT = 94

/** Zeros that are looked at after an archive, bytes: tools pad to 512, and megabytes of zeros would hold up the event loop. */
const LONGEST_PADDING = 1 << 20

/**
 * Whether the bytes end within an entry of an archive, or of one of the archives that follow it directly. An archive
 * whose last entry is whole counts as whole even without `TRAILER!!!`: the kernel takes it. What is not an archive ends
 * the search.
 */
export function cpioBreaksOff(bytes: Uint8Array): boolean {
  let at = 0
  while (at < bytes.length && startsLikeCpio(bytes.subarray(at))) {
    if (at + HEADER_BYTES > bytes.length) return true
    const name = at + HEADER_BYTES
    const nameSize = hexField(bytes, at + NAME_SIZE_AT)
    const fileSize = hexField(bytes, at + FILE_SIZE_AT)
    // Another kind of damage.
    if (nameSize === null || fileSize === null) return false
    const data = aligned(name + nameSize)
    if (Math.max(name + nameSize, fileSize === 0 ? 0 : data + fileSize) > bytes.length) return true
    at = aligned(data + fileSize)
    if (isTrailer(bytes, name)) at = afterZeros(bytes, at)
  }
  return false
}

const aligned = (offset: number): number => offset + padding(offset, 4)

function hexField(bytes: Uint8Array, at: number): number | null {
  const digits = Buffer.from(bytes.subarray(at, at + 8)).toString('latin1')
  return /^[0-9a-f]{8}$/i.test(digits) ? Number.parseInt(digits, 16) : null
}

function isTrailer(bytes: Uint8Array, at: number): boolean {
  return Buffer.from(bytes.subarray(at, at + TRAILER.length)).toString('latin1') === TRAILER
}

function afterZeros(bytes: Uint8Array, from: number): number {
  const end = from + LONGEST_PADDING
  let at = from
  while (at < end && bytes[at] === 0) at++
  return at
}
