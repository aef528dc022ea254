/** A console over a stream of Node's: a socket, a serial port. */

import { type Duplex, Transform } from 'node:stream'
import { fault } from '../../agent/errors.js'
import { unlessAborted } from '../../agent/transfer/abort.js'
import type { ConsoleLine } from './console-line.js'

/** Converts between the bytes of the stream and those of the board. */
export interface ConsoleCodec {
  /** the board's bytes in the input */
  receive(bytes: Uint8Array): Uint8Array
  /** bytes for the board as they are sent */
  quote(bytes: Uint8Array): Uint8Array
}

/** Bytes as they are. */
const PLAIN: ConsoleCodec = { receive: bytes => bytes, quote: bytes => bytes }

/** Seconds after which a line that takes no bytes is given up. */
const WRITE_SECONDS = 30

/** Plain words for errors of connections and devices. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'no route to the host',
  ENOTFOUND: 'no such host',
  ETIMEDOUT: 'no answer',
  EPIPE: 'the other end has closed it',
}

/** The reason for a stream's failure, in plain words. */
export function streamReason(error: NodeJS.ErrnoException): string {
  // A host with two addresses fails with an AggregateError, whose message is empty.
  return REASONS[error.code ?? ''] ?? (error.message || error.code || 'it failed')
}

export class StreamConsole implements ConsoleLine {
  readonly name: string
  readonly input: AsyncIterable<Uint8Array>
  readonly ended: Promise<string>
  readonly #stream: Duplex
  readonly #codec: ConsoleCodec
  readonly #shut: () => void

  /**
   * @param name what {@link ConsoleLine.name} is
   * @param stream open; read from now on, up to what a stream buffers
   * @param shut closes it; `destroy` of the stream by default
   */
  constructor(name: string, stream: Duplex, codec = PLAIN, shut = (): void => void stream.destroy()) {
    this.name = name
    this.#stream = stream
    this.#codec = codec
    this.#shut = shut
    let reason = 'the other end has closed it'
    const board = new Transform({
      transform: (chunk: Uint8Array, _encoding, done) => done(null, codec.receive(chunk)),
    })
    stream.on('error', error => {
      reason = streamReason(error)
      stream.destroy()
    })
    this.ended = new Promise(resolve => {
      stream.once('close', (error?: unknown) => {
        board.end()
        // A serial port reports here why it is gone.
        resolve(error instanceof Error ? streamReason(error) : reason)
      })
    })
    this.input = stream.pipe(board)
  }

  async write(bytes: Uint8Array): Promise<void> {
    const gone = (reason: string) => fault('CONSOLE_GONE', { console: this.name, reason })
    const written = new Promise<void>((resolve, reject) => {
      this.#stream.write(this.#codec.quote(bytes), error => {
        if (error) reject(gone(streamReason(error)))
        else resolve()
      })
    })
    const closed = this.ended.then(reason => Promise.reject(gone(reason)))
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(gone(`it accepted nothing for ${WRITE_SECONDS} s`)), WRITE_SECONDS * 1000)
    try {
      await unlessAborted(Promise.race([written, closed]), late.signal)
    } finally {
      clearTimeout(timer)
    }
  }

  async close(): Promise<void> {
    if (!this.#stream.closed) this.#shut()
    await this.ended
  }
}
