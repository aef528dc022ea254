/** What time it is for an HTTPS server whose certificate cannot be verified, because the clock here is not set. */

import type { LookupFunction } from 'node:net'

/** How long the server may take to answer, milliseconds. */
const PATIENCE_MS = 10_000

/** IMF-fixdate, the one form that servers send (RFC 9110 section 5.6.7). */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/

export interface DateRequest {
  readonly signal?: AbortSignal
  /** how names become addresses; the system's way unless given */
  readonly lookup?: LookupFunction
}

/** Read a `Date` header; null when it is missing or malformed. */
export function parseDate(header: string | undefined): Date | null {
  const time = IMF_FIXDATE.test(header ?? '') ? Date.parse(header ?? '') : Number.NaN
  return Number.isNaN(time) ? null : new Date(time)
}

/**
 * Ask a server for its `Date`. The certificate is not verified, so the answer may be wrong. The request is a HEAD for
 * `/` and carries nothing of the URL that is to be fetched, neither its path nor its password.
 *
 * @param host with its port: `lab:8443`
 * @returns null when the server does not answer, or sends no date
 * @throws the signal's reason
 */
export async function serverDate(host: string, { signal, lookup }: DateRequest): Promise<Date | null> {
  const { request } = await import('node:https')
  const late = AbortSignal.timeout(PATIENCE_MS)
  const options = {
    method: 'HEAD',
    headers: { 'user-agent': 'fauxboot' },
    rejectUnauthorized: false,
    agent: false,
    signal: signal === undefined ? late : AbortSignal.any([signal, late]),
    lookup,
  }
  const header = await new Promise<string | undefined>(resolve => {
    request(`https://${host}/`, options, response => {
      response.destroy()
      resolve(response.headers.date)
    })
      // The caller has an error to show already: that of the certificate.
      .on('error', () => resolve(undefined))
      .end()
  })
  signal?.throwIfAborted()
  return parseDate(header)
}
