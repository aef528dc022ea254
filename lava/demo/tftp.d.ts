/** The part of the package `tftp` 0.1.2 that is used here; it has no types of its own. */

declare module 'tftp' {
  import type { EventEmitter } from 'node:events'
  import type { Writable } from 'node:stream'

  interface ServerOptions {
    /** address to listen on */
    readonly host: string
    readonly port: number
    readonly denyPUT?: boolean
    /** until a packet is sent again, milliseconds */
    readonly timeout?: number
    readonly retries?: number
  }

  interface Transfer extends EventEmitter {
    /** name of the file that is asked for */
    readonly file: string
    /** End it with an ERROR packet. */
    abort(reason: string): void
  }

  interface Response extends Writable {
    /** To be called before anything is written. */
    setSize(bytes: number): void
  }

  interface Server extends EventEmitter {
    listen(): void
    /** Accept no more requests; running transfers continue. */
    close(): void
  }

  const tftp: {
    createServer(options: ServerOptions, listener: (request: Transfer, response: Response) => void): Server
  }
  export default tftp
}
