/** Running one command of the table. */

import { asFault, FauxbootError } from '../../errors.js'
import { findCommand, usageText } from '../machine/command-table.js'
import { type Call, type Machine, USAGE } from '../machine/machine.js'
import { ShellUnwind } from './unwind.js'

/** How a command ended. */
export interface CommandEnd {
  /** `$?` */
  readonly status: number
  /** an empty line may run it once more */
  readonly repeatable: boolean
}

/** What a command threw, as its status; errors are printed. @throws ShellUnwind */
function failed(machine: Machine, name: string, signal: AbortSignal, thrown: unknown): number {
  if (thrown instanceof ShellUnwind) throw thrown
  // ^C is not an error: the command prints its own message about it.
  if (signal.aborted && !(thrown instanceof FauxbootError)) return 1
  machine.out.write(`${asFault(thrown, `running ${name}`).ubootText}\n`)
  return 1
}

/**
 * Look a command up and run it.
 *
 * @throws ShellUnwind
 */
export async function runCommand(machine: Machine, call: Call): Promise<CommandEnd> {
  const [name = ''] = call.args
  const command = findCommand(machine.commands, name)
  if (command === null) {
    machine.out.write(`Unknown command '${name}' - try 'help'\n`)
    return { status: 1, repeatable: true }
  }
  if (call.args.length > command.maxArgs) {
    machine.out.write(usageText(command))
    return { status: 1, repeatable: true }
  }
  const repeatable = command.repeatable ?? false
  try {
    const status = await command.run(machine, call)
    if (status !== USAGE) return { status, repeatable }
    machine.out.write(usageText(command))
    return { status: 1, repeatable }
  } catch (thrown) {
    return { status: failed(machine, command.name, call.signal, thrown), repeatable }
  }
}
