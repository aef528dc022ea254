/** The hardware watchdog of the emulated Cubieboard4, armed for a target. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import type { BoardClient } from '../../lava/client/board-client.js'
import { FileTree } from '../../systemd/image/file-tree.js'
import { firstStageTree } from '../../systemd/image/first-stage-packages.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetModules } from '../../systemd/target/target-modules.js'
import { followStates, Lab, PATIENCE, submit } from '../board/lab.js'

/** The longest that this watchdog can be set to, seconds. */
const TIMEOUT = 16

/**
 * Nanoseconds of an instruction, as a power of two. Most hosts take more than 16 s until the target feeds the watchdog, so
 * the board's clock counts instructions, and the board boots once more for that.
 */
const INSTRUCTION_CLOCK = 1

/** The start of U-Boot's first line, which a reset leads to. */
const SPL = 'U-Boot SPL 2025.01'

/**
 * PID 1 of a target. It feeds the watchdog as early as it can, for three times as long as the board would survive without
 * that, and then ends the feeder, which cannot stop the watchdog on SIGKILL. The lines go through the kernel to earlycon.
 */
const FEEDING_INIT = `#!/bin/sh
export PATH=/bin
busybox mount -t devtmpfs dev /dev
say() { echo "<1>fauxboot-target: $*" >/dev/kmsg; }
say starts
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox modprobe sunxi_wdt
busybox watchdog -F -T ${TIMEOUT} -t 2 /dev/watchdog0 &
say "feeds the watchdog"
busybox sleep ${3 * TIMEOUT}
say "is still there"
busybox kill -9 $!
say "feeds it no more"
while :; do busybox sleep 60; done
`

/** A ramdisk with that PID 1 and little else: the time until it runs counts. */
async function feedingRamdisk(dir: string): Promise<string> {
  const files = new FileTree()
  for (const name of ['dev', 'proc', 'sys']) files.directory(name)
  files.copy(await firstStageTree(), 'usr/bin/busybox', 'bin/busybox')
  files.link('bin/sh', 'busybox')
  files.copy((await targetModules(['sunxi_wdt'])).folder, 'lib')
  files.file('init', FEEDING_INIT, 0o755)
  files.characterDevice('dev/console', 5, 1)
  const path = join(dir, 'ramdisk')
  await writeFile(path, packCpio(files.entries()))
  return path
}

/** The agent may answer before the driver is loaded. */
async function untilWatchdogs(client: BoardClient): Promise<void> {
  const late = AbortSignal.timeout(PATIENCE.timeoutMs)
  while ((await client.board(late)).watchdogs.length < 2) await delay(1000, undefined, { signal: late })
}

t.test('cubieboard4: a target that takes the watchdog over stays up for as long as it feeds it', async t => {
  const lab = await Lab.open(t, 'cubieboard4')
  const { client, qemu } = await lab.atCountdown(t, { instructionClock: INSTRUCTION_CLOCK })
  await untilWatchdogs(client)
  const { id } = await submit(client, {
    kernel: lab.server.serve('vmlinuz', (await debianKernel('trixie')).kernel),
    ramdisk: lab.server.serve('ramdisk', await feedingRamdisk(t.testdir())),
    dtb: lab.server.serve('board.dtb', await lab.dtb()),
    cmdline: `${lab.cmdline} keep_bootcon ignore_loglevel rodata=off`,
    options: { watchdog: TIMEOUT },
  })
  await followStates(client, id)
  const from = qemu.console.transcript.length
  await qemu.console.waitFor('fauxboot-target: is still there', PATIENCE)
  t.notMatch(qemu.console.transcript.slice(from), SPL)
  await qemu.console.waitFor('fauxboot-target: feeds it no more', PATIENCE)
  await qemu.console.waitFor(SPL, PATIENCE)
  t.notMatch(qemu.console.transcript.slice(from), 'reboot:', 'the watchdog did it, not the kernel')
})

t.test('cubieboard4: a target that never feeds the watchdog is reset into the SPL', async t => {
  const lab = await Lab.open(t, 'cubieboard4')
  const { client, qemu } = await lab.atCountdown(t)
  await untilWatchdogs(client)
  t.match((await client.board()).watchdogs, [
    { name: 'watchdog0', state: 'inactive', maxTimeout: 16, stopsOnReboot: false },
    { name: 'watchdog1', state: 'inactive' },
  ])
  // Without a ramdisk the kernel panics, and then waits for ever.
  const job = { kernel: lab.server.serve('vmlinuz', (await debianKernel('trixie')).kernel), cmdline: lab.cmdline }
  const tooLong = await submit(client, { ...job, options: { watchdog: TIMEOUT + 1 } })
  t.equal((await followStates(client, tooLong.id)).at(-1), 'failed')
  t.match((await client.job(tooLong.id)).error?.message, 'watchdog0 allows at most 16 s')
  const { id } = await submit(client, { ...job, options: { watchdog: TIMEOUT } })
  await followStates(client, id)
  await qemu.console.waitFor('Booting Linux on physical CPU', PATIENCE)
  const from = qemu.console.transcript.length
  await qemu.console.waitFor(SPL, PATIENCE)
  t.notMatch(qemu.console.transcript.slice(from), 'reboot:', 'the watchdog did it, not the kernel')
})
