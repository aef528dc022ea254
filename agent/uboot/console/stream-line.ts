/** Lines over Node's streams: terminals, sockets. */

import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { ConsoleLine } from './console-line.js'
import { TelnetFilter } from './telnet.js'

export interface StreamLineOptions {
  /** what of received bytes is meant for the console */
  readonly received?: (bytes: string) => string
  /** how bytes are sent */
  readonly sent?: (bytes: string) => string
  /** resolves when what the stream has written has left the machine */
  readonly drain?: () => Promise<void>
  /** restores the terminal */
  readonly restore?: () => void
}

export class StreamLine implements ConsoleLine {
  readonly name: string
  readonly ended: Promise<void>
  readonly #input: Readable
  readonly #output: Writable
  readonly #options: StreamLineOptions
  #hasSent = false

  constructor(name: string, input: Readable, output: Writable, options: StreamLineOptions = {}) {
    this.name = name
    this.#input = input
    this.#output = output
    this.#options = options
    input.setEncoding('latin1')
    // A connection that is reset ends like one that is closed, and so does one that takes no output any more.
    input.on('error', () => input.destroy())
    output.on('error', () => {
      output.destroy()
      input.destroy()
    })
    input.once('end', () => input.destroy())
    // Not `once` of node:events, which rejects for an error.
    this.ended = new Promise(resolve => input.once('close', () => resolve()))
  }

  receive(listener: (bytes: string) => boolean): void {
    this.#input.on('data', (bytes: string) => {
      const meant = this.#options.received?.(bytes) ?? bytes
      if (meant !== '' && !listener(meant)) this.#input.pause()
    })
  }

  resume(): void {
    this.#input.resume()
  }

  /** Something that was sent has reached the system: somebody may have seen it. */
  get hasSent(): boolean {
    return this.#hasSent
  }

  send(bytes: string): void {
    if (!this.#output.writable) return
    this.#output.write(this.#options.sent?.(bytes) ?? bytes, 'latin1', error => {
      if (!error) this.#hasSent = true
    })
  }

  async drained(): Promise<void> {
    if (!this.#output.writable) return
    await new Promise<void>(resolve => this.#output.write('', () => resolve()))
    if (this.#output.writable) await this.#options.drain?.()
  }

  close(): void {
    this.#options.restore?.()
    this.#input.destroy()
    this.#output.end()
  }
}

/** A telnet connection (RFC 854). A client that speaks no telnet sees six strange bytes at first, and is served. */
export function telnetLine(socket: Socket): ConsoleLine {
  const filter = new TelnetFilter(bytes => socket.write(bytes, 'latin1'))
  socket.setNoDelay(true)
  socket.write(TelnetFilter.greeting, 'latin1')
  const name = `tcp ${socket.remoteAddress}:${socket.remotePort}`
  return new StreamLine(name, socket, socket, { received: bytes => filter.receive(bytes), sent: TelnetFilter.quote })
}
