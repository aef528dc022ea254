/** The lines typed at one console: those that belong together, and the empty one that repeats the last. */

import { HushParser } from '../hush/parser.js'
import type { Shell } from '../hush/shell.js'

/** most characters of a command that an empty line can repeat; as `CONFIG_SYS_CBSIZE` */
const LONGEST_REPEATED = 1024

export class TypedLines {
  readonly #shell: Shell
  #parser: HushParser | null = null
  #last = ''
  #repeat = false

  constructor(shell: Shell) {
    this.#shell = shell
  }

  /** The prompt for the next line. */
  get prompt(): string {
    return this.#parser === null ? '=> ' : '> '
  }

  /** TAB completes only at the first line of a command. */
  get fresh(): boolean {
    return this.#parser === null
  }

  /** Take a line; run the command that it completes. */
  async enter(typed: string): Promise<void> {
    const repeated = this.#parser === null && typed === '' && this.#repeat
    const line = repeated ? this.#last : typed
    if (this.#parser === null) {
      this.#last = line
      this.#repeat = line !== ''
    } else this.#goOn(line)
    const parser = this.#parser ?? new HushParser('line')
    this.#parser = null
    const { state } = parser.parse(`${line}\n`)
    if (state === 'more') this.#parser = parser
    else if (state === 'error') {
      this.#shell.syntaxError()
      this.#repeat = false
    } else if (!(await this.#shell.runTyped(parser.steps, repeated))) this.#repeat = false
  }

  /** A continued line becomes part of the command, so that an empty line repeats all of it. */
  #goOn(line: string): void {
    if (line === '') return
    this.#last = `${this.#last} ${line}`
    if (this.#last.length >= LONGEST_REPEATED) this.#repeat = false
    if (!this.#repeat) this.#last = ''
  }

  /** ^C: drop the unfinished command. */
  interrupt(): void {
    this.#parser = null
    this.#repeat = false
  }
}
