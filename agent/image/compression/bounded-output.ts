/**
 * The output of decompressors: one buffer that grows up to a limit, or pieces that go to a sink, and yields to the event
 * loop in between.
 */

import { fault } from '../../errors.js'
import { yieldToEventLoop } from '../../event-loop.js'

const FIRST_CAPACITY = 0x1_0000
/** Bytes of output between two yields: some 50 ms on the slowest boards. */
export const BYTES_PER_SLICE = 0x10_0000

/** Takes output that no decoder needs any more. The next piece comes after the promise has resolved. */
export type OutputSink = (bytes: Uint8Array) => Promise<void>

/**
 * Collects decompressed bytes. The buffer doubles as it fills, so that a small file that claims to be large costs
 * nothing, and it never holds much more than `limit` bytes.
 */
export class BoundedOutput {
  /** Decoders that copy from earlier output use the buffer itself; `reserve` may replace it. */
  buffer: Uint8Array
  /** bytes in the buffer: all that were written, but for those that the sink has */
  size = 0
  readonly what: string
  readonly limit: number
  readonly signal: AbortSignal | undefined
  readonly #sink: OutputSink | undefined
  /** bytes that the sink has */
  #gone = 0
  #nextYield = BYTES_PER_SLICE

  /**
   * @param what name of the compressed file, for errors
   * @param limit bytes
   * @param sink takes the output whenever the decoder yields, some MiB at a time; without it all is collected
   */
  constructor(what: string, limit: number, signal?: AbortSignal, sink?: OutputSink) {
    this.#sink = sink
    this.what = what
    this.limit = limit
    this.signal = signal
    this.buffer = new Uint8Array(Math.min(FIRST_CAPACITY, limit))
  }

  /** The error for output beyond the limit; the caller throws it. */
  tooLarge() {
    return fault('FORMAT_TOO_LARGE', { what: this.what, limit: this.limit })
  }

  /** All bytes that were written. */
  get total(): number {
    return this.#gone + this.size
  }

  /** Whether the output goes to a sink, so that little of it should be in memory at a time. */
  get streams(): boolean {
    return this.#sink !== undefined
  }

  /** Bytes that the limit leaves. */
  get room(): number {
    return this.limit - this.total
  }

  /** Make room at once for bytes that will follow, unless they go to the sink. @throws FORMAT_TOO_LARGE */
  expect(bytes: number): void {
    if (this.#sink === undefined) this.reserve(bytes)
    else this.check(bytes)
  }

  /**
   * Refuse output beyond the limit before it is allocated.
   *
   * @param bytes known to follow
   * @throws FORMAT_TOO_LARGE
   */
  check(bytes: number): void {
    if (bytes > this.room) throw this.tooLarge()
  }

  /**
   * Make sure that `buffer` has room for more bytes.
   *
   * @throws FORMAT_TOO_LARGE
   */
  reserve(bytes: number): void {
    this.check(bytes)
    const needed = this.size + bytes
    if (needed <= this.buffer.length) return
    const grown = new Uint8Array(Math.min(Math.max(needed, this.buffer.length * 2), this.limit))
    grown.set(this.buffer.subarray(0, this.size))
    this.buffer = grown
  }

  /**
   * Append bytes.
   *
   * @throws FORMAT_TOO_LARGE
   */
  push(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.size)
    this.size += bytes.length
  }

  /**
   * Append bytes that the caller gives away: the first ones become the buffer without a copy.
   *
   * @throws FORMAT_TOO_LARGE
   */
  adopt(bytes: Uint8Array): void {
    if (this.size > 0) {
      this.push(bytes)
      return
    }
    this.check(bytes.length)
    this.buffer = bytes
    this.size = bytes.length
  }

  /** Yield to the event loop, and let go of the output, if enough was written since the last time. @throws the reason of the signal */
  async yieldIfDue(): Promise<void> {
    this.signal?.throwIfAborted()
    if (this.size < this.#nextYield) return
    await this.flush()
    this.#nextYield = this.size + BYTES_PER_SLICE
    await yieldToEventLoop(this.signal)
  }

  /** Give the output to the sink, if there is one. */
  async flush(): Promise<void> {
    if (this.#sink === undefined || this.size === 0) return
    const bytes = this.bytes()
    this.#gone += this.size
    this.size = 0
    this.buffer = new Uint8Array(Math.min(FIRST_CAPACITY, this.room))
    await this.#sink(bytes)
  }

  /** All output, as a view of the buffer. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.size)
  }
}
