/** How long each part of a demonstration took. */

import { formatDuration } from '../terminal/quantities.js'
import { renderTable } from '../terminal/table.js'

interface Part {
  readonly name: string
  /** milliseconds */
  readonly time: number
  readonly note: string
}

export class Stopwatch {
  readonly #parts: Part[] = []
  #last = performance.now()

  /**
   * End a part and begin the next.
   *
   * @param name of the part that ends here
   * @param note printed beside its time
   */
  lap(name: string, note = ''): void {
    const now = performance.now()
    this.#parts.push({ name, time: now - this.#last, note })
    this.#last = now
  }

  /** A table of the parts, and their sum. */
  summary(): string {
    const total = { name: 'total', time: this.#parts.reduce((sum, { time }) => sum + time, 0), note: '' }
    const rows = [...this.#parts, total].map(({ name, time, note }) => [name, formatDuration(time).padStart(9), note])
    return renderTable(['PART', '     TIME', ''], rows)
  }
}
