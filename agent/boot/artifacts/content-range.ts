/** `Content-Range`: the header that resumes an upload. */

import { fault } from '../../errors.js'
import { type ByteRange, parseByteRange } from '../../transfer/http/headers.js'

/** `Content-Range: bytes first-last/total` (RFC 9110 section 14.4); `total` null for `*`. */
export type ContentRange = ByteRange

/**
 * Read a `Content-Range` header: `bytes 0-99/200`, `bytes 0-99/*`.
 *
 * @throws HTTP_REQUEST when it is not one
 */
export function parseContentRange(header: string): ContentRange {
  const range = parseByteRange(header)
  if (range !== null) return range
  throw fault('HTTP_REQUEST', {
    reason: `Content-Range: expected "bytes FIRST-LAST/TOTAL", found ${JSON.stringify(header.slice(0, 80))}`,
  })
}
