/** `source`: run a script from memory. */

import { parseScriptPlace, runScript } from '../../boot/script.js'
import { hex8 } from '../../lib/numbers.js'
import type { Call, Command, Machine } from '../../machine/machine.js'

async function source(machine: Machine, { args, signal }: Call): Promise<number> {
  const place = parseScriptPlace(machine, args[1])
  machine.out.write(`## Executing script at ${hex8(place.address)}\n`)
  return runScript(machine, place, signal)
}

export const sourceCommands: readonly Command[] = [
  {
    name: 'source',
    maxArgs: 2,
    summary: 'run script from memory',
    usage: `[<addr>][:[<image>]|#[<config>]]
\t- Run script starting at addr
\t- A FIT config name or subimage name may be specified with : or #
\t  (like bootm). If the image or config name is omitted, the
\t  default is used.`,
    run: source,
  },
]
