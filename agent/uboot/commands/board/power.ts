/** Commands that end everything: reset and poweroff. */

import { asFault } from '../../../errors.js'
import type { Command, Machine } from '../../machine/machine.js'

/** If a call returns, it has failed. */
async function orSayWhy(machine: Machine, doing: string, act: () => Promise<never>): Promise<number> {
  try {
    return await act()
  } catch (thrown) {
    machine.out.write(`${asFault(thrown, doing).message}\n`)
    return 1
  }
}

export const powerCommands: readonly Command[] = [
  {
    name: 'poweroff',
    maxArgs: 1,
    summary: 'Perform POWEROFF of the device',
    usage: '',
    run(machine) {
      machine.out.write('poweroff ...\n')
      return orSayWhy(machine, 'switching off', () => machine.boot.powerOff())
    },
  },
  {
    name: 'reset',
    maxArgs: 2,
    summary: 'Perform RESET of the CPU',
    usage: '- cold boot without level specifier\nreset -w - warm reset if implemented',
    run(machine) {
      machine.out.write('resetting ...\n')
      return orSayWhy(machine, 'resetting', () => machine.boot.reset())
    },
  },
]
