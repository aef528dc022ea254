/** Jobs on the emulated Cubieboard4, in every way that they can come. `FAUXBOOT_CPUS=8` starts all CPUs: minutes. */

import { execFile } from 'node:child_process'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetModules } from '../../systemd/target/target-modules.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { interrupt, type } from './console-suite.js'
import { followStates, Lab, PATIENCE, type Powered, sawTarget, submit } from './lab.js'

const run = promisify(execFile)

/** What upstream's device type for LAVA adds to the command line. */
const UPSTREAM_EARLYCON = 'earlycon=uart,mmio32,0x7000000'

/** The line that the target prints of its link: the MAC address and the lease of the first stage. */
async function sameLink({ client }: Powered): Promise<RegExp> {
  const link = (await client.board()).links.find(({ addresses }) => addresses.length > 0)
  const [address = 'no address'] = link?.addresses.filter(text => text.includes('.')) ?? []
  return new RegExp(`link eth0 ${link?.mac} ${address}\\s`)
}

t.test(
  'cubieboard4: a job of KernelCI shape boots over HTTP, with the MAC address and the lease of the first stage',
  async t => {
    const lab = await Lab.open(t, 'cubieboard4')
    const powered = await lab.atCountdown(t)
    const { kernel, version } = await debianKernel('trixie')
    const { modules } = lab.board
    const { id, created } = await submit(powered.client, {
      kernel: lab.server.serve('vmlinuz', kernel),
      ramdisk: lab.server.serve('ramdisk', await targetRamdisk({ loads: modules })),
      dtb: lab.server.serve('board.dtb', await lab.dtb()),
      modules: lab.server.serve('modules.tar.xz', (await targetModules(modules)).archive),
      cmdline: lab.cmdline,
    })
    t.ok(created >= '2026', `the clock of a board without a battery reads ${created}`)
    const link = await sameLink(powered)
    // The board's own setting adds earlycon: without it, the kernel is silent until the regulators are there.
    const expected = [/Booting Linux on physical CPU/, `kernel ${version}`, /cmdline .* earlycon/, /memory 20\d{5} kB/]
    await sawTarget(t, powered.qemu, [...expected, `job ${id}`, link])
  },
)

t.test('cubieboard4: bootz, typed at the addresses of upstream', async t => {
  const lab = await Lab.open(t, 'cubieboard4')
  const tftpDir = t.testdir()
  await copyFile((await debianKernel('trixie')).kernel, join(tftpDir, 'zImage'))
  await copyFile(await lab.ramdisk(), join(tftpDir, 'ramdisk'))
  await copyFile(await lab.dtb(), join(tftpDir, 'dtb'))
  const powered = await lab.atCountdown(t, { tftpDir })
  const { console } = powered.qemu
  await interrupt(console)
  for (const command of [
    ...['setenv autoload no', 'setenv initrd_high 0xffffffff', 'setenv fdt_high 0xffffffff'],
    ...['dhcp', 'setenv serverip 10.0.2.2', 'tftp 0x42000000 zImage', 'tftp 0x43300000 ramdisk'],
    ...['setenv initrd_size ${filesize}', 'tftp 0x43000000 dtb'],
    `setenv bootargs '${lab.cmdline} ${UPSTREAM_EARLYCON}'`,
  ]) {
    t.notMatch(await type(console, command), /rror|Unknown command/, command)
  }
  const link = await sameLink(powered)
  console.send('bootz 0x42000000 0x43300000:${initrd_size} 0x43000000\n')
  await console.waitFor('Starting kernel ...', PATIENCE)
  await sawTarget(t, powered.qemu, [/Booting Linux on physical CPU/, /bootconsole \[uart/, link])
})

t.test('cubieboard4: a job pushed over TFTP', async t => {
  const lab = await Lab.open(t, 'cubieboard4')
  const powered = await lab.atCountdown(t)
  const port = await powered.qemu.forwardUdp(69)
  const put = (file: string, local: string) =>
    run('curl', [
      ...['--silent', '--show-error', '--tftp-blksize', '1468', '--upload-file', local],
      `tftp://127.0.0.1:${port}/a80/${file}`,
    ])
  await put('kernel', (await debianKernel('trixie')).kernel)
  await put('ramdisk', await lab.ramdisk())
  await put('dtb', await lab.dtb())
  const job = join(t.testdir(), 'job.json')
  await writeFile(job, JSON.stringify({ cmdline: lab.cmdline }))
  const link = await sameLink(powered)
  const seen = sawTarget(t, powered.qemu, [/job [0-9a-f]{10}/, link])
  await put('job.json', job)
  await seen
})

t.test('cubieboard4: a target that never feeds the watchdog is reset into the SPL', async t => {
  const lab = await Lab.open(t, 'cubieboard4')
  const { client, qemu } = await lab.atCountdown(t)
  // The agent may answer before the driver is loaded.
  const late = AbortSignal.timeout(PATIENCE.timeoutMs)
  while ((await client.board(late)).watchdogs.length < 2) await delay(1000, undefined, { signal: late })
  t.match((await client.board()).watchdogs, [
    { name: 'watchdog0', state: 'inactive', maxTimeout: 16, stopsOnReboot: false },
    { name: 'watchdog1', state: 'inactive' },
  ])
  // Without a ramdisk the kernel panics, and then waits for ever.
  const job = { kernel: lab.server.serve('vmlinuz', (await debianKernel('trixie')).kernel), cmdline: lab.cmdline }
  const tooLong = await submit(client, { ...job, options: { watchdog: 17 } })
  t.equal((await followStates(client, tooLong.id)).at(-1), 'failed')
  t.match((await client.job(tooLong.id)).error?.message, 'watchdog0 allows at most 16 s')
  const { id } = await submit(client, { ...job, options: { watchdog: 16 } })
  await followStates(client, id)
  await qemu.console.waitFor('Booting Linux on physical CPU', PATIENCE)
  const from = qemu.console.transcript.length
  await qemu.console.waitFor('U-Boot SPL 2025.01', PATIENCE)
  t.notMatch(qemu.console.transcript.slice(from), 'reboot:', 'nobody asked for it')
})
