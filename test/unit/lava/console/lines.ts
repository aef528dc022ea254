/** The other end of a console, for tests. */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

/** Serve every connection on loopback until the test ends. */
export async function listen(
  t: Test,
  serve: (socket: Socket) => void,
): Promise<{ readonly port: number; readonly first: Promise<Socket> }> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    // A client that goes away is what some tests are about.
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  const first = once(server, 'connection').then(([socket]) => socket as Socket)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, first }
}

/** Reads so many bytes of a console or a socket at a time; fewer at its end. Latin1. */
export class Reader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#chunks = input[Symbol.asyncIterator]()
  }

  async read(count: number): Promise<string> {
    while (this.#rest.length < count) {
      const { value, done } = await this.#chunks.next()
      if (done) break
      this.#rest = Buffer.concat([this.#rest, value])
    }
    const bytes = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(count)
    return bytes.toString('latin1')
  }
}
