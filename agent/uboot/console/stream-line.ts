/** Lines over Node's streams: terminals, sockets. */

import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { SerialDamage } from '../../boot/board/serial-damage.js'
import type { ConsoleLine } from './console-line.js'
import { MOST_WAITING, OutputQueue } from './output-queue.js'
import { TelnetFilter } from './telnet.js'

export interface StreamLineOptions {
  /** what of received bytes is meant for the console */
  readonly received?: (bytes: string) => string
  /** how bytes are sent */
  readonly sent?: (bytes: string) => string
  /** see {@link OutputQueue} */
  readonly writeNow?: (bytes: string) => number
  /** resolves when what the stream has written has left the machine */
  readonly drain?: () => Promise<void>
  /** see {@link ConsoleLine.damage}; default: the line counts none */
  readonly damage?: () => Promise<SerialDamage | null>
  /** restores the terminal */
  readonly restore?: () => void
  /** close a line that takes no output once {@link MOST_WAITING} bytes wait for it; default: forget these bytes */
  readonly closeStalled?: boolean
  /** see {@link ConsoleLine.interruptsAtEnd} */
  readonly interruptsAtEnd?: boolean
  /** milliseconds without progress after which it takes no output; see {@link OutputQueue} */
  readonly stallMs?: number
}

export class StreamLine implements ConsoleLine {
  readonly name: string
  readonly ended: Promise<void>
  readonly interruptsAtEnd: boolean
  readonly #input: Readable
  readonly #output: Writable
  readonly #queue: OutputQueue
  readonly #options: StreamLineOptions
  #hasSent = false

  constructor(name: string, input: Readable, output: Writable, options: StreamLineOptions = {}) {
    this.name = name
    this.#input = input
    this.#output = output
    this.#options = options
    this.interruptsAtEnd = options.interruptsAtEnd === true
    input.setEncoding('latin1')
    // A connection that is reset ends like one that is closed, and so does one that takes no output any more.
    input.on('error', () => input.destroy())
    output.on('error', () => {
      output.destroy()
      input.destroy()
    })
    input.once('end', () => input.destroy())
    this.#queue = new OutputQueue(output, {
      writeNow: options.writeNow,
      sent: () => {
        this.#hasSent = true
      },
      overflow: () => {
        if (options.closeStalled === true) input.destroy()
      },
      stallMs: options.stallMs,
    })
    // Not `once` of node:events, which rejects for an error.
    this.ended = new Promise(resolve => input.once('close', () => resolve()))
  }

  receive(listener: (bytes: string) => boolean): void {
    this.#input.on('data', (bytes: string) => {
      const meant = this.#options.received?.(bytes) ?? bytes
      if (meant !== '' && !listener(meant)) this.#input.pause()
      this.#pauseUntilSent()
    })
  }

  /** Input that is answered before anybody reads it (telnet's commands) must not bring more answers than the line sends. */
  #pauseUntilSent(): void {
    const room = this.#queue.size > MOST_WAITING ? this.#queue.room() : null
    if (room === null) return
    this.#input.pause()
    void room.then(() => this.#input.resume())
  }

  resume(): void {
    this.#input.resume()
  }

  /** Something that was sent has reached the system, so a reader may have seen it. */
  get hasSent(): boolean {
    return this.#hasSent
  }

  send(bytes: string): void {
    this.sendRaw(this.#options.sent?.(bytes) ?? bytes)
  }

  /** Send bytes as they are, after all that was sent before. */
  sendRaw(bytes: string): void {
    this.#queue.push(bytes)
  }

  async damage(): Promise<SerialDamage | null> {
    return (await this.#options.damage?.()) ?? null
  }

  room(): Promise<void> | null {
    return this.#queue.room()
  }

  async drained(): Promise<void> {
    await this.#queue.empty()
    if (this.#output.writable) await this.#options.drain?.()
  }

  close(): void {
    this.#options.restore?.()
    this.#input.destroy()
    this.#queue.end()
  }
}

/** A telnet connection (RFC 854). A client that speaks no telnet sees six strange bytes at first, and is served. */
export function telnetLine(socket: Socket, options: Pick<StreamLineOptions, 'stallMs'> = {}): ConsoleLine {
  const filter: TelnetFilter = new TelnetFilter(bytes => line.sendRaw(bytes))
  const line: StreamLine = new StreamLine(`tcp ${socket.remoteAddress}:${socket.remotePort}`, socket, socket, {
    received: bytes => filter.receive(bytes),
    sent: TelnetFilter.quote,
    closeStalled: true,
    interruptsAtEnd: true,
    ...options,
  })
  socket.setNoDelay(true)
  line.sendRaw(TelnetFilter.greeting)
  return line
}
