/** Reading of exact amounts from a body that comes in chunks of any size. */

import { fault } from '../../../errors.js'
import { unlessAborted } from '../../../transfer/abort.js'

export class ChunkReader {
  readonly #what: string
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #signal: AbortSignal | undefined
  #buffer: Buffer = Buffer.alloc(0)
  #position = 0

  /** @param what the body is, for messages */
  constructor(what: string, source: AsyncIterable<Uint8Array>, signal?: AbortSignal) {
    this.#what = what
    this.#chunks = source[Symbol.asyncIterator]()
    this.#signal = signal
  }

  /** Offset in the body of the next byte. */
  get position(): number {
    return this.#position
  }

  /**
   * Look at the next bytes without consuming them.
   *
   * @param least bytes that are waited for; fewer come at the end of the body only
   * @returns everything that is here; valid until the next call
   */
  async peek(least: number): Promise<Buffer> {
    while (this.#buffer.length < least) {
      const next = await this.#next()
      if (next === null) break
      const chunk = Buffer.from(next.buffer, next.byteOffset, next.length)
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
    }
    return this.#buffer
  }

  /** Take bytes that were looked at. */
  skip(count: number): void {
    this.#buffer = this.#buffer.subarray(count)
    this.#position += count
  }

  /**
   * Take exactly so many bytes.
   *
   * @param expected their name, for the message
   * @throws FORMAT_TRUNCATED
   */
  async exactly(count: number, expected: string): Promise<Buffer> {
    const bytes = (await this.peek(count)).subarray(0, count)
    if (bytes.length < count) throw this.#truncated(`${count} bytes of ${expected}`, `${bytes.length}`)
    this.skip(count)
    return bytes
  }

  async #next(): Promise<Uint8Array | null> {
    try {
      const { value, done } = await unlessAborted(this.#chunks.next(), this.#signal)
      return done === true ? null : value
    } catch (thrown) {
      this.#signal?.throwIfAborted()
      const reason = thrown instanceof Error ? thrown.message : String(thrown)
      throw this.#truncated('more', `the end of the connection: ${reason}`)
    }
  }

  #truncated(expected: string, found: string) {
    return fault('FORMAT_TRUNCATED', { what: this.#what, where: `0x${this.#position.toString(16)}`, expected, found })
  }
}
