/** Servers that misbehave on purpose, and a sink that remembers. */

import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { Sink } from '../../../../agent/transfer/sink.js'

/** Bytes that differ everywhere, so that a part in the wrong place is seen. */
export function patternBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff
    bytes[i] = state >> 16
  }
  return bytes
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export class MemorySink implements Sink {
  chunks: Uint8Array[] = []
  resets = 0

  async write(chunk: Uint8Array): Promise<void> {
    this.chunks.push(chunk)
  }

  async reset(): Promise<void> {
    this.chunks = []
    this.resets++
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

/** Start a server for the time of a test. @returns its origin, `http://127.0.0.1:PORT` */
export async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The listener of each request in turn; the last one answers all further requests. */
export function inTurn(...listeners: RequestListener[]): RequestListener & { requests: IncomingMessage[] } {
  const requests: IncomingMessage[] = []
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const listener = listeners[Math.min(requests.length, listeners.length - 1)]
    requests.push(request)
    listener?.(request, response)
  }
  return Object.assign(answer, { requests })
}

/** Announce a whole file, send its first bytes, and break the connection off. */
export const breakOff =
  (file: Uint8Array, after: number, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { 'content-length': file.length, ...headers })
    response.write(file.subarray(0, after), () => setImmediate(() => response.destroy()))
  }

/** A proper file server: Range and If-Range are honoured. */
export const wholeFile =
  (file: Uint8Array, headers: Record<string, string> = {}): RequestListener =>
  (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? Number.NaN)
    const condition = request.headers['if-range']
    if (Number.isNaN(start) || (condition !== headers.etag && condition !== headers['last-modified'])) {
      response.writeHead(200, { 'content-length': file.length, ...headers }).end(file)
      return
    }
    if (start >= file.length) {
      response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end()
      return
    }
    const range = `bytes ${start}-${file.length - 1}/${file.length}`
    response
      .writeHead(206, { 'content-length': file.length - start, 'content-range': range, ...headers })
      .end(file.subarray(start))
  }
