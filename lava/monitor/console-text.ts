/** A board's output as text and lines, even if it is split anywhere, coloured, damaged or endless. */

import { StringDecoder } from 'node:string_decoder'
import { printable } from '../terminal/terminal.js'

/** An endless line is passed on in parts of this many characters. */
const LINE_LIMIT = 4096

/**
 * Escape sequences of ECMA-48: control sequences (section 5.4), operating system commands (8.3.89), and two-character ones.
 */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: searches for ESC and BEL
  /\u001b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\u0007\u001b]{0,256}(?:\u0007|\u001b\\)|[0-Z\\^-~]|[ -/]{1,8}[0-~])/g

/** An incomplete one, which the next chunk may complete. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: searches for ESC and BEL
const BEGUN = /\u001b(?:\[[0-?]{0,64}[ -/]{0,8}|\][^\u0007\u001b]{0,256}\u001b?|[ -/]{0,8})$/

/** Carriage returns and backspaces: a line keeps all that was ever written in it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: searches for them
const RETURNS = /[\r\u0008]/g

/** The most that {@link BEGUN} holds back, characters. */
const BEGUN_LIMIT = 300

export interface ConsoleTextOptions {
  /** called with text without escape sequences, returns and backspaces: lines end with `\n` alone */
  readonly onText?: (text: string) => void
  /**
   * called with each line without its end, fit for a terminal
   *
   * @param continues whether it continues the same line
   */
  readonly onLine: (line: string, continues: boolean) => void
}

export class ConsoleText {
  readonly #options: ConsoleTextOptions
  readonly #decoder = new StringDecoder('utf8')
  /** an escape sequence that has begun */
  #held = ''
  #line = ''
  #continues = false

  constructor(options: ConsoleTextOptions) {
    this.#options = options
  }

  /** The incomplete line, such as `login: `. */
  get begun(): string {
    return this.#line
  }

  receive(bytes: Uint8Array): void {
    const text = this.#plain(this.#held + this.#decoder.write(Buffer.from(bytes)))
    if (text === '') return
    this.#options.onText?.(text)
    const lines = text.split('\n')
    const last = lines.pop() ?? ''
    for (const line of lines) {
      this.#append(line)
      this.#end(false)
    }
    this.#append(last)
  }

  /** Nothing more will come: the line that has begun is one. */
  flush(): void {
    if (this.#line !== '') this.#end(false)
  }

  #plain(text: string): string {
    const clean = text.replace(ESCAPES, '').replace(RETURNS, '')
    const begun = BEGUN.exec(clean.slice(-BEGUN_LIMIT))
    this.#held = begun?.[0] ?? ''
    return clean.slice(0, clean.length - this.#held.length)
  }

  #append(text: string): void {
    const clean = printable(text)
    for (let at = 0; at < clean.length; ) {
      const room = LINE_LIMIT - this.#line.length
      this.#line += clean.slice(at, at + room)
      at += room
      if (this.#line.length === LINE_LIMIT) this.#end(true)
    }
  }

  #end(goesOn: boolean): void {
    const line = this.#line
    const continues = this.#continues
    this.#line = ''
    this.#continues = goesOn
    this.#options.onLine(line, continues)
  }
}
