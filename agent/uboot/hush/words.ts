/** Words of the shell, and what its variables put into them. */

import type { Environment } from '../env/environment.js'

/** Text, or a variable to be put in: `name`, `name:-default`, `$?`. */
export type WordPart = string | { readonly parameter: string }

export interface Word {
  readonly parts: readonly WordPart[]
  /** part of it was quoted: it stays one word, even if it is empty */
  readonly quoted: boolean
}

/** A word while it is read. */
export class WordBuilder {
  readonly #parts: WordPart[] = []
  /** text with its backslashes; they are taken out at the end, also those that single quotes held */
  #raw = ''
  quoted = false

  get empty(): boolean {
    return this.#raw === '' && this.#parts.length === 0
  }

  text(raw: string): void {
    this.#raw += raw
  }

  parameter(name: string): void {
    this.#endText()
    this.#parts.push({ parameter: withoutBackslashes(name) })
  }

  #endText(): void {
    if (this.#raw !== '') this.#parts.push(withoutBackslashes(this.#raw))
    this.#raw = ''
  }

  build(): Word {
    this.#endText()
    return { parts: this.#parts, quoted: this.quoted }
  }
}

const withoutBackslashes = (raw: string): string => raw.replace(/\\([\s\S]?)/g, '$1')

/** The text of a word without variables, else null. */
export function literal({ parts }: Word): string | null {
  const [part = '', ...more] = parts
  return typeof part === 'string' && more.length === 0 ? part : null
}

export const hasParameter = ({ parts }: Word): boolean => parts.some(part => typeof part !== 'string')

/** `name=...`: before a command, the word sets a variable. */
export function isAssignment({ parts: [first] }: Word): boolean {
  return typeof first === 'string' && /^[A-Za-z][A-Za-z0-9_]*=/.test(first)
}

/** What expanding a word needs of the shell. */
export interface Variables {
  readonly env: Environment
  readonly locals: ReadonlyMap<string, string>
  /** `$?` */
  readonly status: number
  /** `${name:=value}` */
  setLocal(name: string, value: string): void
}

/** The environment goes before the shell's own variables. */
function parameterValue(parameter: string, variables: Variables): string {
  // `${?}` is a variable of that name, which nobody can set.
  if (parameter === '$?') return String(variables.status)
  const colon = parameter.indexOf(':')
  const name = colon === -1 ? parameter : parameter.slice(0, colon)
  const operator = colon === -1 ? '' : parameter.charAt(colon + 1)
  const value = variables.env.get(name) ?? variables.locals.get(name) ?? ''
  // With `+`, U-Boot does the opposite of other shells: the word replaces a variable that is *not* set.
  if (value !== '') return operator === '+' ? '' : value
  if (!['-', '=', '+'].includes(operator)) return ''
  const alternative = parameter.slice(colon + 2)
  if (operator === '=') variables.setLocal(name, alternative)
  return alternative
}

/** The word with its variables put in. Line ends become blanks where there were variables. */
export function expandWord(word: Word, variables: Variables): string {
  const plain = literal(word)
  if (plain !== null) return plain
  return word.parts
    .map(part => (typeof part === 'string' ? part : parameterValue(part.parameter, variables)))
    .join('')
    .replaceAll('\n', ' ')
}
