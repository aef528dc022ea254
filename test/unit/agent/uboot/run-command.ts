/** Runs commands of a table as they are typed, without a shell: words are split at blanks, quotes keep blanks in a word. */

import type { Test } from 'tap'
import { type Command, type Machine, USAGE } from '../../../../agent/uboot/machine/machine.js'
import { type TestMachine, testMachine } from './machine.js'

/** A machine with a table of commands, and a way to type at it. */
export interface Bench {
  readonly machine: TestMachine
  /** What a line prints, with `$?` in front where it is not 0. */
  type(line: string, options?: { readonly repeated?: boolean; readonly signal?: AbortSignal }): Promise<string>
}

/**
 * @param answers what is typed when a command asks; null is ^C
 */
export function bench(
  t: Pick<Test, 'teardown'>,
  commands: readonly Command[],
  parts: Partial<Machine> = {},
  answers: (string | null)[] = [],
): Bench {
  const machine: TestMachine = testMachine(t, {
    commands,
    input: {
      async readLine(prompt, initial = '') {
        machine.out.write(`${prompt}${initial}`)
        return answers.shift() ?? null
      },
      readKey: async () => null,
      history: [],
    },
    ...parts,
  })
  return {
    machine,
    async type(line, { repeated = false, signal = new AbortController().signal } = {}) {
      const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
      const [name = ''] = args[0]?.split('.') ?? []
      const command = commands.find(row => row.name === name)
      if (command === undefined) throw new Error(`there is no command ${name}`)
      const result = await command.run(machine, { args, repeated, signal })
      const status = result === USAGE ? `usage of ${command.name}\n` : result === 0 ? '' : `${result}: `
      return status + machine.printed()
    },
  }
}
