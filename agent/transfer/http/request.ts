/** One GET request: from a URL to the response that has the bytes, over redirects. */

import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http'
import type { LookupFunction } from 'node:net'
import { fault } from '../../errors.js'
import { unlessAborted } from '../abort.js'
import { explainClock } from '../failure.js'
import { parseFetchUrl, shownUrl } from '../url.js'

export interface RequestSettings {
  readonly headers: Readonly<Record<string, string>>
  /** ends the request in any phase */
  readonly signal: AbortSignal
  /** redirects that are followed */
  readonly maxRedirects: number
  /** PEM of further certificate authorities */
  readonly ca?: string
  /** how names become addresses; the system's way unless given */
  readonly lookup?: LookupFunction
}

export interface OpenResponse {
  readonly response: IncomingMessage
  /** where the bytes come from in the end */
  readonly url: URL
}

/** RFC 9110 section 15.4; 300, 304, 305 and 306 do not lead anywhere. */
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]

/** TLS is slow to load on a small core: only who needs it pays for it. */
const requestFunction = async (protocol: string): Promise<typeof requestHttp> =>
  protocol === 'https:' ? (await import('node:https')).request : requestHttp

async function send(url: URL, { headers, signal, ca, lookup }: RequestSettings): Promise<IncomingMessage> {
  const request = await requestFunction(url.protocol)
  const options: RequestOptions & { ca?: string } = {
    headers: { ...headers, 'accept-encoding': 'identity', 'user-agent': 'fauxboot' },
    signal,
    // A connection of its own for each request: what a stalled one still sends can reach no other.
    agent: false,
    lookup,
    ca,
  }
  return new Promise((resolve, reject) => {
    // Errors after the response are the response's own; this handler then settles nothing more.
    request(url, options, resolve)
      .on('error', thrown => reject(explainClock(thrown, url)))
      .end()
  })
}

/**
 * Send a GET and follow redirects. The caller must read or destroy the body of the response.
 *
 * @throws FETCH_PROTOCOL, FETCH_REDIRECTS, FETCH_CLOCK, FETCH_STATUS for a redirect without a target; other errors of Node's
 *   http as they are
 */
export async function openUrl(start: URL, settings: RequestSettings): Promise<OpenResponse> {
  let url = start
  for (let redirects = 0; redirects <= settings.maxRedirects; redirects++) {
    const response = await unlessAborted(send(url, settings), settings.signal)
    const status = response.statusCode ?? 0
    if (!REDIRECTS.includes(status)) return { response, url }
    response.destroy()
    const { location } = response.headers
    if (location === undefined) {
      throw fault('FETCH_STATUS', { url: shownUrl(url), status, reason: 'without saying where to go (no Location)' })
    }
    url = parseFetchUrl(location, url)
  }
  throw fault('FETCH_REDIRECTS', { url: shownUrl(start), limit: settings.maxRedirects })
}
