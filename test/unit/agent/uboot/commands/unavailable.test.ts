import t from 'tap'
import { COMMANDS } from '../../../../../agent/uboot/command-list.js'
import { configCommands } from '../../../../../agent/uboot/commands/board/config.js'
import { unavailableCommands } from '../../../../../agent/uboot/commands/unavailable.js'
import { testMachine } from '../machine.js'
import { runner } from '../typed-command.js'

t.test('a command that cannot work here says why in one line', async t => {
  const run = runner(testMachine(t), unavailableCommands)
  for (const { name } of unavailableCommands) {
    const { out, rc } = await run(`${name} mmc 0:1`)
    t.match(out, new RegExp(`^## fauxboot: ${name}: [^\\n]+\\n$`))
    t.equal(rc, 1)
  }
})

t.test('no name is in the table of commands twice', async t => {
  const names = COMMANDS.map(({ name }) => name)
  t.same(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  )
})

t.test('config tells what this U-Boot has', async t => {
  const machine = testMachine(t, { commands: COMMANDS })
  const { out } = await runner(machine, configCommands)('config')
  t.match(out, 'CONFIG_BAUDRATE=115200\nCONFIG_BOOTDELAY=2\nCONFIG_HUSH_PARSER=y\nCONFIG_SYS_LOAD_ADDR=0x0\n')
  t.match(out, 'CONFIG_CMD_BOOTZ=y\n')
})
