/** XDR, in which ONC RPC speaks: big-endian words of four bytes, and bytes padded to them (RFC 4506). */

import { fault } from '../errors.js'

const WORD = 4
const HIGH = 0x1_0000_0000

/** Bytes behind a string of bytes, to the next word (RFC 4506 section 4.10). */
const padding = (length: number): number => (WORD - (length % WORD)) % WORD

export class XdrWriter {
  readonly #parts: Uint8Array[] = []

  /** A word: section 4.2. */
  uint(value: number): this {
    const word = Buffer.alloc(WORD)
    word.writeUInt32BE(value)
    this.#parts.push(word)
    return this
  }

  /** Two words: section 4.5. */
  hyper(value: number): this {
    return this.uint(Math.floor(value / HIGH)).uint(value % HIGH)
  }

  /** Bytes with their number before them: section 4.10. */
  opaque(bytes: Uint8Array): this {
    this.uint(bytes.length)
    this.#parts.push(bytes, Buffer.alloc(padding(bytes.length)))
    return this
  }

  /** Text as latin1: a byte a character. */
  string(text: string): this {
    return this.opaque(Buffer.from(text, 'latin1'))
  }

  /** What was encoded elsewhere: whole words. */
  encoded(bytes: Uint8Array): this {
    this.#parts.push(bytes)
    return this
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

/** Reads what came from outside: nothing in it is believed before it is there. */
export class XdrReader {
  readonly #bytes: Buffer
  readonly #what: string
  #at = 0

  /** @param what is read, for messages */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#what = what
  }

  /** @throws NFS_PROTOCOL when it is not there; so do all that read */
  uint(): number {
    return this.#take(WORD).readUInt32BE()
  }

  bool(): boolean {
    return this.uint() !== 0
  }

  /** A number of two words, which must be a safe integer. */
  hyper(): number {
    const value = this.uint() * HIGH + this.uint()
    if (!Number.isSafeInteger(value)) throw this.#broken(`a number in it is as large as ${value}`)
    return value
  }

  /** Bytes with their number before them; not a copy. @param limit bytes that there may be */
  opaque(limit: number): Buffer {
    const length = this.uint()
    if (length > limit) throw this.#broken(`${length} bytes are in it where ${limit} may be`)
    const bytes = this.#take(length)
    this.#take(padding(length))
    return bytes
  }

  skip(bytes: number): void {
    this.#take(bytes)
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw this.#broken(`it ends after ${this.#bytes.length} bytes`)
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  #broken(reason: string) {
    return fault('NFS_PROTOCOL', { what: this.#what, reason: `the reply makes no sense: ${reason}` })
  }
}
