/** The lines typed at a console, for the arrow keys and `history`. */

/** U-Boot keeps 20 lines, one of which is the line being typed. */
const KEPT = 19

export class History {
  #lines: string[] = []
  /** index of the line shown; the number of lines if none is */
  #cursor = 0

  /** oldest first */
  get lines(): readonly string[] {
    return this.#lines
  }

  /** Remember a line, unless it is empty. The arrow keys start after it. */
  add(line: string): void {
    if (line !== '') this.#lines = [...this.#lines, line].slice(-KEPT)
    this.#cursor = this.#lines.length
  }

  /** @returns the previous line, or null */
  previous(): string | null {
    if (this.#cursor === 0) return null
    this.#cursor -= 1
    return this.#lines[this.#cursor] ?? null
  }

  /** @returns the next line; an empty one after the last; null after that */
  next(): string | null {
    if (this.#cursor === this.#lines.length) return null
    this.#cursor += 1
    return this.#lines[this.#cursor] ?? ''
  }
}
