/** A serial line as tests and people see it: everything that was said, and waiting for words. */

import { EventEmitter } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { fault } from '../../agent/errors.js'

/** Characters of the transcript that an error quotes. */
const QUOTED = 600

interface Waiter {
  readonly pattern: RegExp
  readonly resolve: (match: RegExpExecArray) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Emits `data` with each piece of text. */
export class SerialConsole extends EventEmitter<{ data: [text: string] }> {
  readonly #name: string
  readonly #output: Writable
  readonly #waiters = new Set<Waiter>()
  #transcript = ''
  /** where the next wait begins: behind the last match */
  #position = 0
  #ended: string | null = null

  /**
   * @param name of the board, for errors
   * @param input what the board says
   * @param output what the board hears
   */
  constructor(name: string, input: Readable, output: Writable) {
    super()
    this.#name = name
    this.#output = output
    const decoder = new StringDecoder('utf8')
    input.on('data', (chunk: Buffer) => this.#receive(decoder.write(chunk)))
  }

  /** Everything since power-on. */
  get transcript(): string {
    return this.#transcript
  }

  /** The end of it, quoted. */
  get lastWords(): string {
    return JSON.stringify(this.#transcript.slice(-QUOTED))
  }

  /** Type text, as it is: a line ends with `\n` or `\r`, as the program on the board wants it. */
  send(text: string): void {
    this.#output.write(text)
  }

  /**
   * Wait until the board has said something, behind what the last wait found.
   *
   * @param pattern searched in all text since then, so it may span lines
   * @param options timeoutMs: how long, from now on
   * @returns the match
   * @throws CONSOLE_TIMEOUT, CONSOLE_ENDED with what was waited for and the board's last words
   */
  waitFor(pattern: RegExp | string, options: { readonly timeoutMs: number }): Promise<RegExpExecArray> {
    const regex = typeof pattern === 'string' ? new RegExp(pattern.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')) : pattern
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter)
        const seconds = options.timeoutMs / 1000
        reject(fault('CONSOLE_TIMEOUT', { board: this.#name, seconds, expected: String(regex), found: this.lastWords }))
      }, options.timeoutMs)
      const waiter: Waiter = { pattern: regex, resolve, reject, timer }
      this.#waiters.add(waiter)
      this.#serve(waiter)
    })
  }

  /** The board is gone: whoever waits is told at once. */
  end(status: string): void {
    this.#ended = status
    for (const waiter of this.#waiters) this.#serve(waiter)
  }

  #receive(text: string): void {
    if (text === '') return
    this.#transcript += text
    this.emit('data', text)
    for (const waiter of this.#waiters) this.#serve(waiter)
  }

  #serve(waiter: Waiter): void {
    // A global or sticky expression would remember where it was.
    const regex = new RegExp(waiter.pattern.source, waiter.pattern.flags.replace(/[gy]/g, ''))
    const match = regex.exec(this.#transcript.slice(this.#position))
    if (match === null && this.#ended === null) return
    clearTimeout(waiter.timer)
    this.#waiters.delete(waiter)
    if (match !== null) {
      this.#position += match.index + match[0].length
      waiter.resolve(match)
    } else {
      const fields = { board: this.#name, status: this.#ended ?? '', expected: String(regex), found: this.lastWords }
      waiter.reject(fault('CONSOLE_ENDED', fields))
    }
  }
}
