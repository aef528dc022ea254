/** `help` and its other name `?`. */

import { findCommand, usageText } from '../../machine/command-table.js'
import type { Call, Command, Machine } from '../../machine/machine.js'

/** columns of the names */
const WIDTH = 10

function help({ out, commands }: Machine, { args: [, ...names] }: Call): number {
  if (names.length === 0) {
    for (const { name, summary } of commands) out.write(`${name.padEnd(WIDTH)}- ${summary}\n`)
    return 0
  }
  for (const name of names) {
    const command = findCommand(commands, name)
    out.write(
      command === null
        ? `Unknown command '${name}' - try 'help' without arguments for list of all known commands\n\n`
        : usageText(command),
    )
  }
  // 1 also where everything was found: that is what U-Boot's usage function returns.
  return 1
}

export const helpCommands: readonly Command[] = [
  { name: '?', maxArgs: 64, repeatable: true, summary: "alias for 'help'", usage: '', run: help },
  {
    name: 'help',
    maxArgs: 64,
    repeatable: true,
    summary: 'print command description/usage',
    usage:
      '\n\t- print brief description of all commands\n' + "help command ...\n\t- print detailed usage of 'command'",
    run: help,
  },
]
