/** All consoles of one machine. One command runs at a time; lines typed at other consoles wait. */

import type { Shell } from '../hush/shell.js'
import type { Input, Machine, Output } from '../machine/machine.js'
import { autoboot } from './autoboot.js'
import { Console, type ConsoleArbiter, type ConsoleOptions } from './console.js'

/**
 * Consoles whose terminals are gone, and whose typed lines still wait for their turn. While one command runs for hours,
 * clients that come, type and go must not fill the board's memory.
 */
export const MOST_GONE = 8

export interface ConsolesOptions {
  /** asked for when it is needed: the machine knows its consoles, too */
  readonly machine: () => Machine
  readonly shell: Shell
  /** text before the countdown's number, with the blank; default `Hit any key to stop autoboot: ` */
  readonly sentence?: string
  /** a countdown without escape sequences; default false */
  readonly plain?: boolean
  /** seconds of the countdown where `bootdelay` is not set; default 2 */
  readonly delay?: number
}

export class Consoles implements ConsoleArbiter {
  readonly shell: Shell
  /** to the console where the running command was typed; to all if none was typed */
  readonly out: Output
  /** from that console; from the first if none was typed */
  readonly input: Input
  readonly #options: ConsolesOptions
  #open: Console[] = []
  #owner: Console | null = null
  #busy = false
  #last: Promise<void> = Promise.resolve()
  #ready = false
  /** calls of `powerOn` that have not ended */
  #poweringOn = 0
  #keyTaker: (() => void) | null = null

  constructor(options: ConsolesOptions) {
    const reader = (): Console | undefined => this.#owner ?? this.#open[0]
    this.#options = options
    this.shell = options.shell
    this.out = { write: text => this.#print(text), room: () => this.#room() }
    this.input = {
      readLine: async (prompt, initial) => (await reader()?.readLine(prompt, initial)) ?? null,
      readKey: async timeoutMs => (await reader()?.readKey(timeoutMs)) ?? null,
      get history() {
        return reader()?.history ?? []
      },
    }
  }

  get machine(): Machine {
    return this.#options.machine()
  }

  /** Where is printed now. */
  get #shown(): readonly Console[] {
    return this.#owner === null ? this.#open : [this.#owner]
  }

  #print(text: string): void {
    for (const console of this.#shown) console.print(text)
  }

  #room(): Promise<void> | null {
    const waits = this.#shown.map(console => console.room()).filter(room => room !== null)
    return waits.length === 0 ? null : Promise.all(waits).then(() => undefined)
  }

  /**
   * A terminal is there. It gets its prompt once the machine is ready. Of those that are gone, the latest
   * {@link MOST_GONE} keep the lines that wait.
   */
  open(options: ConsoleOptions): Console {
    const gone = this.#open.filter(console => console.inputEnded && !this.runs(console))
    for (const console of gone.slice(0, Math.max(0, gone.length - MOST_GONE))) this.close(console)
    const console = new Console(this, options)
    this.#open.push(console)
    if (this.#ready) void console.serve()
    return console
  }

  /** The terminal is gone. */
  close(console: Console): void {
    this.#open = this.#open.filter(other => other !== console)
    console.close()
  }

  /** The machine is switched off: nothing runs any more, nothing waits. */
  stop(): void {
    for (const console of this.#open) this.close(console)
    this.shell.stop()
    this.#keyTaker?.()
  }

  /**
   * Power on: the banner, `preboot`, the countdown, `bootcmd`, the prompt. Called again, it stops a countdown that still
   * runs, and begins anew once nothing else runs.
   *
   * @param banner prints it
   */
  async powerOn(banner: () => Promise<void> | void): Promise<void> {
    this.#ready = false
    this.#poweringOn += 1
    this.#keyTaker?.()
    await this.#alone(null, async () => {
      await banner()
      await autoboot({
        env: this.machine.env,
        out: this.out,
        shell: this.shell,
        sentence: this.#options.sentence ?? 'Hit any key to stop autoboot: ',
        plain: this.#options.plain ?? false,
        delay: this.#options.delay ?? 2,
        key: timeoutMs => this.#key(timeoutMs),
      })
    })
    this.#poweringOn -= 1
    // The next one begins now; its prompt comes after it.
    if (this.#poweringOn > 0) return
    this.#ready = true
    for (const console of this.#open) void console.serve()
  }

  /** Send buffered output at once, because this process may end next. */
  flush(): void {
    for (const console of this.#open) console.flush()
  }

  exclusive(owner: Console, work: () => Promise<void>): Promise<void> {
    return this.#alone(owner, work)
  }

  async #alone(owner: Console | null, work: () => Promise<void>): Promise<void> {
    const before = this.#last
    const turn = before.then(async () => {
      this.#owner = owner
      this.#busy = true
      try {
        await work()
      } finally {
        this.#owner = null
        this.#busy = false
      }
    })
    // The next one runs regardless; the error of this one goes to its own caller.
    this.#last = turn.catch(() => {})
    await turn
  }

  runs(console: Console): boolean {
    return this.#owner === console
  }

  interrupts(console: Console): boolean {
    if (!this.#busy || this.#keyTaker !== null) return false
    // If its console is gone, every console can stop the running command.
    return this.#owner === null || this.#owner === console || this.#owner.inputEnded
  }

  /** Wait for a key at any console. */
  #key(timeoutMs: number): Promise<boolean> {
    return new Promise(resolve => {
      const done = (pressed: boolean): void => {
        clearTimeout(timer)
        this.#keyTaker = null
        resolve(pressed)
      }
      const timer = setTimeout(() => done(false), timeoutMs)
      this.#keyTaker = () => done(true)
      for (const console of this.#open) console.pump()
    })
  }

  offerKey(console: Console): boolean {
    if (this.#keyTaker === null || console.takeKey() === null) return false
    this.#keyTaker()
    return true
  }
}
