/** An HTTP server in the lab for jobs that name URLs, with the faults that servers have. */

import { once } from 'node:events'
import { createReadStream, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'

/** This machine, as a board in QEMU's user network sees it. */
const LAB_ADDRESS = '10.0.2.2'

export class FileServer {
  readonly #server: Server
  readonly #files = new Map<string, string | Uint8Array>()
  /** bytes that are promised of a file, and never sent */
  readonly #promised = new Map<string, number>()

  private constructor() {
    this.#server = createServer((request, response) => {
      const name = (request.url ?? '').slice(1)
      const promised = this.#promised.get(name)
      if (promised !== undefined) {
        response.writeHead(200, { 'content-length': promised })
        return void response.write('the first bytes, and then no more')
      }
      const file = this.#files.get(name)
      if (file === undefined) return void response.writeHead(404).end()
      if (typeof file !== 'string') return void response.writeHead(200, { 'content-length': file.length }).end(file)
      response.writeHead(200, { 'content-length': statSync(file).size })
      pipeline(createReadStream(file), response, error => {
        // A board that cancels hangs up; that is its right.
        if (error !== null && error !== undefined) response.destroy()
      })
    })
  }

  static async start(): Promise<FileServer> {
    const server = new FileServer()
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  /** @returns the URL by which a board fetches this file, or these bytes */
  serve(name: string, file: string | Uint8Array): string {
    this.#files.set(name, file)
    return this.urlOf(name)
  }

  /** @returns the URL of a file that is said to have `size` bytes, begins to arrive and never ends */
  promise(name: string, size: number): string {
    this.#promised.set(name, size)
    return this.urlOf(name)
  }

  /** @returns the URL of a file that never ends */
  stall(name: string): string {
    return this.promise(name, 2 ** 20)
  }

  /** The URL of a name, whether it is served or not. */
  urlOf(name: string): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://${LAB_ADDRESS}:${port}/${name}`
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
