/** Pins: `gpio`. */

import { type Call, type Command, type Machine, USAGE } from '../machine/machine.js'

const ACTIONS = ['input', 'set', 'clear', 'toggle'] as const

/** Actions may be shortened to their first letter. */
const actionOf = (word: string): (typeof ACTIONS)[number] | undefined =>
  ACTIONS.find(action => word !== '' && action.startsWith(word))

async function gpio(machine: Machine, call: Call): Promise<number> {
  const [, word = '', pin] = call.args
  // Linux claims the pins here, so U-Boot's list of claims is empty.
  if (word === 'status') return 0
  const action = actionOf(word)
  if (action === undefined || pin === undefined) return USAGE
  const value = await machine.gpio.drive(pin, action, call.signal)
  if (value === null) {
    machine.out.write(`GPIO: '${pin}' not found\nCommand 'gpio' failed: Error -22\n`)
    return 1
  }
  const [, number = '0'] = /(\d+)$/.exec(pin) ?? []
  machine.out.write(`gpio: pin ${pin} (gpio ${Number(number)}) value is ${value}\n`)
  return action === 'input' ? value : 0
}

export const gpioCommands: readonly Command[] = [
  {
    name: 'gpio',
    maxArgs: 4,
    summary: 'query and control gpio pins',
    usage:
      '<input|set|clear|toggle> <pin>\n    - input/set/clear/toggle the specified pin\n' +
      'gpio status [-a] [<bank> | <pin>]  - show [all/claimed] GPIOs',
    run: gpio,
  },
]
