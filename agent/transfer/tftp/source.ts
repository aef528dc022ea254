/** Where the blocks of a file that is sent come from. */

/** A file that is read once, from its start to its end. */
export interface TftpSource {
  /** The next bytes: exactly `length`, or fewer only at the end of the file. Its error ends the transfer. */
  next(length: number): Uint8Array | Promise<Uint8Array>
}

/** Chunks of any size, cut into blocks. */
class PiecesSource implements TftpSource {
  readonly #pieces: Iterator<Uint8Array>
  #left: Uint8Array = new Uint8Array()

  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.iterator]()
  }

  next(length: number): Uint8Array {
    const parts: Uint8Array[] = []
    let missing = length
    while (missing > 0) {
      if (this.#left.length === 0) {
        const { done, value } = this.#pieces.next()
        if (done === true) break
        this.#left = value
      }
      const part = this.#left.subarray(0, missing)
      this.#left = this.#left.subarray(part.length)
      missing -= part.length
      parts.push(part)
    }
    const [only] = parts
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
  }
}

/** @param pieces chunks of any size, read on demand */
export const sourceOf = (pieces: Iterable<Uint8Array>): TftpSource => new PiecesSource(pieces)
