/** How much is asked for at once: less where large replies are lost, more again where they are not. */

/** Bytes of a READ at first: what servers take over UDP, in IP fragments. */
const LARGEST_READ = 32 << 10
/** Bytes of a READ whose reply fits one frame of Ethernet; U-Boot asks for as many. */
const SMALLEST_READ = 1 << 10
/** Replies in a row after which larger reads are tried; twice as many each time that they were lost. */
const REPLIES_TO_GROW = 32
const MOST_REPLIES_TO_GROW = 8192

export class ReadSize {
  #bytes = LARGEST_READ
  #largestAnswered = 0
  /** bytes that the server gives at once */
  #limit = LARGEST_READ
  #replies = 0
  #repliesToGrow = REPLIES_TO_GROW

  get bytes(): number {
    return this.#bytes
  }

  /** The server gave no more than this although there is more. */
  limitTo(bytes: number): void {
    this.#limit = Math.min(this.#limit, bytes)
    this.#bytes = Math.min(this.#bytes, this.#limit)
  }

  answered(bytes: number): void {
    this.#largestAnswered = Math.max(this.#largestAnswered, bytes)
    if (bytes < this.#bytes || ++this.#replies < this.#repliesToGrow) return
    this.#replies = 0
    this.#bytes = Math.min(this.#limit, this.#bytes * 2)
  }

  /** A reply that is many fragments is lost with any of them. Reads of the same size tell the same news only once. */
  lost(bytes: number): void {
    if (bytes !== this.#bytes) return
    this.#replies = 0
    this.#repliesToGrow = Math.min(MOST_REPLIES_TO_GROW, this.#repliesToGrow * 2)
    // Where no large reply ever came, the path may have no room for fragments at all.
    const smaller = bytes > this.#largestAnswered ? SMALLEST_READ : Math.floor(bytes / 2)
    this.#bytes = Math.min(bytes, Math.max(SMALLEST_READ, smaller))
  }
}
