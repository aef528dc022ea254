/** `config`: the configuration of this U-Boot, as its `.config` would have it. */

import { parseDecimal } from '../../lib/numbers.js'
import { buildAddress, type Command, type Machine } from '../../machine/machine.js'

/** Names of commands that are options of their own: those of letters and digits. */
const OPTION = /^[a-z]\w*$/

function configText(machine: Machine): string {
  const { board, commands } = machine
  const lines = [
    'CONFIG_ARM=y',
    `CONFIG_BAUDRATE=${board.baudrate}`,
    `CONFIG_BOOTDELAY=${parseDecimal(board.environment.bootdelay ?? '2')}`,
    'CONFIG_HUSH_PARSER=y',
    `CONFIG_SYS_LOAD_ADDR=0x${buildAddress(machine).toString(16)}`,
    'CONFIG_SYS_PROMPT="=> "',
    ...commands.filter(({ name }) => OPTION.test(name)).map(({ name }) => `CONFIG_CMD_${name.toUpperCase()}=y`),
  ]
  return `${lines.join('\n')}\n`
}

export const configCommands: readonly Command[] = [
  {
    name: 'config',
    maxArgs: 1,
    repeatable: true,
    summary: 'print .config',
    usage: '',
    run(machine) {
      machine.out.write(configText(machine))
      return 0
    },
  },
]
