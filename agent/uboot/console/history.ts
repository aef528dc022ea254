/** The lines typed at a console, for the arrow keys and `history`. */

/** U-Boot has 20 places, and one of them is always the line being typed. */
const KEPT = 19

export class History {
  #lines: string[] = []
  /** the line shown; one behind the last: none */
  #cursor = 0

  /** oldest first */
  get lines(): readonly string[] {
    return this.#lines
  }

  /** Remember a line, unless it is empty. The arrow keys start behind it. */
  add(line: string): void {
    if (line !== '') this.#lines = [...this.#lines, line].slice(-KEPT)
    this.#cursor = this.#lines.length
  }

  /** @returns the line before; null when there is none */
  previous(): string | null {
    if (this.#cursor === 0) return null
    this.#cursor -= 1
    return this.#lines[this.#cursor] ?? null
  }

  /** @returns the line behind, an empty one behind the last; null when that one is shown */
  next(): string | null {
    if (this.#cursor === this.#lines.length) return null
    this.#cursor += 1
    return this.#lines[this.#cursor] ?? ''
  }
}
