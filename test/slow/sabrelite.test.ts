/** The SABRE Lite (i.MX6Q): another SoC and another serial driver. */

import t from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { Lab, sawTarget, submit } from '../board/lab.js'

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
