/** A server that behaves as badly as a test wants: it stands in for an agent, or for what is in its place. */

import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  /** the connection and the body still to be read */
  readonly message: http.IncomingMessage
}

export type Handler = (request: Request, response: http.ServerResponse) => void | Promise<void>

/** Serve on loopback until the test ends. */
export async function serve(t: Test, handler: Handler): Promise<URL> {
  const server = http.createServer((message, response) => {
    const { method = '', url: path = '', headers } = message
    const handled = async () => handler({ method, path, headers, message }, response)
    handled().catch((error: NodeJS.ErrnoException) => {
      // A client that goes away in the middle of a body is what some tests are about.
      if (error.code !== 'ECONNRESET') throw error
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

/** Answer with JSON. */
export function answer(response: http.ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** Read what a client sends. */
export async function bodyOf({ message }: Request): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** An address on which nobody listens. */
export async function nobody(): Promise<URL> {
  const server = http.createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return new URL(`http://127.0.0.1:${port}`)
}
