import t from 'tap'
import { interrupt, type } from '../board/console-suite.js'
import { Lab, PATIENCE } from '../board/lab.js'

/** A lab resets its board before every job. */
const RESETS = 5

t.test(`cubieboard4: ${RESETS} resets in a row end at the countdown, with the same MAC address`, async t => {
  const lab = await Lab.open(t, 'cubieboard4')
  const { qemu } = await lab.atCountdown(t)
  await interrupt(qemu.console)
  const address = /ethaddr=(\S+)/.exec(await type(qemu.console, 'printenv ethaddr'))?.[1]
  for (let count = 1; count <= RESETS; count++) {
    qemu.console.send('reset\n')
    await qemu.console.waitFor('U-Boot SPL 2025.01', PATIENCE)
    await interrupt(qemu.console)
    t.match(await type(qemu.console, 'printenv ethaddr'), `ethaddr=${address}`, `reset ${count}`)
  }
})
