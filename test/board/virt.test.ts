import t from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { bootInEveryWay } from './boot-suite.js'
import { Lab, sawTarget, submit } from './lab.js'

t.test('virt: boots in every way', t => bootInEveryWay(t, 'virt', false))
t.test('virt: no device of the first stage goes on writing into the memory of the target', async t => {
  const lab = await Lab.open(t, 'virt')
  const { qemu, client } = await lab.atCountdown(t)
  t.strictSame(await qemu.drivenDevices(), ['virtio-net'], 'the first stage drives its network')
  const { kernel } = await debianKernel('trixie')
  const { id } = await submit(client, {
    kernel: lab.server.serve('vmlinuz', kernel),
    ramdisk: lab.server.serve('ramdisk', await targetRamdisk()),
    dtb: lab.server.serve('board.dtb', await lab.dtb()),
    cmdline: lab.cmdline,
  })
  await sawTarget(t, qemu, [`job ${id}`])
  // Debian's kernel has the driver as a module, which this ramdisk lacks: what is driven now was left so.
  t.strictSame(await qemu.drivenDevices(), [], 'nothing is left going')
})
