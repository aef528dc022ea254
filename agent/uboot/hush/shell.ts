/**
 * hush, U-Boot's shell: runs what the parser made of a line or a script. It is the old one of U-Boot's two, with its
 * habits: after `false &&` everything up to the next `;` is skipped, and a command with variables is read a second time.
 */

import { FauxbootError, fault } from '../../errors.js'
import { yieldToEventLoop } from '../../event-loop.js'
import type { Machine, ScriptMode, ScriptRunner } from '../machine/machine.js'
import { HushParser } from './parser.js'
import { runCommand } from './run-command.js'
import type { Compound, Step, Steps } from './syntax.js'
import { LineStopped, ScriptExit, ShellUnwind } from './unwind.js'
import { expandWord, hasParameter, isAssignment, literal, type Variables, type Word } from './words.js'

/** scripts in scripts */
const DEEPEST = 64
/** characters of one command, its variables put in: what the parser takes when it reads the command again */
const LONGEST = 64 * 1024
/** characters of all variables of the shell */
const LOCALS_ROOM = 256 * 1024
/** milliseconds that the shell runs before it lets others have a turn */
const SLICE = 2

export class Shell implements ScriptRunner, Variables {
  readonly #machine: () => Machine
  readonly #locals = new Map([['HUSH_VERSION', '0.01']])
  #localsSize = 0
  #status = 0
  /** commands that run, the innermost last: one that runs a script, and those of the script */
  readonly #running: AbortController[] = []
  /** how many of them run the innermost script; those above belong to a command of that script */
  #runners = 0
  #depth = 0
  #loops = 0
  /** ^C was typed since the line began: loops end */
  #interrupted = false
  /** ^C came between two commands: the next one that takes time sees it */
  #unseen = false
  /** all of the line ends */
  #stopped = false
  /** whether a command of the line that runs has started */
  #begun = false
  /** between two commands, others have their turn */
  #paused = false
  /** ends the wait for a slow line */
  #wake: () => void = () => undefined
  #lastYield = 0
  #repeated = false
  #repeatable = true

  /** @param machine asked for at the first command, since the machine knows its shell too */
  constructor(machine: () => Machine) {
    this.#machine = machine
  }

  get locals(): ReadonlyMap<string, string> {
    return this.#locals
  }

  get env() {
    return this.#machine().env
  }

  get status(): number {
    return this.#status
  }

  /** @throws UBOOT_SHELL_LIMIT when all variables of the shell together become too long */
  setLocal(name: string, value: string): void {
    if (name === 'HUSH_VERSION') {
      this.#print('HUSH_VERSION: readonly variable\n')
      return
    }
    const old = this.#locals.get(name)
    const size = this.#localsSize + value.length + (old === undefined ? name.length : -old.length)
    if (size > LOCALS_ROOM) throw fault('UBOOT_SHELL_LIMIT', { what: 'characters in variables', limit: LOCALS_ROOM })
    this.#localsSize = size
    this.#locals.set(name, value)
  }

  #print(text: string): void {
    this.#machine().out.write(text)
  }

  /** Print that the text makes no sense. */
  syntaxError(): void {
    this.#print('syntax error\n')
  }

  /**
   * Run a line that was typed.
   *
   * @param repeated an empty line repeats the last one
   * @returns whether an empty line may run it once more
   */
  async runTyped(steps: Steps, repeated: boolean): Promise<boolean> {
    this.#repeated = repeated
    this.#repeatable = true
    this.#begin()
    try {
      await this.#list(steps)
    } catch (thrown) {
      if (!(thrown instanceof ShellUnwind)) throw thrown
      if (thrown instanceof ScriptExit) this.#print('exit not allowed from main input shell.\n')
      this.#status = thrown instanceof ScriptExit ? thrown.status : 1
    }
    return this.#repeatable
  }

  #begin(): void {
    this.#interrupted = false
    this.#unseen = false
    this.#stopped = false
    this.#begun = false
    this.#lastYield = performance.now()
  }

  /** ^C: abort the running command and end loops; the rest of the line goes on. */
  interrupt(): void {
    // If no command sees it, a second ^C must still end scripts that run each other forever.
    if (this.#paused && this.#interrupted) this.#stopped = true
    this.#interrupted = true
    this.#unseen = this.#running.length === this.#runners
    for (const controller of [...this.#running]) controller.abort()
    this.#wake()
  }

  /** Nothing more of the line runs: the machine is switched off, or the terminal that typed it is gone. */
  stop(): void {
    this.interrupt()
    this.#stopped = true
  }

  async run(text: string, signal: AbortSignal, mode: ScriptMode = 'run'): Promise<number> {
    if (this.#depth >= DEEPEST) {
      this.#print(`${fault('UBOOT_SHELL_LIMIT', { what: 'scripts in scripts', limit: DEEPEST }).message}\n`)
      throw new LineStopped('scripts nested too deep')
    }
    const ours = this.#running.some(controller => controller.signal === signal)
    const interrupt = (): void => this.interrupt()
    const runners = this.#runners
    if (this.#depth === 0 && !ours) this.#begin()
    if (!ours) signal.addEventListener('abort', interrupt)
    this.#depth += 1
    this.#runners = this.#running.length
    try {
      return await (mode === 'run' ? this.#whole(text) : this.#byLine(text))
    } catch (thrown) {
      if (thrown instanceof LineStopped && this.#running.length === 0) return 1
      if (!(thrown instanceof ScriptExit)) throw thrown
      this.#status = thrown.status
      return thrown.status
    } finally {
      this.#depth -= 1
      this.#runners = runners
      signal.removeEventListener('abort', interrupt)
    }
  }

  /** A variable's text is parsed completely before any of it runs. */
  async #whole(text: string): Promise<number> {
    const parser = new HushParser('text')
    const { state } = parser.parse(`${text}\n`)
    if (state !== 'error' && parser.end() === 'complete') return this.#list(parser.steps)
    this.syntaxError()
    return 1
  }

  /**
   * Each line of a script runs before the next is parsed. A syntax error drops the rest, and the status is that of the
   * lines that ran. A script may have been written
   * on Windows: U-Boot takes `then\r` for a command, which helps nobody.
   */
  async #byLine(text: string): Promise<number> {
    const lines = `${text.replaceAll('\r\n', '\n')}\n`
    let status = 0
    for (let at = 0; at < lines.length; ) {
      const parser = new HushParser('line')
      const { state, next } = parser.parse(lines, at)
      if (state === 'error' || (state === 'more' && parser.end() === 'error')) {
        this.syntaxError()
        return at === 0 ? 1 : status
      }
      at = next
      status = await this.#list(parser.steps, status)
    }
    return status
  }

  /** Run steps one after the other. @returns the status of the last that ran, else `before` */
  async #list(steps: Steps, before = 0): Promise<number> {
    let status = before
    let skipping = false
    for (const step of steps) {
      if (skipping) {
        skipping = step.next !== ';'
        continue
      }
      if (step.words.length === 0 && step.compound === null) continue
      status = await this.#run(step)
      this.#status = status
      skipping = step.next === (status === 0 ? '||' : '&&')
    }
    return status
  }

  async #run({ words, compound }: Step): Promise<number> {
    try {
      return await (compound === null ? this.#words(words) : this.#compound(compound))
    } catch (thrown) {
      if (!(thrown instanceof FauxbootError)) throw thrown
      this.#print(`${thrown.ubootText}\n`)
      return 1
    }
  }

  /**
   * Yield to the event loop from time to time, however busy the shell is, and wait for a line that has too much to send. The
   * first command of a line starts without that: a ^C that came with the line must find it running.
   *
   * @throws LineStopped
   */
  async #yieldIfDue(): Promise<void> {
    const room = this.#machine().out.room()
    const due = this.#begun && (room !== null || performance.now() - this.#lastYield >= SLICE)
    this.#begun = true
    if (due) {
      this.#paused = true
      await (room === null ? yieldToEventLoop() : this.#unlessWoken(room))
      this.#paused = false
      this.#lastYield = performance.now()
    }
    if (this.#stopped) throw new LineStopped('^C')
  }

  /** ^C ends the wait, too. */
  #unlessWoken(room: Promise<void>): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
      void room.then(resolve)
    })
  }

  async #compound(compound: Compound): Promise<number> {
    if (compound.kind === 'if') return this.#if(compound)
    this.#loops += 1
    try {
      return await (compound.kind === 'for' ? this.#for(compound) : this.#while(compound))
    } finally {
      this.#loops -= 1
    }
  }

  /** Without a branch that runs, the status is that of the last condition. */
  async #if({ branches, otherwise }: Compound & { kind: 'if' }): Promise<number> {
    let status = 0
    for (const { condition, body } of branches) {
      status = await this.#list(condition)
      if (status === 0) return this.#list(body)
    }
    return this.#list(otherwise, status)
  }

  /** Whether ^C ends the loop. */
  async #leaveLoop(): Promise<boolean> {
    await this.#yieldIfDue()
    this.#unseen &&= !this.#interrupted
    return this.#interrupted
  }

  async #while({ kind, condition, body }: Compound & { kind: 'while' | 'until' }): Promise<number> {
    if (condition.length === 0) return 0
    let status = 0
    let more = true
    while (more) {
      if (await this.#leaveLoop()) return 1
      status = await this.#list(condition, status)
      more = (status === 0) === (kind === 'while')
      if (more) status = await this.#list(body, status)
    }
    return status
  }

  async #for({ name, words, body }: Compound & { kind: 'for' }): Promise<number> {
    let status = 0
    const values = this.#expand(words).join(' ').split(' ')
    for (const value of values.filter(value => value !== '')) {
      if (await this.#leaveLoop()) return 1
      this.setLocal(name, value)
      status = await this.#list(body)
    }
    return status
  }

  /** @throws UBOOT_SHELL_LIMIT */
  #expand(words: readonly Word[]): string[] {
    let size = 0
    return words.map(word => {
      const text = expandWord(word, this)
      size += text.length
      if (size > LONGEST) throw fault('UBOOT_SHELL_LIMIT', { what: 'characters in a command', limit: LONGEST })
      return text
    })
  }

  #assign(words: readonly Word[]): void {
    for (const word of words) {
      const [text = ''] = this.#expand([word])
      const equals = text.indexOf('=')
      this.setLocal(text.slice(0, equals), text.slice(equals + 1))
    }
  }

  /** A command: the variables it sets, then the command itself. */
  async #words(words: readonly Word[]): Promise<number> {
    const first = words.findIndex(word => !isAssignment(word))
    this.#assign(first === -1 ? words : words.slice(0, first))
    if (first === -1) return 0
    const rest = words.slice(first)
    await this.#yieldIfDue()
    return words.some(hasParameter) ? this.#again(rest) : this.#command(rest.map(word => literal(word) ?? ''))
  }

  /** After expansion the command is parsed again: blanks in variables separate words, and their quotes quote. */
  async #again(words: readonly Word[]): Promise<number> {
    const texts = this.#expand(words).map((text, index) => (words[index]?.quoted ? `'${text}'` : text))
    const parser = new HushParser('words')
    const { state } = parser.parse(`${texts.join(' ')}\n`)
    if (state === 'error' || (state === 'more' && parser.end() === 'error')) {
      this.syntaxError()
      return this.#status
    }
    const [step] = parser.steps
    return step === undefined ? this.#status : this.#words(step.words)
  }

  async #command(args: readonly string[]): Promise<number> {
    const controller = new AbortController()
    this.#running.push(controller)
    const late = this.#unseen ? setImmediate(() => this.interrupt()) : undefined
    try {
      const call = {
        args,
        repeated: this.#repeated,
        // Node makes it when it is asked for, and that takes longer than most commands, which never ask.
        get signal() {
          return controller.signal
        },
      }
      const { status, repeatable } = await runCommand(this.#machine(), call)
      this.#repeatable &&= repeatable
      return status
    } finally {
      clearImmediate(late)
      this.#running.pop()
    }
  }
}
