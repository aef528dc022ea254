/** GPIO lines of the simulated board: those of Allwinner's banks, each low until a command drives it. */

import type { Gpio, GpioAction } from '../../agent/uboot/hardware/gpio.js'

/** `PB4`, or the number that it has in all banks; 32 lines a bank. */
const LINE = /^(?:P[A-N](?:[12]?\d|3[01])|\d{1,3})$/

/** Number of the line `PA0`'s bank. */
const FIRST_BANK = 'A'.charCodeAt(0)
const LINES_OF_A_BANK = 32

/** The one name of a line. */
function canonical(line: string): string {
  const number = Number(line)
  if (!Number.isInteger(number)) return line
  return `P${String.fromCharCode(FIRST_BANK + Math.floor(number / LINES_OF_A_BANK))}${number % LINES_OF_A_BANK}`
}

export class SimulatedGpio implements Gpio {
  readonly #high = new Set<string>()

  async drive(line: string, action: GpioAction, signal: AbortSignal): Promise<0 | 1 | null> {
    signal.throwIfAborted()
    const name = canonical(line)
    if (!LINE.test(line) || !LINE.test(name)) return null
    const before = this.#high.has(name)
    const after = { input: before, set: true, clear: false, toggle: !before }[action]
    if (after) this.#high.add(name)
    else this.#high.delete(name)
    return after ? 1 : 0
  }
}
