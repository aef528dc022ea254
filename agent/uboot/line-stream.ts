/** Lines over Node's streams: terminals, sockets. */

import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { Line } from './line.js'

/** What stands between the stream and the console, in both directions: telnet's options. */
export interface LineFilter {
  /** what of these bytes is meant for the console; answers of the protocol itself are sent by `reply` */
  received(bytes: Uint8Array, reply: (bytes: Uint8Array) => void): Uint8Array
  sent(bytes: Uint8Array): Uint8Array
}

const PLAIN: LineFilter = { received: bytes => bytes, sent: bytes => bytes }

export interface StreamLineOptions {
  readonly filter?: LineFilter
  /** resolves when what the stream has written has left the machine */
  readonly drain?: () => Promise<void>
  /** undoes what was done to the terminal */
  readonly restore?: () => void
}

export class StreamLine implements Line {
  readonly name: string
  readonly ended: Promise<void>
  readonly #input: Readable
  readonly #output: Writable
  readonly #options: StreamLineOptions
  readonly #filter: LineFilter

  constructor(name: string, input: Readable, output: Writable, options: StreamLineOptions = {}) {
    this.name = name
    this.#input = input
    this.#output = output
    this.#options = options
    this.#filter = options.filter ?? PLAIN
    // A connection that is reset ends like one that is closed.
    input.on('error', () => input.destroy())
    output.on('error', () => output.destroy())
    this.ended = once(input, 'close').then(() => undefined)
    input.once('end', () => input.destroy())
  }

  receive(listener: (bytes: Uint8Array) => void): void {
    const reply = (bytes: Uint8Array): void => this.#write(bytes)
    this.#input.on('data', (bytes: Buffer) => {
      const meant = this.#filter.received(bytes, reply)
      if (meant.length > 0) listener(meant)
    })
  }

  send(bytes: Uint8Array): void {
    this.#write(this.#filter.sent(bytes))
  }

  #write(bytes: Uint8Array): void {
    if (this.#output.writable && bytes.length > 0) this.#output.write(bytes)
  }

  async drained(): Promise<void> {
    if (this.#output.writable) await new Promise<void>(resolve => this.#output.write('', () => resolve()))
    await this.#options.drain?.()
  }

  close(): void {
    this.#options.restore?.()
    this.#input.destroy()
    this.#output.end()
  }
}
