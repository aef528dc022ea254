/** U-Boot's line editor: a key in, what the terminal must draw out. It knows no terminal and no time. */

import type { History } from './history.js'
import { KeyDecoder } from './keys.js'

/** What TAB does. */
export interface Completion {
  /** to be typed for the user */
  readonly insert: string
  /** shown below the line, which is then drawn again; empty: nothing */
  readonly list: string
  readonly bell: boolean
}

export interface LineEditorOptions {
  readonly history: History
  /** most characters of a line */
  readonly limit: number
  /** Draw: \n is the start of the next line. */
  readonly write: (text: string) => void
}

export interface LineOptions {
  readonly prompt: string
  /** text to start with */
  readonly initial?: string
  /** for TAB: null where nothing is completed */
  readonly complete?: (line: string) => Completion | null
}

/** How a line ended. */
export type LineEnd = { readonly line: string } | { readonly interrupted: true }

const BELL = '\x07'
const back = (count: number): string => '\b'.repeat(count)

export class LineEditor {
  readonly #options: LineEditorOptions
  readonly #keys = new KeyDecoder()
  #line: LineOptions = { prompt: '' }
  #text = ''
  #cursor = 0
  /** ^O: characters replace those under the cursor; it stays so for the next lines */
  #overwrite = false
  /** What the control characters do; all others are typed. */
  readonly #actions: Readonly<Record<string, () => void>> = {
    '\0': () => {},
    '\x01': () => this.#home(),
    '\x02': () => this.#left(),
    '\x04': () => this.#deleteUnder(),
    '\x05': () => this.#end(),
    '\x06': () => this.#right(),
    '\b': () => this.#backspace(),
    '\t': () => this.#complete(),
    '\x0b': () => this.#eraseToEnd(),
    '\x0e': () => this.#recall(this.#options.history.next()),
    '\x0f': () => this.#toggleOverwrite(),
    '\x10': () => this.#recall(this.#options.history.previous()),
    '\x15': () => this.#eraseLine(),
    '\x17': () => this.#eraseWord(),
    '\x18': () => this.#eraseLine(),
    '\x7f': () => this.#backspace(),
  }

  constructor(options: LineEditorOptions) {
    this.#options = options
  }

  /** Print the prompt and begin a line. */
  start(line: LineOptions): void {
    this.#line = line
    this.#text = line.initial ?? ''
    this.#cursor = this.#text.length
    this.#keys.reset()
    this.#options.write(line.prompt + this.#text)
  }

  /**
   * Take one character.
   *
   * @returns how the line ended, or null while it continues
   */
  feed(character: string): LineEnd | null {
    if (character === '\r' || character === '\n') {
      this.#options.write('\n')
      this.#options.history.add(this.#text)
      return { line: this.#text }
    }
    if (character === '\x03') return { interrupted: true }
    const keys = this.#keys.decode(character)
    // Nearly always what was typed is what is meant.
    if (keys === character) this.#press(character)
    else for (const key of keys) this.#press(key)
    return null
  }

  #press(key: string): void {
    const action = this.#actions[key]
    if (action === undefined) this.#insert(key)
    else action()
  }

  get #behind(): string {
    return this.#text.slice(this.#cursor)
  }

  #insert(character: string): void {
    const replaces = this.#overwrite && this.#cursor < this.#text.length
    if (!replaces && this.#text.length >= this.#options.limit) {
      this.#options.write(BELL)
      return
    }
    if (this.#cursor === this.#text.length) {
      this.#text += character
      this.#cursor += 1
      this.#options.write(character)
      return
    }
    const behind = replaces ? this.#text.slice(this.#cursor + 1) : this.#behind
    this.#text = this.#text.slice(0, this.#cursor) + character + behind
    this.#cursor += 1
    this.#options.write(replaces ? character : character + behind + back(behind.length))
  }

  #toggleOverwrite(): void {
    this.#overwrite = !this.#overwrite
  }

  #left(): void {
    if (this.#cursor === 0) return
    this.#cursor -= 1
    this.#options.write('\b')
  }

  #right(): void {
    if (this.#cursor === this.#text.length) return
    this.#options.write(this.#text.charAt(this.#cursor))
    this.#cursor += 1
  }

  #home(): void {
    this.#options.write(back(this.#cursor))
    this.#cursor = 0
  }

  #end(): void {
    this.#options.write(this.#behind)
    this.#cursor = this.#text.length
  }

  /** Take `count` characters before the cursor out; `erase` is how the gap at the end is drawn over. */
  #remove(count: number): void {
    const behind = this.#behind
    this.#cursor -= count
    this.#text = this.#text.slice(0, this.#cursor) + behind
    this.#options.write(back(count) + behind + ' '.repeat(count) + back(count + behind.length))
  }

  #backspace(): void {
    if (this.#cursor > 0) this.#remove(1)
  }

  #eraseWord(): void {
    const before = this.#text.slice(0, this.#cursor)
    const [word = ''] = /[^ ]* *$/.exec(before) ?? []
    if (word !== '') this.#remove(word.length)
  }

  #deleteUnder(): void {
    if (this.#cursor === this.#text.length) return
    const behind = this.#text.slice(this.#cursor + 1)
    this.#text = this.#text.slice(0, this.#cursor) + behind
    this.#options.write(`${behind} ${back(behind.length + 1)}`)
  }

  #eraseToEnd(): void {
    const count = this.#text.length - this.#cursor
    this.#text = this.#text.slice(0, this.#cursor)
    this.#options.write(' '.repeat(count) + back(count))
  }

  #eraseLine(): void {
    this.#home()
    this.#eraseToEnd()
  }

  #recall(line: string | null): void {
    if (line === null) {
      this.#options.write(BELL)
      return
    }
    this.#eraseLine()
    this.#text = line
    this.#end()
  }

  #complete(): void {
    if (this.#cursor < this.#text.length) {
      this.#options.write(BELL)
      return
    }
    const done = this.#line.complete?.(this.#text) ?? null
    if (done === null) return
    this.#text += done.insert
    this.#cursor = this.#text.length
    this.#options.write(done.insert + (done.bell ? BELL : ''))
    if (done.list !== '') this.#options.write(done.list + this.#line.prompt + this.#text)
  }
}
