/** Bytes that came in and were not looked at yet. CRLF counts as one line end, also when its halves come apart. */

const INTERRUPT = '\x03'

export class InputQueue {
  #chunks: string[] = []
  /** the chunk and the offset in it where reading continues */
  #chunk = 0
  #at = 0
  #size = 0
  #afterReturn = false
  /** until when a line end is dropped, milliseconds */
  #dropUntil = Number.NEGATIVE_INFINITY

  /** bytes */
  get size(): number {
    return this.#size
  }

  push(text: string): void {
    if (text === '') return
    this.#chunks.push(text)
    this.#size += text.length
  }

  /** @returns the next character, or null */
  take(): string | null {
    for (;;) {
      const character = this.#next()
      if (character === null) return null
      const halfOfLineEnd = character === '\n' && this.#afterReturn
      this.#afterReturn = character === '\r'
      if (halfOfLineEnd) continue
      const dropped = (character === '\r' || character === '\n') && performance.now() <= this.#dropUntil
      this.#dropUntil = Number.NEGATIVE_INFINITY
      if (!dropped) return character
    }
  }

  #next(): string | null {
    const chunk = this.#chunks[this.#chunk]
    if (chunk === undefined) return null
    const character = chunk.charAt(this.#at)
    this.#at += 1
    this.#size -= 1
    if (this.#at === chunk.length) this.#endChunk()
    return character
  }

  #endChunk(): void {
    this.#at = 0
    this.#chunk += 1
    if (this.#chunk === this.#chunks.length) this.#chunks = []
    // Now and then, so that a long queue is not moved for each of its chunks.
    else if (this.#chunk >= 1000) this.#chunks.splice(0, this.#chunk)
    else return
    this.#chunk = 0
  }

  /** Drop one line end if it is the next thing, and comes within so many milliseconds. */
  dropLineEnd(milliseconds: number): void {
    this.#dropUntil = performance.now() + milliseconds
  }

  /** Remove the first ^C, wherever it is. @returns whether there was one */
  takeInterrupt(): boolean {
    const rest = this.#chunks.slice(this.#chunk).join('').slice(this.#at)
    const place = rest.indexOf(INTERRUPT)
    if (place === -1) return false
    const left = rest.slice(0, place) + rest.slice(place + 1)
    this.#chunks = left === '' ? [] : [left]
    this.#chunk = 0
    this.#at = 0
    this.#size = left.length
    return true
  }
}
