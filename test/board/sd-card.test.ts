import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { BoardClient } from '../../lava/board-client.js'
import { loadBoard } from '../../systemd/board.js'
import { buildBoardImage } from '../../systemd/board-image.js'
import { debianKernel } from '../../systemd/debian-kernel.js'
import { QemuBoard } from '../../systemd/qemu.js'
import { buildSdImage } from '../../systemd/sd-image.js'
import { targetRamdisk } from '../../systemd/target-ramdisk.js'
import { Lab, PATIENCE, sawTarget, submit, TOKEN } from './lab.js'

t.test('orangepi-pc: from its SD card through the real SPL and U-Boot to a booted target', async t => {
  const lab = await Lab.open(t, 'orangepi-pc')
  const image = await buildBoardImage(lab.board, { token: TOKEN })
  const qemu = await QemuBoard.start({ board: lab.board, sd: await buildSdImage(image) })
  t.teardown(() => qemu.stop())
  await qemu.waitForAgent(PATIENCE)
  t.match(qemu.console.transcript, /U-Boot SPL 20\d\d/, 'the real SPL ran')
  t.notMatch(qemu.console.transcript, /Hit any key to stop autoboot/, 'the real U-Boot is silent')

  const { kernel, version } = await debianKernel('trixie')
  const client = new BoardClient(new URL(qemu.url), { token: TOKEN })
  const { id } = await submit(client, {
    kernel: lab.server.serve('vmlinuz', kernel),
    ramdisk: lab.server.serve('ramdisk', await targetRamdisk()),
    dtb: lab.server.serve('board.dtb', await lab.dtb()),
    cmdline: lab.cmdline,
  })
  await sawTarget(t, qemu, [`kernel ${version}`, `job ${id}`])
})

t.test('cubieboard4: its SD card holds the boot loader, the kernel, its device tree and the first stage', async t => {
  const board = await loadBoard('cubieboard4')
  const card = await buildSdImage(await buildBoardImage(board))
  // The boot partition starts at 1 MiB.
  const { stdout } = await promisify(execFile)('mdir', ['-/', '-b', '-i', `${card}@@1M`, '::'])
  t.same(stdout.trim().split('\n').sort(), [
    '::/extlinux/',
    '::/extlinux/extlinux.conf',
    '::/initramfs',
    '::/sun9i-a80-cubieboard4.dtb',
    '::/uboot.env',
    '::/vmlinuz',
  ])
  // What the A80's boot ROM looks for at 8 KiB: a jump, and then this.
  const file = await open(card)
  const { buffer } = await file.read(Buffer.alloc(12), 0, 12, 8192)
  await file.close()
  t.equal(buffer.toString('latin1', 4), 'eGON.BT0')
})
