/** `version`: this U-Boot and, instead of compiler and linker, what it runs on. */

import { versions } from 'node:process'
import type { Command } from '../../machine/machine.js'

export const versionCommands: readonly Command[] = [
  {
    name: 'version',
    maxArgs: 1,
    repeatable: true,
    summary: 'print monitor, compiler and linker version',
    usage: '',
    run({ out, board: { version, identity } }) {
      const title = identity === '' ? version : `${version} ${identity}`
      out.write(`${title}\n\nNode.js ${versions.node}\nV8 ${versions.v8}\n`)
      return 0
    },
  },
]
