/** Input that was damaged on its way over a serial line: a command that failed may not be the one that was typed. */

import type { LineCounters } from './console-line.js'

/** What each counter counts: one, and several. */
const NAMES: { readonly [Counter in keyof LineCounters]: readonly [one: string, several: string] } = {
  overrun: ['overrun', 'overruns'],
  frame: ['framing error', 'framing errors'],
  parity: ['parity error', 'parity errors'],
  brk: ['break', 'breaks'],
}

const COUNTERS = Object.keys(NAMES) as (keyof LineCounters)[]

export class LineDamage {
  readonly #count: () => LineCounters | null
  #before: LineCounters | null

  /** @param count reads the line's counters; null where the line has none */
  constructor(count: () => LineCounters | null) {
    this.#count = count
    this.#before = count()
  }

  /** The damage since the last call, in words: `2 overruns, 1 break`. Null if there was none. */
  take(): string | null {
    const [before, now] = [this.#before, this.#count()]
    this.#before = now
    if (before === null || now === null) return null
    const grown = COUNTERS.filter(counter => now[counter] > before[counter]).map(counter => {
      const count = now[counter] - before[counter]
      return `${count} ${NAMES[counter][count === 1 ? 0 : 1]}`
    })
    return grown.length === 0 ? null : grown.join(', ')
  }
}
