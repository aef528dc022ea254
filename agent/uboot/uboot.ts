/** One faked U-Boot: its machine, its shell, its consoles. The one way in for everybody outside this folder. */

import { asFault } from '../errors.js'
import { bannerText } from './board/banner.js'
import type { BoardFacts } from './board/board-facts.js'
import { COMMANDS } from './command-list.js'
import type { ConsoleLine } from './console/console-line.js'
import { Consoles } from './console/consoles.js'
import { LineDamage } from './console/line-damage.js'
import type { Environment } from './env/environment.js'
import type { BootTarget } from './hardware/boot-target.js'
import type { Gpio } from './hardware/gpio.js'
import type { Memory } from './hardware/memory.js'
import type { Network } from './hardware/network.js'
import type { Storage } from './hardware/storage.js'
import { Shell } from './hush/shell.js'
import { parseHex } from './lib/numbers.js'
import type { Machine } from './machine/machine.js'
import { stateAtPowerOn } from './machine/state.js'

/** What it depends on. */
export interface UBootParts {
  readonly board: BoardFacts
  readonly env: Environment
  readonly memory: Memory
  readonly network: Network
  readonly storage: Storage
  readonly gpio: Gpio
  readonly boot: BootTarget
  /** `Hit any key to stop autoboot` */
  readonly autobootText: string
  /** a countdown without escape sequences; they are there unless given */
  readonly autobootPlain?: boolean
  /** seconds of the countdown where `bootdelay` is not set */
  readonly bootDelay: number
  /** called after the banner, when the countdown begins */
  readonly cameUp?: () => void
  /** lines after the banner, none unless given */
  readonly notices?: readonly string[]
  /** `Date` unless given */
  readonly now?: () => Date
  /** milliseconds that only ever grow; `performance` unless given */
  readonly ticks?: () => number
}

export class UBoot {
  readonly machine: Machine
  readonly #consoles: Consoles
  readonly #lines = new Set<ConsoleLine>()
  readonly #notices: readonly string[]
  readonly #cameUp: () => void

  constructor(parts: UBootParts) {
    const { autobootText, autobootPlain, bootDelay, notices = [], cameUp = () => undefined, ...rest } = parts
    const { now = () => new Date(), ticks = () => Math.floor(performance.now()) } = parts
    this.#notices = notices
    this.#cameUp = cameUp
    const shell = new Shell(() => this.machine)
    this.#consoles = new Consoles({
      machine: () => this.machine,
      shell,
      sentence: `${autobootText}: `,
      plain: autobootPlain,
      delay: bootDelay,
    })
    this.machine = {
      ...rest,
      out: this.#consoles.out,
      input: this.#consoles.input,
      shell,
      commands: COMMANDS,
      now,
      ticks,
      state: stateAtPowerOn(parts.env),
    }
    parts.env.observe('loadaddr', value => {
      this.machine.state.loadAddress = parseHex(value)
    })
  }

  /**
   * Open a console on a line.
   *
   * @returns once the other end is gone and its input has been processed
   */
  async attach(line: ConsoleLine): Promise<void> {
    const damage = new LineDamage(async () => (await line.damage?.()) ?? null)
    const console = this.#consoles.open({
      write: bytes => line.send(bytes),
      room: () => line.room(),
      damage: () => damage.take(),
      drained: () => line.resume(),
    })
    this.#lines.add(line)
    line.receive(bytes => console.receive(bytes))
    void line.ended.then(() => (line.interruptsAtEnd === true ? console.hangUp() : console.endInput()))
    await console.ended
    this.#consoles.close(console)
    // Output that a lost line still held is lost, too.
    await Promise.allSettled([line.drained()])
    this.#lines.delete(line)
  }

  /**
   * Come up: the saved environment, the banner, the countdown, `bootcmd`, and then the prompt; once more if called again.
   *
   * @param line a console is opened on it just before the banner: it does not show the end of an earlier countdown
   */
  powerOn(line?: ConsoleLine): Promise<void> {
    return this.#consoles.powerOn(async () => {
      if (line !== undefined) void this.attach(line)
      const { board, network, out, env } = this.machine
      const loaded = await this.#loadEnvironment()
      this.machine.state = stateAtPowerOn(env)
      out.write(bannerText(board, await network.devices(), env, loaded))
      for (const notice of this.#notices) out.write(`## fauxboot: ${notice}\n`)
      this.#cameUp()
    })
  }

  /** @returns the line that reports the result */
  async #loadEnvironment(): Promise<string> {
    const { env } = this.machine
    if (env.store === null) return 'Loading Environment from nowhere... OK'
    const line = `Loading Environment from ${env.store.name}... `
    try {
      const saved = await env.store.load()
      if (saved === null) return `${line}*** Warning - bad CRC, using default environment\n`
      env.restore(saved)
      return `${line}OK`
    } catch (thrown) {
      // A console without its saved variables is better than no console.
      const { message } = asFault(thrown, 'loading the environment')
      return `${line}${message}\n*** Warning - read failed, using default environment\n`
    }
  }

  /** Resolves when everything that was printed has left the machine: the next thing may be the jump. */
  async drained(): Promise<void> {
    this.#consoles.flush()
    // A line that is lost meanwhile must not keep the board from jumping.
    await Promise.allSettled([...this.#lines].map(line => line.drained()))
  }

  /** Switch off: whatever runs is ended. Lines and memory stay. */
  stop(): void {
    this.#consoles.stop()
  }

  /** Close every line, and forget the memory. */
  close(): void {
    for (const line of this.#lines) line.close()
    this.machine.memory.close()
  }
}
