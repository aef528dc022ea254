/** The SABRE Lite (i.MX6Q): another SoC and another serial driver. */

import t from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { TARGET_LOGIN, targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { Lab, PATIENCE, sawTarget, submit } from './lab.js'

/** The longest that this watchdog can be set to, seconds: a target of a busy host comes up before it bites. */
const TIMEOUT = 128

t.test("sabrelite: Debian 13's kernel boots to a prompt by URL", async t => {
  const lab = await Lab.open(t, 'sabrelite')
  const { qemu, client } = await lab.powerOn(t)
  const { kernel, version } = await debianKernel('trixie')
  const { id } = await submit(client, {
    kernel: lab.server.serve('vmlinuz', kernel),
    ramdisk: lab.server.serve('ramdisk', await lab.ramdisk()),
    dtb: lab.server.serve('board.dtb', await lab.dtb()),
    cmdline: lab.cmdline,
  })
  await sawTarget(t, qemu, [`kernel ${version}`, `job ${id}`, /model .*SABRE Lite/i])
})

/**
 * Typed at the target's shell. It feeds the watchdog with a timeout of its own, for three times as long as the board would
 * survive without that, and then kills the feeder: SIGKILL leaves it no time to stop the watchdog. The words are quoted, so
 * that the echo of the line does not look like them.
 */
const TAKE_OVER = `watchdog -F -T 20 -t 2 /dev/watchdog0 & sleep 60; echo still" there"; kill -9 $!`

t.test('sabrelite: a watchdog that a target takes over bites when the target stops feeding it', async t => {
  const lab = await Lab.open(t, 'sabrelite')
  const { qemu, client } = await lab.powerOn(t)
  await submit(client, {
    kernel: lab.server.serve('vmlinuz', (await debianKernel('trixie')).kernel),
    ramdisk: lab.server.serve('ramdisk', await targetRamdisk({ loads: ['imx2_wdt'], withModules: true })),
    dtb: lab.server.serve('board.dtb', await lab.dtb()),
    cmdline: lab.cmdline,
    options: { watchdog: TIMEOUT },
  })
  await qemu.console.waitFor(TARGET_LOGIN, PATIENCE)
  qemu.console.send('root\n')
  await qemu.console.waitFor('# ', PATIENCE)
  const from = qemu.console.transcript.length
  qemu.console.send(`${TAKE_OVER}\n`)
  await qemu.console.waitFor('still there', PATIENCE)
  t.notMatch(qemu.console.transcript.slice(from), 'U-Boot', 'the board has stayed up')
  await qemu.console.waitFor('Hit any key to stop autoboot', PATIENCE)
  t.notMatch(qemu.console.transcript.slice(from), 'reboot:', 'nobody asked for it')
})
