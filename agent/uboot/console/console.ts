/** One console: its line editor, its history, and the lines typed there. Text is bytes as latin1. */

import { asFault } from '../../errors.js'
import { yieldToEventLoop } from '../../event-loop.js'
import type { Shell } from '../hush/shell.js'
import type { Machine } from '../machine/machine.js'
import { complete } from './completion.js'
import { History } from './history.js'
import { InputQueue } from './input-queue.js'
import { LineEditor, type LineEnd, type LineOptions } from './line-editor.js'
import { TypedLines } from './typed-lines.js'

/** most characters of a line: `CONFIG_SYS_CBSIZE` */
const LINE_LIMIT = 1024
/** milliseconds that typed lines run before others have a turn */
const SLICE = 10
/** bytes of output that are gathered at most */
const GATHERED = 64 * 1024
/** bytes of input that may wait before the sender should */
const QUEUED = 1024 * 1024

export interface ConsoleOptions {
  /** Send bytes to the terminal. */
  readonly write: (bytes: string) => void
  /** See `ConsoleLine`; default: the terminal always takes more. */
  readonly room?: () => Promise<void> | null
  /** Damage of the input since the last call, in words; null if there was none. Default: there is none. */
  readonly damage?: () => Promise<string | null>
  /** The queue is short again after `receive` returned false. */
  readonly drained?: () => void
}

/** What a console needs of those that share its machine. */
export interface ConsoleArbiter {
  readonly machine: Machine
  readonly shell: Shell
  /** Run work once no other console runs any. */
  exclusive(owner: Console, work: () => Promise<void>): Promise<void>
  /** whether a line that was typed at this console is running */
  runs(console: Console): boolean
  /** whether ^C at this console interrupts the running command */
  interrupts(console: Console): boolean
  /** give a key to a command that waits for one at any console */
  offerKey(console: Console): boolean
}

/** Who waits for input: it takes characters until it is satisfied, and then waits no more. */
type Reader = (character: string) => void

export class Console {
  readonly #arbiter: ConsoleArbiter
  readonly #options: ConsoleOptions
  readonly #queue = new InputQueue()
  readonly #history = new History()
  readonly #editor: LineEditor
  readonly #lines: TypedLines
  #reader: Reader | null = null
  #cancel: (() => void) | null = null
  #closed = false
  #inputEnded = false
  #hungUp = false
  #full = false
  /** the reader waits until the terminal has shown more */
  #held = false
  #pending = ''
  #end: () => void = () => undefined
  /** resolves when it is closed */
  readonly ended = new Promise<void>(resolve => {
    this.#end = resolve
  })

  constructor(arbiter: ConsoleArbiter, options: ConsoleOptions) {
    this.#arbiter = arbiter
    this.#options = options
    this.#editor = new LineEditor({ history: this.#history, limit: LINE_LIMIT, write: text => this.print(text) })
    this.#lines = new TypedLines(arbiter.shell)
  }

  get history(): readonly string[] {
    return this.#history.lines
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Print; \n becomes \r\n. Consecutive prints are sent together. */
  print(text: string): void {
    if (this.#closed) return
    // In the next tick of a microtask: after all that follows from what came in, so an answer goes out in one piece.
    if (this.#pending === '') queueMicrotask(() => process.nextTick(() => this.flush()))
    this.#pending += text
    if (this.#pending.length > GATHERED) this.flush()
  }

  /** See {@link Output.room}. */
  room(): Promise<void> | null {
    return this.#closed ? null : (this.#options.room?.() ?? null)
  }

  /** Send buffered output at once, because this process may end next. */
  flush(): void {
    const bytes = this.#pending.replaceAll('\n', '\r\n')
    this.#pending = ''
    if (bytes !== '') this.#options.write(bytes)
  }

  /**
   * Bytes from the terminal. Unread bytes wait; none is lost.
   *
   * @returns false: many wait; the sender should, too, until `drained`
   */
  receive(bytes: string): boolean {
    this.#queue.push(bytes)
    if (bytes.includes('\x03')) this.interrupt()
    this.pump()
    this.#full = this.#queue.size > QUEUED
    return !this.#full
  }

  /** A waiting ^C interrupts the running command, unless that command reads the input. */
  interrupt(): void {
    if (this.#reader === null && this.#arbiter.interrupts(this) && this.#queue.takeInterrupt())
      this.#arbiter.shell.interrupt()
  }

  /** Pass waiting bytes to their reader, not faster than the terminal shows what comes of them. */
  pump(): void {
    while (this.#queue.size > 0) {
      if (this.#reader === null) {
        if (!this.#arbiter.offerKey(this)) break
      } else if (this.#hold()) break
      else {
        const character = this.#queue.take()
        if (character !== null) this.#reader(character)
      }
    }
    if (!this.#full || this.#queue.size > QUEUED) return
    this.#full = false
    this.#options.drained?.()
  }

  /** @returns whether the reader has to wait for the terminal */
  #hold(): boolean {
    const room = this.#held ? null : this.room()
    if (room === null) return this.#held
    this.#held = true
    void room.then(() => {
      this.#held = false
      this.pump()
      this.#closeWhenHungry()
    })
    return true
  }

  /** A key that stops something; a line end right after it belongs to it. @returns null if none waits */
  takeKey(): string | null {
    const key = this.#queue.take()
    if (key !== null && key !== '\r' && key !== '\n') this.#queue.dropLineEnd(100)
    return key
  }

  /** Wait for characters, until `take` has enough. */
  #read<T>(take: (character: string) => T | null, closed: T): Promise<T> {
    return new Promise(resolve => {
      const done = (value: T): void => {
        this.#reader = null
        this.#cancel = null
        resolve(value)
      }
      if (this.#closed) return done(closed)
      this.#cancel = () => done(closed)
      this.#reader = character => {
        const value = take(character)
        if (value !== null) done(value)
      }
      this.pump()
      this.#closeWhenHungry()
    })
  }

  #edit(line: LineOptions): Promise<LineEnd> {
    this.#editor.start(line)
    return this.#read(character => this.#editor.feed(character), { interrupted: true })
  }

  /** See `Input`. */
  async readLine(prompt: string, initial = ''): Promise<string | null> {
    const end = await this.#edit({ prompt, initial })
    return 'line' in end ? end.line : null
  }

  /** See `Input`. */
  async readKey(timeoutMs: number): Promise<string | null> {
    const timer = setTimeout(() => this.#cancel?.(), timeoutMs)
    const key = await this.#read<string>(character => character, '')
    clearTimeout(timer)
    return key === '' ? null : key
  }

  /** Prompt, read and run lines until the console is closed. */
  async serve(): Promise<void> {
    let lastYield = performance.now()
    while (!this.#closed) {
      const end = await this.#edit({
        prompt: this.#lines.prompt,
        complete: line => (this.#lines.fresh ? complete(this.#arbiter.machine, line, LINE_LIMIT) : null),
      })
      if (this.#closed) return
      if ('line' in end) await this.#arbiter.exclusive(this, () => this.#enter(end.line))
      else {
        this.print('<INTERRUPT>\n')
        this.#lines.interrupt()
      }
      if (performance.now() - lastYield < SLICE) continue
      // Thousands of pasted lines must not keep others, or ^C, from coming in.
      await yieldToEventLoop()
      lastYield = performance.now()
    }
  }

  async #enter(line: string): Promise<void> {
    // A ^C that arrived with the line interrupts its command, if that takes any time. So does hanging up.
    const interruption = setImmediate(() => (this.#hungUp ? this.#arbiter.shell.stop() : this.interrupt()))
    try {
      await this.#lines.enter(line)
    } catch (thrown) {
      this.print(`${asFault(thrown, 'running a line').message}\n`)
    } finally {
      clearImmediate(interruption)
    }
    await this.#reportDamage()
  }

  /** The second line has words that LAVA takes for a fault of the lab, so that it runs the job again. */
  async #reportDamage(): Promise<void> {
    const damage = await this.#options.damage?.()
    if (typeof damage !== 'string') return
    this.print(`## fauxboot: the serial line damaged its input: ${damage}; check cable, ground and speed\n`)
    if (this.#arbiter.shell.status !== 0)
      this.print('## fauxboot: the command may have failed because of that: Must RESET board to recover\n')
  }

  /** Nobody is left who could type ^C. */
  get inputEnded(): boolean {
    return this.#inputEnded
  }

  /** Input has ended: the rest of it still runs; a reader that wants more closes the console. */
  endInput(): void {
    this.#inputEnded = true
    this.#closeWhenHungry()
  }

  /** The terminal is gone: the line that runs ends, and each that waits runs as if ^C followed it at once. */
  hangUp(): void {
    this.#hungUp = true
    if (this.#arbiter.runs(this)) this.#arbiter.shell.stop()
    this.endInput()
  }

  #closeWhenHungry(): void {
    if (!this.#inputEnded || this.#reader === null || this.#queue.size > 0) return
    this.flush()
    this.close()
  }

  /** The terminal is gone. A running command continues without it. */
  close(): void {
    this.#closed = true
    this.#pending = ''
    this.#cancel?.()
    this.#end()
  }
}
