/** Typing at a console, and waiting for its answers. */

import { fault } from '../../agent/errors.js'

/** What types at the console and reads its answers, while the watch goes on. */
export interface Typist {
  /**
   * Type text as it is; a line ends with `\n`.
   *
   * @throws CONSOLE_GONE
   */
  type(text: string): Promise<void>
  /**
   * Wait until the board has said something, behind what the last wait found.
   *
   * @param pattern searched in the text since then, without escape sequences and returns; it may span lines
   * @param timeoutMs how long, from now on
   * @returns the match; its `input` is all that was searched
   * @throws CONSOLE_SILENT with what was waited for; the reason of whoever ends the typing
   */
  waitFor(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray>
}

/** Characters that nobody has waited for are kept up to this number: those that came last. */
const UNREAD_LIMIT = 65_536

/** Characters of the console that an error quotes. */
const QUOTED = 300

interface Waiter {
  readonly pattern: RegExp
  readonly resolve: (match: RegExpExecArray) => void
  readonly reject: (reason: unknown) => void
  readonly timer: NodeJS.Timeout
}

/** A typist that is told what the console says. */
export class ConsoleTypist implements Typist {
  readonly #send: (text: string) => Promise<void>
  #unread = ''
  #waiter: Waiter | null = null
  #ended: { readonly reason: unknown } | null = null

  /** @param send types text at the console */
  constructor(send: (text: string) => Promise<void>) {
    this.#send = send
  }

  type(text: string): Promise<void> {
    return this.#send(text)
  }

  waitFor(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    if (this.#waiter !== null) throw fault('INTERNAL', { doing: `waiting for ${pattern}`, reason: 'somebody waits' })
    if (this.#ended !== null) return Promise.reject(this.#ended.reason)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const found = JSON.stringify(this.#unread.slice(-QUOTED))
        this.#fail(fault('CONSOLE_SILENT', { seconds: timeoutMs / 1000, expected: String(pattern), found }))
      }, timeoutMs)
      this.#waiter = { pattern, resolve, reject, timer }
      this.#serve()
    })
  }

  /** The console has said this. */
  receive(text: string): void {
    this.#unread = (this.#unread + text).slice(-UNREAD_LIMIT)
    this.#serve()
  }

  /** Nothing more will come: whoever waits, now or later, is told why. */
  end(reason: unknown): void {
    this.#ended ??= { reason }
    this.#fail(reason)
  }

  #serve(): void {
    if (this.#waiter === null) return
    const { pattern, resolve, timer } = this.#waiter
    const match = pattern.exec(this.#unread)
    if (match === null) return
    clearTimeout(timer)
    this.#waiter = null
    this.#unread = this.#unread.slice(match.index + match[0].length)
    resolve(match)
  }

  #fail(reason: unknown): void {
    if (this.#waiter === null) return
    const { reject, timer } = this.#waiter
    clearTimeout(timer)
    this.#waiter = null
    reject(reason)
  }
}
