/** A file over HTTP as the tests of the transfer fetch it, and what may go wrong with it. */

import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { FauxbootError } from '../../../../../agent/errors.js'
import type { FetchOptions } from '../../../../../agent/transfer/http/fetch.js'
import { patternBytes } from '../fixture.js'
import { key } from './certificate.js'

export const FILE = patternBytes(300_000)
export const AT_ONCE: FetchOptions = { limit: 1_000_000, backoff: () => 0, stallSeconds: 20 }
export const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(code, headers).end('words that are not the file')
  }
/** Serve over TLS on a free port of loopback. */
export async function serveTls(
  t: Test,
  cert: string,
  listener: RequestListener,
): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer({ key, cert }, listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, server }
}

export const failure = async (promise: Promise<unknown>): Promise<FauxbootError> => {
  const thrown = await promise.then(
    () => null,
    error => error,
  )
  if (thrown instanceof FauxbootError) return thrown
  throw new Error(`expected one of our errors, found ${String(thrown)}`)
}
