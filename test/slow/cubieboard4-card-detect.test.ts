import t from 'tap'
import { interrupt, type } from '../board/console-suite.js'
import { cubieboard4Card, powerOnCubieboard4 } from '../board/cubieboard4-card.js'

t.test('cubieboard4: boots from a card that its card-detect pin does not report, and shows one countdown', async t => {
  const qemu = await powerOnCubieboard4(t, { sd: await cubieboard4Card(), machineProperties: { 'card-detect': 'off' } })
  await interrupt(qemu.console)
  const { transcript } = qemu.console
  t.notMatch(transcript, 'MMC: no card present')
  const sentences = transcript.match(/Hit any key to stop autoboot/g) ?? []
  const countdown = transcript.slice(transcript.indexOf('Hit any key'))
  t.equal(sentences.length, countdown.split('\x1b[2K').length, 'the real U-Boot is silent: one countdown only')
  t.match(await type(qemu.console, 'printenv ethaddr'), /ethaddr=02(:[0-9a-f]{2}){5}/, 'made from the chip identifier')
})
