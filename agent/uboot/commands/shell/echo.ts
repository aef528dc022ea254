/** Commands that only print: `echo`, `showvar`, `history`. */

import type { Command } from '../../machine/machine.js'

export const echoCommands: readonly Command[] = [
  {
    name: 'echo',
    maxArgs: 64,
    repeatable: true,
    summary: 'echo args to console',
    usage: '[-n] [args..]\n    - echo args to console; -n suppresses newline',
    run({ out }, { args }) {
      const newline = args[1] !== '-n'
      out.write(args.slice(newline ? 1 : 2).join(' ') + (newline ? '\n' : ''))
      return 0
    },
  },
  {
    name: 'history',
    maxArgs: 1,
    repeatable: true,
    summary: 'print command history',
    usage: '',
    run({ out, input }) {
      for (const line of input.history) out.write(`${line}\n`)
      return 0
    },
  },
  {
    name: 'showvar',
    maxArgs: 64,
    repeatable: true,
    summary: 'print local hushshell variables',
    usage:
      '\n    - print values of all hushshell variables\n' +
      "showvar name ...\n    - print value of hushshell variable 'name'",
    run({ out, shell: { locals } }, { args: [, ...names] }) {
      for (const name of names.length === 0 ? locals.keys() : names) {
        const value = locals.get(name)
        out.write(value === undefined ? `## Error: "${name}" not defined\n` : `${name}=${value}\n`)
      }
      return names.filter(name => !locals.has(name)).length
    },
  },
]
