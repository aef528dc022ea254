import t from 'tap'
import type { ConsoleLine } from '../../../../agent/uboot/console/console-line.js'
import { UBoot } from '../../../../agent/uboot/uboot.js'
import { plainEnvironment, testMachine } from './machine.js'

t.test('a serial adapter that is pulled out takes its console along, and nothing else', async t => {
  const { board, env, memory, network, storage, gpio, boot } = testMachine(t)
  const parts = { board, env, memory, network, storage, gpio, boot, autobootText: 'stop', bootDelay: 0 }
  const uboot = new UBoot(parts)
  const gone: ConsoleLine = {
    name: '/dev/ttyUSB0',
    ended: Promise.resolve(),
    receive: () => undefined,
    resume: () => undefined,
    send: () => undefined,
    room: () => null,
    drained: () => Promise.reject(new Error('EIO')),
    close: () => undefined,
  }
  await uboot.powerOn()
  await t.resolves(uboot.attach(gone))
  await t.resolves(uboot.drained(), 'the others are still there')
})

t.test('a command goes on when its serial adapter is pulled out, and ends with its telnet connection', async t => {
  for (const interruptsAtEnd of [false, true]) {
    const { board, env, memory, network, storage, gpio, boot } = testMachine(t)
    const parts = { board, env, memory, network, storage, gpio, boot, autobootText: 'stop', bootDelay: 0 }
    const uboot = new UBoot(parts)
    let end = (): void => undefined
    let [type, shown]: [(bytes: string) => boolean, string] = [() => true, '']
    const line: ConsoleLine = {
      name: 'the line',
      ended: new Promise<void>(resolve => (end = resolve)),
      interruptsAtEnd,
      receive: listener => {
        type = listener
      },
      resume: () => undefined,
      send: bytes => {
        shown += bytes
        if (shown.endsWith('begun\r\n')) end()
      },
      room: () => null,
      drained: async () => undefined,
      close: () => undefined,
    }
    await uboot.powerOn()
    const gone = uboot.attach(line)
    type('echo begun; sleep 0.05; setenv through 1\r')
    await gone
    t.equal(env.get('through'), interruptsAtEnd ? undefined : '1')
  }
})

t.test('a new loadaddr is where image commands look, and env default resets it', async t => {
  const { board, memory, network, storage, gpio, boot } = testMachine(t)
  const env = plainEnvironment({ loadaddr: '0x42000000' })
  const { machine } = new UBoot({ board, env, memory, network, storage, gpio, boot, autobootText: '', bootDelay: 0 })
  t.equal(machine.state.loadAddress, 0x4200_0000)
  env.set('loadaddr', '43000000')
  t.equal(machine.state.loadAddress, 0x4300_0000)
  env.set('loadaddr', null)
  t.equal(machine.state.loadAddress, 0x4300_0000, 'without the variable it stays')
  await machine.shell.run('env default -a', new AbortController().signal)
  t.equal(machine.state.loadAddress, 0x4200_0000)
})
