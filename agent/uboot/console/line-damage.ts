/** Input that was damaged on its way over a serial line: a command that failed may not be the one that was typed. */

import type { SerialDamage } from '../../boot/board/serial-damage.js'

/** What each counter counts: one, and several. */
const NAMES: { readonly [Counter in keyof SerialDamage]: readonly [one: string, several: string] } = {
  overrun: ['overrun', 'overruns'],
  frame: ['framing error', 'framing errors'],
  parity: ['parity error', 'parity errors'],
  break: ['break', 'breaks'],
}

const COUNTERS = Object.keys(NAMES) as (keyof SerialDamage)[]

export class LineDamage {
  readonly #count: () => Promise<SerialDamage | null>
  #before: Promise<SerialDamage | null>

  /** @param count what the line has counted since its driver was loaded; null where it counts nothing */
  constructor(count: () => Promise<SerialDamage | null>) {
    this.#count = count
    this.#before = count()
  }

  /** The damage since the last call, in words: `2 overruns, 1 break`. Null if there was none. */
  async take(): Promise<string | null> {
    const last = this.#before
    this.#before = this.#count()
    const [before, now] = await Promise.all([last, this.#before])
    if (before === null || now === null) return null
    const grown = COUNTERS.filter(counter => now[counter] > before[counter]).map(counter => {
      const count = now[counter] - before[counter]
      return `${count} ${NAMES[counter][count === 1 ? 0 : 1]}`
    })
    return grown.length === 0 ? null : grown.join(', ')
  }
}
