/** GPIO lines of the simulated board: those of Allwinner's banks, each low until a command drives it or something outside holds it high. */

import type { Gpio, GpioAction, GpioLine } from '../../agent/uboot/hardware/gpio.js'

/** `PB4`, or the number that it has in all banks; 32 lines a bank. */
const LINE = /^(?:P[A-N](?:[12]?\d|3[01])|\d{1,3})$/

/** Number of the line `PA0`'s bank. */
const FIRST_BANK = 'A'.charCodeAt(0)
const LINES_OF_A_BANK = 32
/** `PA` to `PN`, as an A80 has them. */
const BANKS = 14

/** The one name of a line. */
function canonical(line: string): string {
  const number = Number(line)
  if (!Number.isInteger(number)) return line
  return `P${String.fromCharCode(FIRST_BANK + Math.floor(number / LINES_OF_A_BANK))}${number % LINES_OF_A_BANK}`
}

export class SimulatedGpio implements Gpio {
  readonly #high = new Set<string>()
  readonly #held: ReadonlySet<string>
  readonly #outputs = new Set<string>()

  /** @param held lines that something outside holds high while they are inputs */
  constructor(held: readonly string[] = []) {
    this.#held = new Set(held.map(canonical))
  }

  #isHigh(name: string): boolean {
    return this.#outputs.has(name) ? this.#high.has(name) : this.#held.has(name) || this.#high.has(name)
  }

  async lines(name: string | null, signal: AbortSignal): Promise<readonly GpioLine[]> {
    signal.throwIfAborted()
    const all = Array.from({ length: BANKS * LINES_OF_A_BANK }, (_, number) => canonical(String(number)))
    const shown = all.filter(line => name === null || line === canonical(name) || line.replace(/\d+$/, '') === name)
    return shown.map(line => ({
      name: line,
      direction: this.#outputs.has(line) ? 'output' : 'input',
      value: this.#isHigh(line) ? 1 : 0,
    }))
  }

  async drive(line: string, action: GpioAction, signal: AbortSignal): Promise<0 | 1 | null> {
    signal.throwIfAborted()
    const name = canonical(line)
    if (!LINE.test(line) || !LINE.test(name)) return null
    const before = this.#isHigh(name)
    if (action === 'input') {
      this.#outputs.delete(name)
      return this.#isHigh(name) ? 1 : 0
    }
    const after = { set: true, clear: false, toggle: !before }[action]
    this.#outputs.add(name)
    if (after) this.#high.add(name)
    else this.#high.delete(name)
    return after ? 1 : 0
  }
}
