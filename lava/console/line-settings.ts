/** Settings of a serial line: the part after `?` in a console's URL. */

import { fault } from '../../agent/errors.js'

export interface LineSettings {
  /** bits per second */
  readonly baud: number
  readonly parity: 'none' | 'odd' | 'even'
  readonly stop: 1 | 2
}

const DEFAULTS: LineSettings = { baud: 115_200, parity: 'none', stop: 1 }

/** The fastest that a common adapter does, bits per second. */
const FASTEST = 12_000_000

/**
 * Read `baud=115200&parity=none&stop=1`; these are also the defaults.
 *
 * @param url for the error
 * @throws CLI_USAGE
 */
export function lineSettings(url: string, query: URLSearchParams): LineSettings {
  const settings = { ...DEFAULTS }
  const wrong = (reason: string) =>
    fault('CLI_USAGE', { reason: `console ${url}: ${reason}`, command: 'fauxboot boot' })
  for (const [name, value] of query) {
    switch (name) {
      case 'baud':
        settings.baud = Number(value)
        if (!/^\d+$/.test(value) || settings.baud < 50 || settings.baud > FASTEST) {
          throw wrong(`baud is a number from 50 to ${FASTEST}, not '${value}'`)
        }
        break
      case 'parity':
        if (value !== 'none' && value !== 'odd' && value !== 'even') {
          throw wrong(`parity is none, odd or even, not '${value}'`)
        }
        settings.parity = value
        break
      case 'stop':
        if (value !== '1' && value !== '2') throw wrong(`stop is 1 or 2, not '${value}'`)
        settings.stop = value === '1' ? 1 : 2
        break
      default:
        throw wrong(`there is no setting '${name}'; known: baud, parity, stop`)
    }
  }
  return settings
}
