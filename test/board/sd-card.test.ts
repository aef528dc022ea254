import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { loadBoard } from '../../systemd/boards/board.js'
import { buildBoardImage } from '../../systemd/image/board-image.js'
import { buildSdImage } from '../../systemd/image/sd-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { TARGET_LOGIN } from '../../systemd/target/target-ramdisk.js'
import { layOutJob } from './console-files.js'
import { LISTS } from './console-lists.js'
import { bootByList, interrupt } from './console-suite.js'
import { Lab, PATIENCE, TOKEN } from './lab.js'

t.test('orangepi-pc: from its SD card through the real SPL and U-Boot and the fake one to a booted target', async t => {
  const lab = await Lab.open(t, 'orangepi-pc')
  const image = await buildBoardImage(lab.board, { token: TOKEN })
  const tftpDir = t.testdir()
  await layOutJob(tftpDir, await lab.dtb())
  const qemu = await QemuBoard.start({ board: lab.board, sd: await buildSdImage(image), tftpDir })
  t.teardown(() => qemu.stop())
  await interrupt(qemu.console)
  const sentences = qemu.console.transcript.match(/Hit any key to stop autoboot/g) ?? []
  const countdown = qemu.console.transcript.slice(qemu.console.transcript.indexOf('Hit any key'))
  t.match(qemu.console.transcript, /U-Boot SPL 20\d\d/, 'the real SPL ran')
  t.equal(sentences.length, countdown.split('\x1b[2K').length, 'the real U-Boot is silent: one countdown only')
  const [list] = LISTS
  if (list !== undefined) await bootByList(t, lab, qemu.console, list)
  await qemu.console.waitFor(TARGET_LOGIN, PATIENCE)
})

t.test('cubieboard4: its SD card holds the boot loader, the kernel, its device tree and the first stage', async t => {
  const board = await loadBoard('cubieboard4')
  const card = await buildSdImage(await buildBoardImage(board))
  const list = async (offset: string) => {
    const { stdout } = await promisify(execFile)('mdir', ['-/', '-b', '-i', `${card}@@${offset}`, '::'])
    return stdout.trim().split('\n').sort()
  }
  t.same(await list('1M'), ['::/uboot.env'], "U-Boot's environment")
  t.same(
    await list('16M'),
    ['::/extlinux/', '::/extlinux/extlinux.conf', '::/initramfs', '::/sun9i-a80-cubieboard4.dtb', '::/vmlinuz'],
    'the first slot',
  )
  // What the A80's boot ROM looks for at 8 KiB: a jump, and then this.
  const file = await open(card)
  const { buffer } = await file.read(Buffer.alloc(12), 0, 12, 8192)
  await file.close()
  t.equal(buffer.toString('latin1', 4), 'eGON.BT0')
})
