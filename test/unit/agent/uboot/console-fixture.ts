/** Consoles with the commands of the shell and of the environment. */

import type { Test } from 'tap'
import { envCommands } from '../../../../agent/uboot/commands/env/env.js'
import { echoCommands } from '../../../../agent/uboot/commands/shell/echo.js'
import { flowCommands } from '../../../../agent/uboot/commands/shell/flow.js'
import { helpCommands } from '../../../../agent/uboot/commands/shell/help.js'
import { itestCommands } from '../../../../agent/uboot/commands/shell/itest.js'
import { setexprCommands } from '../../../../agent/uboot/commands/shell/setexpr.js'
import { testCommands } from '../../../../agent/uboot/commands/shell/test.js'
import { versionCommands } from '../../../../agent/uboot/commands/shell/version.js'
import type { Console } from '../../../../agent/uboot/console/console.js'
import { Consoles, type ConsolesOptions } from '../../../../agent/uboot/console/consoles.js'
import { Shell } from '../../../../agent/uboot/hush/shell.js'
import type { Command, Machine } from '../../../../agent/uboot/machine/machine.js'
import { plainEnvironment, testMachine } from './machine.js'

/** One that goes on when it is repeated, and one that asks for a line or a key. */
const askingCommands: readonly Command[] = [
  {
    name: 'md',
    maxArgs: 3,
    repeatable: true,
    summary: 'memory display',
    usage: '[.b, .w, .l] address [# of objects]',
    run({ out }, { repeated }) {
      out.write(repeated ? 'goes on\n' : 'begins\n')
      return 0
    },
  },
  {
    name: 'ask',
    maxArgs: 2,
    summary: 'ask for a line or a key',
    usage: 'line|key',
    async run({ input, out }, { args: [, what] }) {
      const answer = await (what === 'key' ? input.readKey(5) : input.readLine('edit: ', 'X'))
      out.write(`[${answer ?? 'none'}]\n`)
      return 0
    },
  },
]

const shellCommands: readonly Command[] = [
  ...echoCommands,
  ...envCommands,
  ...flowCommands,
  ...helpCommands,
  ...itestCommands,
  ...setexprCommands,
  ...testCommands,
  ...versionCommands,
]

/** A terminal: what it is sent, and what it shows. */
export class Terminal {
  readonly console: Console
  #shown: string[] = []
  /** the end of it */
  #tail = ''
  #wake: () => void = () => {}

  constructor(bench: Consoles, damage?: () => Promise<string | null>) {
    this.console = bench.open({
      damage,
      write: bytes => {
        this.#shown.push(bytes)
        this.#tail = (this.#tail + bytes).slice(-100)
        this.#wake()
      },
    })
  }

  type(bytes: string): void {
    this.console.receive(bytes)
  }

  /** Everything shown since the last call, as soon as it ends so. */
  async shows(end: string): Promise<string> {
    while (!this.#tail.endsWith(end)) await new Promise<void>(resolve => (this.#wake = resolve))
    this.#tail = ''
    return this.#shown.splice(0).join('')
  }

  /** Type, and wait for the prompt. */
  async exchange(bytes: string, end = '=> '): Promise<string> {
    this.type(bytes)
    return this.shows(end)
  }
}

export interface TestConsole {
  readonly consoles: Consoles
  readonly machine: Machine
  readonly shell: Shell
  readonly terminal: Terminal
}

/** A machine that is not switched on yet, with one terminal. */
export function bench(
  t: Test,
  parts: Partial<Machine> & { readonly variables?: Readonly<Record<string, string>> } = {},
  options: Partial<ConsolesOptions> = {},
): TestConsole {
  const { variables, ...machineParts } = parts
  const shell = new Shell(() => machine)
  const consoles = new Consoles({ machine: () => machine, shell, ...options })
  const machine: Machine = testMachine(t, {
    shell,
    out: consoles.out,
    input: consoles.input,
    env: plainEnvironment(variables),
    commands: [...shellCommands, ...askingCommands].sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...machineParts,
  })
  return { consoles, machine, shell, terminal: new Terminal(consoles) }
}

/** A machine at its prompt. */
export async function atPrompt(t: Test, parts: Parameters<typeof bench>[1] = {}): Promise<TestConsole> {
  const made = bench(t, parts)
  await made.consoles.powerOn(() => {})
  await made.terminal.shows('=> ')
  return made
}
