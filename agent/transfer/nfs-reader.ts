/** The bytes of a file: several READ calls in flight, in order to the sink, smaller ones where a path loses large ones. */

import { fault } from '../errors.js'
import type { RpcExchange } from './nfs-exchange.js'
import { type NfsData, readCall, readData, readStatus } from './nfs-procedures.js'
import { ReadSize } from './nfs-read-size.js'
import type { RpcReply } from './nfs-rpc.js'

/** Takes the bytes of a file in order. While a promise that it returns is pending, no more is asked for than is in flight. */
export type NfsSink = (chunk: Uint8Array) => void | Promise<void>

export interface NfsReadOptions {
  readonly exchange: RpcExchange
  /** UDP port of the server */
  readonly port: number
  readonly handle: Uint8Array
  /** bytes of the file */
  readonly size: number
  readonly sink: NfsSink
  /** for messages */
  readonly what: string
}

const MOST_IN_FLIGHT = 16
/** Bytes that were asked for and not taken yet, at most. */
const WINDOW = 256 << 10

interface Range {
  readonly offset: number
  readonly length: number
}

export class NfsReading {
  readonly #options: NfsReadOptions
  /** what is to be asked for, in order */
  #wanted: Range[]
  /** what came before its turn, by offset */
  readonly #early = new Map<number, Uint8Array>()
  #inFlight = 0
  readonly #size = new ReadSize()
  #taken = 0
  #taking = false
  /** it has failed: the sink is not called any more */
  #over = false
  #settle: { resolve(): void; reject(error: unknown): void } = { resolve() {}, reject() {} }

  constructor(options: NfsReadOptions) {
    this.#options = options
    this.#wanted = options.size === 0 ? [] : [{ offset: 0, length: options.size }]
  }

  /** bytes that the sink has taken */
  get taken(): number {
    return this.#taken
  }

  /**
   * Read the file to its end.
   *
   * @throws NFS_READ, NFS_PROTOCOL; what the sink throws; what the exchange failed with
   */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      if (this.#options.size === 0) resolve()
      else this.#ask()
    })
  }

  /** Replies that fit the buffer of our port: the system counts up to twice their bytes. */
  get #most(): number {
    const bytes = Math.min(WINDOW, this.#options.exchange.bufferBytes / 4)
    return Math.max(1, Math.min(MOST_IN_FLIGHT, Math.floor(bytes / this.#size.bytes)))
  }

  #ask(): void {
    while (!this.#taking && this.#inFlight < this.#most) {
      const [first, ...rest] = this.#wanted
      if (first === undefined || first.offset >= this.#taken + WINDOW) return
      const length = Math.min(this.#size.bytes, first.length)
      const left = { offset: first.offset + length, length: first.length - length }
      this.#wanted = left.length > 0 ? [left, ...rest] : rest
      this.#read({ offset: first.offset, length })
    }
  }

  #read(range: Range): void {
    const { exchange, port, handle } = this.#options
    let again = true
    this.#inFlight++
    exchange.send(port, readCall(handle, range.offset, range.length), {
      answered: reply => {
        this.#inFlight--
        this.#arrived(range, this.#dataOf(reply, range.length))
      },
      silent: () => {
        if (again) {
          again = false
          return true
        }
        this.#inFlight--
        this.#size.lost(range.length)
        this.#want(range)
        this.#ask()
        return false
      },
      failed: error => this.#fail(error),
    })
  }

  #dataOf(reply: RpcReply, length: number): NfsData {
    const { what } = this.#options
    if ('refused' in reply) throw fault('NFS_READ', { what, reason: reply.refused })
    const refused = readStatus(reply.results)
    if (refused !== null) throw fault('NFS_READ', { what, reason: refused })
    return readData(reply.results, length)
  }

  #arrived({ offset, length }: Range, { bytes, endOfFile }: NfsData): void {
    const { what, size } = this.#options
    const end = offset + bytes.length
    if (bytes.length === 0 || (endOfFile && end < size)) {
      throw fault('NFS_READ', { what, reason: `it ends after ${end} bytes, and was said to have ${size}` })
    }
    this.#size.answered(bytes.length)
    if (bytes.length < length) {
      // The server gives no more at once.
      this.#size.limitTo(bytes.length)
      this.#want({ offset: end, length: length - bytes.length })
    }
    this.#early.set(offset, bytes)
    this.#deliver()
    this.#ask()
  }

  #want(range: Range): void {
    this.#wanted = [...this.#wanted, range].sort((a, b) => a.offset - b.offset)
  }

  /** Give the sink what is next, as far as it is here. */
  #deliver(): void {
    while (!this.#taking) {
      const chunk = this.#early.get(this.#taken)
      if (chunk === undefined) return
      this.#early.delete(this.#taken)
      const taking = this.#options.sink(chunk)
      if (taking === undefined) this.#took(chunk)
      else this.#wait(taking, chunk)
    }
  }

  #took(chunk: Uint8Array): void {
    this.#taken += chunk.length
    if (this.#taken === this.#options.size) this.#settle.resolve()
  }

  /** The sink is busy: nothing more is asked for. */
  #wait(taking: Promise<void>, chunk: Uint8Array): void {
    this.#taking = true
    taking
      .then(() => {
        if (this.#over) return
        this.#taking = false
        this.#took(chunk)
        this.#deliver()
        this.#ask()
      })
      .catch(error => this.#fail(error))
  }

  #fail(error: unknown): void {
    this.#over = true
    this.#settle.reject(error)
  }
}
