/** The digest of an upload, which clients send in various headers. */

import type { IncomingHttpHeaders } from 'node:http'
import { fault } from '../../errors.js'

/** The headers that refer to the whole file and not to the part in this request. */
const HEX_HEADERS = ['x-checksum-sha256', 'x-content-sha256'] as const

/** A digest in base64 and how it is introduced: RFC 9530 section 3 `sha-256=:...:`, RFC 3230 section 4.3.2 `SHA-256=...`. */
const BASE64_HEADERS = {
  'repr-digest': /(?:^|[,\s])sha-256=:([A-Za-z0-9+/=]+):/,
  digest: /(?:^|[,\s])sha-256=([A-Za-z0-9+/=]+)/i,
}

/**
 * The required sha256 of the whole artifact.
 *
 * @param query the `sha256` of the query
 * @returns lower-case hex; undefined if the client sends none. Other algorithms are ignored, as RFC 9530 requires
 * @throws HTTP_REQUEST when it is no sha256, or two of them differ
 */
export function expectedDigest(headers: IncomingHttpHeaders, query?: string): string | undefined {
  const given = new Map<string, string>()
  if (query !== undefined) given.set('?sha256', query.toLowerCase())
  for (const name of HEX_HEADERS) {
    const value = headers[name]
    if (typeof value === 'string') given.set(name, value.toLowerCase())
  }
  for (const [name, pattern] of Object.entries(BASE64_HEADERS)) {
    const [, value] = pattern.exec(String(headers[name] ?? '')) ?? []
    if (value !== undefined) given.set(name, Buffer.from(value, 'base64').toString('hex'))
  }
  for (const [name, digest] of given) {
    if (!/^[0-9a-f]{64}$/.test(digest)) {
      throw fault('HTTP_REQUEST', { reason: `${name} is no sha256 of 32 bytes: ${digest.slice(0, 80)}` })
    }
  }
  const [digest, ...others] = new Set(given.values())
  if (others.length === 0) return digest
  throw fault('HTTP_REQUEST', { reason: `${[...given.keys()].join(' and ')} give different digests` })
}
