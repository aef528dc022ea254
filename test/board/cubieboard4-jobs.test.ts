/** Jobs on the emulated Cubieboard4, by HTTP and typed; `test/slow` has more of them. `FAUXBOOT_CPUS=8` starts all CPUs: minutes. */

import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetModules } from '../../systemd/target/target-modules.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { interrupt, type } from './console-suite.js'
import { Lab, PATIENCE, type Powered, sawTarget, submit } from './lab.js'

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
