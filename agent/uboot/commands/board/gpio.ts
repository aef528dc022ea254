/** Pins: `gpio`. */

import { type Call, type Command, type Machine, USAGE } from '../../machine/machine.js'

const ACTIONS = ['input', 'set', 'clear', 'toggle'] as const

/** Actions may be shortened to their first letter. */
const actionOf = (word: string): (typeof ACTIONS)[number] | undefined =>
  ACTIONS.find(action => word !== '' && action.startsWith(word))

/** `gpio status`: without `-a`, only what U-Boot has claimed is shown. That is nothing: Linux claims the pins here. */
async function status(machine: Machine, { args: [, , ...words], signal }: Call): Promise<number> {
  const [name = null] = words.filter(word => word !== '-a')
  if (name === null && words[0] !== '-a') return 0
  let bank = ''
  for (const { name: line, direction, value } of await machine.gpio.lines(name, signal)) {
    const [letters = ''] = /^\D*/.exec(line) ?? []
    if (letters !== bank) machine.out.write(`${bank === '' ? '' : '\n'}Bank ${letters}:\n`)
    bank = letters
    machine.out.write(`${line}: ${direction}: ${value} [ ]\n`)
  }
  return 0
}

function notFound({ out }: Machine, pin: string): number {
  out.write(`GPIO: '${pin}' not found\nCommand 'gpio' failed: Error -22\n`)
  return 1
}

async function gpio(machine: Machine, call: Call): Promise<number> {
  const [, word = '', pin] = call.args
  if (word === 'status') return status(machine, call)
  const action = actionOf(word)
  if (action === undefined || pin === undefined) return USAGE
  const value = await machine.gpio.drive(pin, action, call.signal)
  if (value === null) return notFound(machine, pin)
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
