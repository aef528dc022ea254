/** The SABRE Lite (i.MX6Q): another SoC and another serial driver. */

import t from 'tap'
import { TargetShell } from '../../lava/console/target-shell.js'
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

/** The target's own timeout, seconds. */
const OWN_TIMEOUT = 20

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
  const { console } = qemu
  const shell = await TargetShell.enter(
    { type: async text => console.send(text), waitFor: (pattern, options) => console.waitFor(pattern, options) },
    { user: 'root' },
  )
  const from = console.transcript.length
  // Three times as long as the board survives without being fed.
  const fed = `watchdog -T ${OWN_TIMEOUT} -t 2 /dev/watchdog0 && sleep ${3 * OWN_TIMEOUT} && pidof watchdog`
  t.equal((await shell.run(fed, PATIENCE.timeoutMs)).status, 0)
  t.notMatch(console.transcript.slice(from), 'U-Boot', 'the board has stayed up')
  // SIGKILL leaves the feeder no time to stop the watchdog.
  t.equal((await shell.run('killall -9 watchdog', PATIENCE.timeoutMs)).status, 0)
  await console.waitFor('Hit any key to stop autoboot', PATIENCE)
  t.notMatch(console.transcript.slice(from), 'reboot:', 'nobody asked for it')
})
