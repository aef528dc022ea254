/** The serial line of an emulated board: everything that it printed, and waiting for words. */

import { EventEmitter } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { fault } from '../../agent/errors.js'
import { ConsoleExpect, type WaitOptions } from '../../lava/console/expect.js'

/** Characters of the transcript that an error quotes. */
const QUOTED = 600

/** Emits `data` with each piece of text. */
export class SerialConsole extends EventEmitter<{ data: [text: string] }> {
  readonly #name: string
  readonly #output: Writable
  readonly #expect: ConsoleExpect
  #transcript = ''

  /**
   * @param name of the board, for errors
   * @param input what the board prints
   * @param output what the board reads
   */
  constructor(name: string, input: Readable, output: Writable) {
    super()
    this.#name = name
    this.#output = output
    this.#expect = new ConsoleExpect({
      name,
      send: async text => this.send(text),
      limit: Number.POSITIVE_INFINITY,
    })
    const decoder = new StringDecoder('utf8')
    input.on('data', (chunk: Buffer) => this.receive(decoder.write(chunk)))
  }

  /** Everything since power-on. */
  get transcript(): string {
    return this.#transcript
  }

  /** The end of the transcript, quoted. */
  get lastWords(): string {
    return JSON.stringify(this.#transcript.slice(-QUOTED))
  }

  /** Type text as it is: lines end with `\n` or `\r`, as the program on the board expects. */
  send(text: string): void {
    this.#output.write(text)
  }

  /**
   * Wait until the board prints something after the previous match.
   *
   * @param pattern searched in all text since then, so a match may span lines; a string matches literally
   * @throws CONSOLE_SILENT, CONSOLE_ENDED with the board's last words
   */
  waitFor(pattern: RegExp | string, options: WaitOptions): Promise<RegExpExecArray> {
    return this.#expect.waitFor(pattern, options)
  }

  /** QEMU has ended: every wait fails. */
  end(status: string): void {
    this.#expect.end(fault('CONSOLE_ENDED', { board: this.#name, status, found: this.lastWords }))
  }

  /** The board printed this. */
  receive(text: string): void {
    if (text === '') return
    this.#transcript += text
    this.emit('data', text)
    this.#expect.receive(text)
  }
}
