/** Typing at a console and waiting for its answers. */

import { fault } from '../../agent/errors.js'

export interface WaitOptions {
  /** milliseconds from now on */
  readonly timeoutMs: number
  /** what an error says was expected; the pattern by default */
  readonly expected?: string
}

/** A console as a script sees it. */
export interface Expect {
  /**
   * Type text as it is, line ends included.
   *
   * @throws CONSOLE_GONE
   */
  type(text: string): Promise<void>
  /**
   * Wait until the console prints something after the previous match.
   *
   * @param pattern searched in all text since then, so a match may span lines; a string matches literally
   * @returns the match; its `input` is the text that was searched
   * @throws CONSOLE_SILENT with the console's last words; the reason given to `end`
   */
  waitFor(pattern: RegExp | string, options: WaitOptions): Promise<RegExpExecArray>
}

export interface ConsoleExpectOptions {
  /** name of the console, for errors */
  readonly name: string
  /** types text at the console */
  readonly send: (text: string) => Promise<void>
  /** most characters without a match that are kept, the latest; default 65536 */
  readonly limit?: number
}

const DEFAULT_LIMIT = 65_536

/** Characters of the console that an error quotes. */
const QUOTED = 600

interface Waiter {
  readonly pattern: RegExp
  readonly resolve: (match: RegExpExecArray) => void
  readonly reject: (reason: unknown) => void
  readonly timer: NodeJS.Timeout
}

/** A global or sticky expression would remember where its last search ended. */
function searchable(pattern: RegExp | string): RegExp {
  if (typeof pattern === 'string') return new RegExp(pattern.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
}

/** The only implementation: its owner passes it what the console prints. */
export class ConsoleExpect implements Expect {
  readonly #options: ConsoleExpectOptions
  readonly #waiters = new Set<Waiter>()
  /** text after the last match */
  #unread = ''
  #ended: { readonly reason: unknown } | null = null

  constructor(options: ConsoleExpectOptions) {
    this.#options = options
  }

  /** The end of the text that no wait has consumed, quoted. */
  get lastWords(): string {
    return JSON.stringify(this.#unread.slice(-QUOTED))
  }

  type(text: string): Promise<void> {
    return this.#options.send(text)
  }

  waitFor(pattern: RegExp | string, { timeoutMs, expected }: WaitOptions): Promise<RegExpExecArray> {
    const regex = searchable(pattern)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter)
        const fields = { console: this.#options.name, seconds: timeoutMs / 1000, expected: expected ?? String(regex) }
        reject(fault('CONSOLE_SILENT', { ...fields, found: this.lastWords }))
      }, timeoutMs)
      const waiter: Waiter = { pattern: regex, resolve, reject, timer }
      this.#waiters.add(waiter)
      this.#serve(waiter)
    })
  }

  /** The console printed this. */
  receive(text: string): void {
    this.#unread = (this.#unread + text).slice(-(this.#options.limit ?? DEFAULT_LIMIT))
    for (const waiter of this.#waiters) this.#serve(waiter)
  }

  /** No more text will come. Every wait that the text so far does not satisfy, present or future, fails with this reason. */
  end(reason: unknown): void {
    this.#ended ??= { reason }
    for (const waiter of this.#waiters) this.#serve(waiter)
  }

  #serve(waiter: Waiter): void {
    const match = waiter.pattern.exec(this.#unread)
    if (match === null && this.#ended === null) return
    clearTimeout(waiter.timer)
    this.#waiters.delete(waiter)
    if (match === null) {
      waiter.reject(this.#ended?.reason)
      return
    }
    this.#unread = this.#unread.slice(match.index + match[0].length)
    waiter.resolve(match)
  }
}
