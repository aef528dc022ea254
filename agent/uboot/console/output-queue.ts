/**
 * Bytes on their way into a stream. They go in pieces, so that it is known how many are left: senders wait while many
 * are, and a stream that takes none holds a bounded amount. Bytes are text, as latin1.
 */

import type { Writable } from 'node:stream'

/** Bytes of one write: 4 s at 9600 baud. */
const PIECE = 4096
/** Bytes that may wait before their sender should. They are still sent after ^C, for 0.4 s at 115200 baud. */
const HIGH_WATER = 4096
/** Bytes that may wait for a stream that takes none. */
export const MOST_WAITING = 1024 * 1024
/** Milliseconds without progress, after which senders no longer wait for a stream. */
const STALL_MS = 10_000

export interface OutputQueueOptions {
  /** Give the system what it takes without waiting. @returns bytes; the stream writes the others. Default: none */
  readonly writeNow?: (bytes: string) => number
  /** called after a piece has reached the system */
  readonly sent: () => void
  /** {@link MOST_WAITING} bytes wait for a stream that takes none; default: they are forgotten */
  readonly overflow?: () => void
  /** default 10 s */
  readonly stallMs?: number
}

/** A promise that several wait for, and what resolves it. */
interface Bell {
  readonly rung: Promise<void>
  ring(): void
}

function newBell(): Bell {
  let ring = (): void => undefined
  const rung = new Promise<void>(resolve => {
    ring = resolve
  })
  return { rung, ring }
}

export class OutputQueue {
  readonly #output: Writable
  readonly #options: OutputQueueOptions
  #pieces: string[] = []
  /** bytes of the pieces, and of the one that is being written */
  #size = 0
  /** bytes of the piece that is being written */
  #writing = 0
  #stalled = false
  #timer: NodeJS.Timeout | undefined
  #room: Bell | null = null
  #empty: Bell | null = null

  constructor(output: Writable, options: OutputQueueOptions) {
    this.#output = output
    this.#options = options
    output.once('close', () => this.#forget())
  }

  /** Bytes that have not reached the system yet. */
  get size(): number {
    return this.#size
  }

  /** Send bytes after all others. A stream that has ended takes none. */
  push(bytes: string): void {
    if (!this.#output.writable) return
    this.#checkOverflow()
    const last = this.#pieces.at(-1) ?? ''
    const text = last.length < PIECE ? last + bytes : bytes
    if (text !== bytes) this.#pieces.pop()
    for (let at = 0; at < text.length; at += PIECE) this.#pieces.push(text.slice(at, at + PIECE))
    this.#size += bytes.length
    this.#next()
  }

  /** Null when more may be sent; otherwise resolves when it may, or when the stream has stalled. */
  room(): Promise<void> | null {
    if (this.#size <= HIGH_WATER || this.#stalled) return null
    this.#room ??= newBell()
    return this.#room.rung
  }

  /** Resolves when everything has reached the system, or the stream has ended. */
  async empty(): Promise<void> {
    if (this.#size === 0) return
    this.#empty ??= newBell()
    await this.#empty.rung
  }

  /** Leave the rest to the stream, which ends. */
  end(): void {
    if (this.#output.writable) this.#output.end(this.#pieces.splice(0).join(''), 'latin1', () => this.#forget())
  }

  #next(): void {
    while (this.#writing === 0) {
      const piece = this.#pieces.shift()
      if (piece === undefined) return
      const taken = this.#options.writeNow?.(piece) ?? 0
      if (taken > 0) this.#left(taken)
      if (taken < piece.length) this.#write(piece.slice(taken))
    }
  }

  /** Bytes have reached the system. */
  #left(bytes: number): void {
    this.#size -= bytes
    this.#options.sent()
    this.#report()
  }

  #write(piece: string): void {
    this.#writing = piece.length
    this.#output.write(piece, 'latin1', error => {
      clearTimeout(this.#timer)
      this.#writing = 0
      this.#stalled = false
      // The stream closes then.
      if (error) return
      this.#left(piece.length)
      if (this.#output.writable) this.#next()
    })
    // Most pieces are written by now, though the stream says so later, and starting a timer takes longer than that.
    if (this.#output.writableLength > 0) {
      this.#timer = setTimeout(() => this.#stall(), this.#options.stallMs ?? STALL_MS)
    }
  }

  #report(): void {
    if (this.#size <= HIGH_WATER || this.#stalled) {
      this.#room?.ring()
      this.#room = null
    }
    if (this.#size > 0) return
    this.#empty?.ring()
    this.#empty = null
  }

  #stall(): void {
    this.#stalled = true
    this.#checkOverflow()
    this.#report()
  }

  #checkOverflow(): void {
    if (!this.#stalled || this.#size <= MOST_WAITING) return
    this.#pieces = []
    this.#size = this.#writing
    this.#options.overflow?.()
  }

  #forget(): void {
    clearTimeout(this.#timer)
    this.#pieces = []
    this.#size = 0
    this.#report()
  }
}
