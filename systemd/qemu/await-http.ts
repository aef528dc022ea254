/** Waits until a web server answers. */

import { setTimeout as delay } from 'node:timers/promises'

/** Time limit of one request, milliseconds: an emulated board can be slow to answer its first. */
const REQUEST_TIMEOUT_MS = 10_000

/** Time between the starts of two requests, milliseconds. */
const REQUEST_INTERVAL_MS = 250

/** Requests in flight at the same time: more of them congest the link of an emulated board. */
const REQUESTS = 4

/**
 * Send requests until one succeeds. Requests overlap: an emulator's network accepts a connection before the board does and
 * loses what arrives until then, so one request can hang while the board answers the next at once.
 *
 * @param url for a GET request
 * @param signal stops waiting
 * @returns true when the server has answered with a 2xx status; false if the signal came first
 */
export async function awaitHttp(url: string, signal: AbortSignal): Promise<boolean> {
  const done = new AbortController()
  const any = AbortSignal.any([signal, done.signal])
  const ask = async (): Promise<void> => {
    try {
      const answer = await fetch(url, {
        signal: AbortSignal.any([any, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
        headers: { connection: 'close' },
      })
      await answer.arrayBuffer()
      if (answer.ok) done.abort()
    } catch {
      // Refused, reset or too late: try again with the next request.
    }
  }
  const requests = new Set<Promise<void>>()
  while (!any.aborted) {
    if (requests.size < REQUESTS) {
      const request = ask().finally(() => requests.delete(request))
      requests.add(request)
    }
    await delay(REQUEST_INTERVAL_MS, undefined, { signal: any }).catch(() => undefined)
  }
  await Promise.all(requests)
  return done.signal.aborted
}
