import t from 'tap'
import type { ConsoleLine } from '../../../../agent/uboot/console/console-line.js'
import { UBoot } from '../../../../agent/uboot/uboot.js'
import { testMachine } from './machine.js'

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
