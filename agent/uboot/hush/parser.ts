/**
 * The parser of hush, U-Boot's old shell with its habits. It takes text in parts, so that a person can continue in
 * the next line, and never goes back: its time grows with the text and with nothing else.
 */

import { type Compound, compound, RESERVED, type Section, type Step, type Steps } from './syntax.js'
import { literal, type Word, WordBuilder } from './words.js'

/**
 * `line`: a list ends with its line. `text`: line ends separate commands. `words`: the text of a command whose variables
 * are put in already; only blanks, quotes and comments mean something.
 */
export type ParseMode = 'line' | 'text' | 'words'

/** `more`: the list continues in the next part. */
export type ParseState = 'complete' | 'more' | 'error'

/** compounds in compounds */
const DEEPEST = 100
/** characters of one list with its line end; a whole script is one, and the longest that labs use have some 10,000 */
const LONGEST = 64 * 1024 + 1

/** Characters that mean nothing but themselves. */
const PLAIN = /[^;&|# \t\n\\$'"]+/y
const PLAIN_WORDS = /[^# \t\n\\'"]+/y
const PLAIN_QUOTED = /[^\\$'"]+/y
const PLAIN_QUOTED_WORDS = /[^\\'"]+/y
const NAME = /[A-Za-z][A-Za-z0-9_]*/y

export class HushParser {
  readonly #mode: ParseMode
  readonly #top: Step[] = []
  /** open compounds, the innermost last; each as the sections it has so far */
  readonly #open: Section[][] = []
  #words: Word[] = []
  #compound: Compound | null = null
  #word = new WordBuilder()
  /** between double quotes */
  #quote = false
  /** between single quotes, or in `${`: the text so far */
  #inside: 'single' | 'brace' | null = null
  #parameter = ''
  /** the last character ended a line and is not part of a word */
  #lineEnded = false
  #size = 0

  constructor(mode: ParseMode) {
    this.#mode = mode
  }

  /** The steps read so far; complete only after `complete`. */
  get steps(): Steps {
    return this.#top
  }

  /**
   * Read on.
   *
   * @param from where in the text to begin
   * @returns `next` is where the following list begins
   */
  parse(text: string, from = 0): { readonly state: ParseState; readonly next: number } {
    const most = from + LONGEST - this.#size
    let at = from
    while (at < text.length) {
      if (at > most) return { state: 'error', next: text.length }
      const next = this.#inside === null ? this.#step(text, at) : this.#insideOf(text, at)
      if (next === null) return { state: 'error', next: text.length }
      at = next
      if (this.#atListEnd) return { state: 'complete', next }
    }
    this.#size += text.length - from
    return { state: this.#size > LONGEST ? 'error' : 'more', next: at }
  }

  /** The text ends here. */
  end(): ParseState {
    if (this.#inside !== null || !this.#endWord() || this.#open.length > 0) return 'error'
    this.#endCommand(';')
    return 'complete'
  }

  /** Whether the line end that was just read ended the list. */
  get #atListEnd(): boolean {
    return this.#lineEnded && this.#mode !== 'text' && this.#open.length === 0
  }

  /** Read until the closing quote or brace. */
  #insideOf(text: string, at: number): number {
    const single = this.#inside === 'single'
    const close = text.indexOf(single ? "'" : '}', at)
    const piece = close === -1 ? text.slice(at) : text.slice(at, close)
    if (single) this.#word.text(piece)
    else this.#parameter += piece
    if (close === -1) return text.length
    if (!single) {
      this.#word.parameter(this.#parameter)
      this.#parameter = ''
    }
    this.#inside = null
    return close + 1
  }

  /** Read a run of plain characters or one special one. @returns the next position; null for a syntax error */
  #step(text: string, at: number): number | null {
    this.#lineEnded = false
    const words = this.#mode === 'words'
    const plain = this.#quote ? (words ? PLAIN_QUOTED_WORDS : PLAIN_QUOTED) : words ? PLAIN_WORDS : PLAIN
    plain.lastIndex = at
    if (plain.test(text)) {
      this.#word.text(text.slice(at, plain.lastIndex))
      return plain.lastIndex
    }
    switch (text[at]) {
      case '\\':
        return this.#backslash(text, at)
      case '$':
        return this.#dollar(text, at)
      case "'":
        this.#word.quoted = true
        this.#inside = 'single'
        return at + 1
      case '"':
        this.#word.quoted = true
        this.#quote = !this.#quote
        return at + 1
      case '#':
        return this.#hash(text, at)
      case ';':
        return this.#separate(';') ? at + 1 : null
      case '&':
        return text[at + 1] === '&' && this.#separate('&&') ? at + 2 : null
      case '|':
        return text[at + 1] === '|' && this.#separate('||') ? at + 2 : null
      case '\n':
        this.#lineEnded = true
        return this.#separate(';') ? at + 1 : null
      default:
        return this.#endWord() ? at + 1 : null
    }
  }

  /** Outside of quotes it quotes the next character; inside of double quotes both stay. */
  #backslash(text: string, at: number): number | null {
    const next = text[at + 1]
    if (next === undefined) return null
    const escaped = next === '\\' ? '\\\\' : next
    this.#word.text(this.#quote ? `\\\\${escaped}` : `\\${next}`)
    return at + 2
  }

  #dollar(text: string, at: number): number {
    NAME.lastIndex = at + 1
    const [name = ''] = NAME.exec(text) ?? []
    const next = text[at + 1]
    if (name !== '') this.#word.parameter(name)
    else if (next === '?') this.#word.parameter('$?')
    else if (next === '{') this.#inside = 'brace'
    else {
      this.#word.text('$')
      return at + 1
    }
    return at + 1 + Math.max(1, name.length)
  }

  /** A comment, at the start of a word. */
  #hash(text: string, at: number): number {
    if (!this.#word.empty) {
      this.#word.text('#')
      return at + 1
    }
    const end = text.indexOf('\n', at)
    return end === -1 ? text.length : end
  }

  #separate(next: Step['next']): boolean {
    if (!this.#endWord()) return false
    this.#endCommand(next)
    return true
  }

  get #section(): Section | null {
    return this.#open.at(-1)?.at(-1) ?? null
  }

  /** @returns false: a syntax error */
  #endWord(): boolean {
    if (this.#word.empty && !this.#word.quoted) return true
    if (this.#compound !== null) return false
    const word = this.#word.build()
    this.#word = new WordBuilder()
    if (this.#words.length === 0 && this.#mode !== 'words') {
      const reserved = this.#reserved(literal(word) ?? '')
      if (reserved !== null) return reserved
    }
    this.#words.push(word)
    if (this.#section?.word === 'for') this.#endCommand(';')
    return true
  }

  /** A command ends; nothing is kept of an empty one unless it ends what `&&` or `||` began. */
  #endCommand(next: Step['next']): void {
    const steps = this.#section?.steps ?? this.#top
    const empty = this.#words.length === 0 && this.#compound === null
    if (!empty || (steps.at(-1)?.next ?? ';') !== ';') {
      steps.push({ words: this.#words, compound: this.#compound, next })
    }
    this.#words = []
    this.#compound = null
  }

  /** @returns whether a reserved word is allowed here; null for any other word */
  #reserved(word: string): boolean | null {
    const role = RESERVED.get(word)?.role
    if (!RESERVED.has(word)) return null
    const here = this.#section?.word ?? ''
    if (role === 'begin') {
      if (here === 'for' || here === 'in' || this.#open.length >= DEEPEST) return false
      this.#open.push([{ word, steps: [] }])
      return true
    }
    if (!RESERVED.get(here)?.follow.includes(word)) return false
    if (role === undefined) {
      this.#open.at(-1)?.push({ word, steps: [] })
      return true
    }
    this.#compound = compound(this.#open.pop() ?? [])
    return this.#compound !== null
  }
}
