/** Runs commands of a table without a shell: words by spaces and double quotes, `$?` and errors as the shell treats them. */

import { FauxbootError } from '../../../../agent/errors.js'
import { type Command, USAGE } from '../../../../agent/uboot/machine/machine.js'
import type { TestMachine } from './machine.js'

/** @returns a function that runs a line, and resolves to what it printed and `$?` */
export function runner(machine: TestMachine, commands: readonly Command[]) {
  return async (line: string, signal = new AbortController().signal): Promise<{ out: string; rc: number }> => {
    const args = Array.from(line.matchAll(/"([^"]*)"|[^ ]+/g), match => match[1] ?? match[0])
    const command = commands.find(({ name }) => name === args[0])
    if (command === undefined) throw new Error(`no command ${args[0]}`)
    try {
      const rc = await command.run(machine, { args, repeated: false, signal })
      if (rc !== USAGE) return { out: machine.printed(), rc }
      return { out: `${machine.printed()}usage of ${command.name}\n`, rc: 1 }
    } catch (thrown) {
      if (!(thrown instanceof FauxbootError)) throw thrown
      return { out: `${machine.printed()}${thrown.ubootText}\n`, rc: 1 }
    }
  }
}
