/** Waiting for a web server that is not there yet. */

import { setTimeout as delay } from 'node:timers/promises'

/** How long one request may stay unanswered: an emulated board can be slow to answer its first, milliseconds. */
const REQUEST_TIMEOUT_MS = 10_000

/** Between one request and the next, whether or not there was an answer, milliseconds. */
const REQUEST_INTERVAL_MS = 250

/** Requests that may wait for an answer at the same time: the links of emulated boards choke on more. */
const REQUESTS = 4

/**
 * Ask until there is a good answer. Requests overlap: an emulator's network accepts a connection before the board
 * does, and loses what it sends until then, so that a request can hang while the next is answered at once.
 *
 * @param url asked with GET
 * @param signal ends the waiting
 * @returns true when the server has answered with a 2xx status, false when the signal came first
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
      // Refused, reset or too late: the next request tells.
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
