/** The headers of resumable downloads (RFC 9110 sections 10.2.3, 13 and 14). */

import type { IncomingHttpHeaders } from 'node:http'

/** A part of a file: `bytes first-last/total`; null for `*`. */
export interface ByteRange {
  readonly first: number
  readonly last: number
  readonly total: number | null
}

/** Read a `Content-Range`; null when it is missing, unsatisfied or malformed. */
export function parseByteRange(header: string | undefined): ByteRange | null {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header ?? '')
  if (match === null) return null
  const [first, last, total] = [Number(match[1]), Number(match[2]), match[3] === '*' ? null : Number(match[3])]
  return first <= last && (total === null || last < total) ? { first, last, total } : null
}

/** `Content-Length` in bytes, or null. */
export function parseLength(headers: IncomingHttpHeaders): number | null {
  const text = headers['content-length'] ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : null
}

/**
 * What `If-Range` may name: a strong entity tag, or else a date (section 13.1.5 forbids weak tags). Null when the
 * server sends neither: then nothing shows whether the file is unchanged.
 */
export function validatorOf(headers: IncomingHttpHeaders): string | null {
  const { etag } = headers
  if (etag?.startsWith('"')) return etag
  return headers['last-modified'] ?? null
}

/** `Retry-After` in milliseconds; 0 for a date too, because a board's clock may not know one. */
export function retryAfter(headers: IncomingHttpHeaders): number {
  const text = headers['retry-after'] ?? ''
  return /^\d{1,9}$/.test(text) ? Number(text) * 1000 : 0
}
