/** What decides whether and when something runs: `true`, `false`, `exit`, `run`, `sleep`. */

import { setTimeout as wait } from 'node:timers/promises'
import { ScriptExit } from '../../hush/unwind.js'
import { type Command, USAGE } from '../../machine/machine.js'

/** longest wait of a timer, milliseconds */
const LONGEST_WAIT = 2 ** 30

/** Decimal seconds, of whose fraction three digits count, as milliseconds. */
function milliseconds(text: string): number {
  const [, whole = '', fraction = ''] = /^(\d*)(?:\.(\d{0,3}))?/.exec(text) ?? []
  return (Number(whole) % 2 ** 32) * 1000 + Number(fraction.padEnd(3, '0'))
}

export const flowCommands: readonly Command[] = [
  {
    name: 'exit',
    maxArgs: 2,
    repeatable: true,
    summary: 'exit script',
    usage: '',
    run(_machine, { args: [, status = '0'] }) {
      throw new ScriptExit(Number.parseInt(/^\d+/.exec(status)?.[0] ?? '0', 10) % 2 ** 31)
    },
  },
  {
    name: 'false',
    maxArgs: 64,
    repeatable: true,
    summary: 'do nothing, unsuccessfully',
    usage: '- No additional help available.',
    run: () => 1,
  },
  {
    name: 'run',
    maxArgs: 64,
    repeatable: true,
    summary: 'run commands in an environment variable',
    usage: "var [...]\n    - run the commands in the environment variable(s) 'var'",
    async run({ env, out, shell }, { args: [, ...names], signal }) {
      if (names.length === 0) return USAGE
      for (const name of names) {
        const script = env.get(name)
        if (script === undefined) {
          out.write(`## Error: "${name}" not defined\n`)
          return 1
        }
        const status = await shell.run(script, signal)
        if (status !== 0) return status
      }
      return 0
    },
    complete: ({ env }, words) =>
      words.length === 2 ? env.names().filter(name => name.startsWith(words.at(-1) ?? '')) : [],
  },
  {
    name: 'sleep',
    maxArgs: 2,
    repeatable: true,
    summary: 'delay execution for some time',
    usage: 'N\n    - delay execution for N seconds (N is _decimal_ and can be\n      fractional)',
    async run(_machine, { args: [, seconds], signal }) {
      if (seconds === undefined) return USAGE
      for (let left = milliseconds(seconds); left > 0; left -= LONGEST_WAIT) {
        await wait(Math.min(left, LONGEST_WAIT), undefined, { signal })
      }
      return 0
    },
  },
  {
    name: 'true',
    maxArgs: 64,
    repeatable: true,
    summary: 'do nothing, successfully',
    usage: '- No additional help available.',
    run: () => 0,
  },
]
