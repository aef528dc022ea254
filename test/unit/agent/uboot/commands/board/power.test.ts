import t from 'tap'
import { fault } from '../../../../../../agent/errors.js'
import { powerCommands } from '../../../../../../agent/uboot/commands/board/power.js'
import { call, type TestMachine, testMachine } from '../../machine.js'

const run = async (machine: TestMachine, line: string) =>
  powerCommands.find(({ name }) => line.startsWith(name))?.run(machine, call(line))

t.test('reset and poweroff that fail say why, and the console goes on', async t => {
  const refused = (action: string) => async () => {
    throw fault('BOARD_POWER', { action, reason: 'EPERM' })
  }
  const boot = { boot: refused('booted'), reset: refused('restarted'), powerOff: refused('switched off') }
  const machine = testMachine(t, { boot })
  t.equal(await run(machine, 'reset'), 1)
  t.equal(machine.printed(), 'resetting ...\nthe board cannot be restarted: EPERM; switch its power\n')
  t.equal(await run(machine, 'poweroff'), 1)
  t.equal(machine.printed(), 'poweroff ...\nthe board cannot be switched off: EPERM; switch its power\n')
})
