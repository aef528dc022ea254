/** Bits of a bzip2 stream, the most significant first; the end of the input is an error. */

/** Why the data cannot be decoded, and at which byte. */
export class Bzip2Error extends Error {
  readonly offset: number

  constructor(reason: string, offset: number) {
    super(reason)
    this.offset = offset
  }
}

export class BitReader {
  readonly #bytes: Uint8Array
  /** next byte */
  #at: number
  /** bits read ahead, in the low end of `#ahead` */
  #count = 0
  #ahead = 0

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes
    this.#at = offset
  }

  /** Up to 24 bits. */
  bits(count: number): number {
    const value = this.peek(count)
    this.skip(count)
    return value
  }

  /** The next bits without taking them, up to 24; zeros stand behind the end of the data. */
  peek(count: number): number {
    while (this.#count < count) {
      this.#ahead = ((this.#ahead << 8) | (this.#bytes[this.#at] ?? 0)) >>> 0
      this.#at++
      this.#count += 8
    }
    return (this.#ahead >>> (this.#count - count)) & ((1 << count) - 1)
  }

  /** Take bits that were peeked at. */
  skip(count: number): void {
    this.#count -= count
    if (this.offset > this.#bytes.length) throw new Bzip2Error('the data ends too early', this.#bytes.length)
  }

  /** 32 bits. */
  word(): number {
    return ((this.bits(16) << 16) | this.bits(16)) >>> 0
  }

  /** Bytes taken so far, the one that was begun included. */
  get offset(): number {
    return this.#at - (this.#count >>> 3)
  }

  /** The error at this place; the caller throws it. */
  corrupt(reason: string): Bzip2Error {
    return new Bzip2Error(reason, this.offset)
  }
}
