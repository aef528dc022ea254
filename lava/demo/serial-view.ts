/** A board's serial line, shown line by line as it speaks. */

import type { EventEmitter } from 'node:events'
import { printable } from '../terminal.js'

/**
 * Escape sequences of ECMA-48: what a console sends to move the cursor or to ask the terminal something. Someone who
 * only watches is better off without them.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC is what is looked for
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])/g

/** A line that never ends is shown in pieces. */
const LINE_LIMIT = 4096

/** Shows each line when it is whole, and what is left, a prompt, when asked. */
export class SerialView {
  #rest = ''

  /**
   * @param console emits `data` with pieces of text
   * @param show called with each line, fit for a terminal
   */
  constructor(
    console: EventEmitter<{ data: [text: string] }>,
    readonly show: (line: string) => void,
  ) {
    console.on('data', text => this.#receive(text))
  }

  /** Show the line that has begun, such as `login: `. */
  flush(): void {
    if (this.#rest.trim() !== '') this.#showLine(this.#rest)
    this.#rest = ''
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#showLine(line)
    if (this.#rest.length > LINE_LIMIT) this.flush()
  }

  #showLine(line: string): void {
    const plain = line.replace(ESCAPES, '').replace(/\r/g, '').trimEnd()
    if (plain !== '') this.show(printable(plain))
  }
}
