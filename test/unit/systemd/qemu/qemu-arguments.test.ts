import t from 'tap'
import { loadBoard } from '../../../../systemd/boards/board.js'
import { qemuArguments } from '../../../../systemd/qemu/qemu-arguments.js'

const KERNEL = { kernel: '/k', initrd: '/i', dtb: null, cmdline: 'console=ttyAMA0 quiet' }
const FORWARD = { host: 0, board: 8080 }

/** The value behind an option. */
const after = (args: string[], option: string): string | undefined => args[args.indexOf(option) + 1]

t.test('virt gets its machine, a link of virtio and the console on stdio', async t => {
  const args = qemuArguments(await loadBoard('virt'), { source: KERNEL, forward: FORWARD })
  t.equal(after(args, '-M'), 'virt,highmem=off')
  t.equal(after(args, '-cpu'), 'cortex-a15')
  t.equal(after(args, '-m'), '1024')
  t.equal(after(args, '-device'), 'virtio-net-device,netdev=net0')
  t.equal(after(args, '-serial'), 'chardev:console')
  t.equal(after(args, '-append'), 'console=ttyAMA0 quiet')
  t.notOk(args.includes('-dtb'))
})

t.test('a board with a link of its own gets no other', async t => {
  const args = qemuArguments(await loadBoard('orangepi-pc'), { source: { ...KERNEL, dtb: '/d' }, forward: FORWARD })
  t.equal(after(args, '-net'), 'nic,netdev=net0')
  t.equal(after(args, '-dtb'), '/d')
  t.notOk(args.includes('-device'))
  t.notOk(args.includes('-cpu'))
})

t.test('properties of the machine follow its name', async t => {
  const settings = {
    source: { sd: '/sd' },
    forward: FORWARD,
    machineProperties: { 'card-detect': 'off', other: 'a,b' },
  }
  const args = qemuArguments(await loadBoard('cubieboard4'), settings)
  t.equal(after(args, '-M'), 'cubieboard4,card-detect=off,other=a,,b')
})

t.test('a clock that counts instructions is asked for by its shift', async t => {
  const settings = { source: { sd: '/sd' }, forward: FORWARD }
  const board = await loadBoard('cubieboard4')
  t.equal(after(qemuArguments(board, { ...settings, instructionClock: 1 }), '-icount'), 'shift=1')
  t.notOk(qemuArguments(board, settings).includes('-icount'))
})

t.test('a board that gets a saved state waits for it', async t => {
  const board = await loadBoard('virt')
  const args = qemuArguments(board, { source: KERNEL, forward: FORWARD, incoming: true })
  t.equal(after(args, '-incoming'), 'defer')
  t.notOk(qemuArguments(board, { source: KERNEL, forward: FORWARD }).includes('-incoming'))
})

t.test('UARTs before the console are connected to nothing', async t => {
  const args = qemuArguments(await loadBoard('sabrelite'), { source: KERNEL, forward: FORWARD })
  const serials = args.flatMap((arg, index) => (arg === '-serial' ? [args[index + 1]] : []))
  t.strictSame(serials, ['null', 'chardev:console'])
})

t.test('an SD card is started from, and never written to', async t => {
  const args = qemuArguments(await loadBoard('orangepi-pc'), { source: { sd: '/sd,1.img' }, forward: FORWARD })
  t.equal(after(args, '-drive'), 'file=/sd,,1.img,format=raw,snapshot=on,if=sd')
  for (const option of ['-kernel', '-initrd', '-append']) t.notOk(args.includes(option), option)
})

t.test('a disk is one of virtio, and its file never changes', async t => {
  const board = await loadBoard('virt')
  const args = qemuArguments(board, { source: KERNEL, forward: FORWARD, disk: '/d,1.img' })
  t.equal(after(args, '-drive'), 'file=/d,,1.img,format=raw,snapshot=on,if=none,id=disk0')
  t.ok(args.includes('virtio-blk-device,drive=disk0'))
  t.notOk(qemuArguments(board, { source: KERNEL, forward: FORWARD }).includes('-drive'))
})

t.test('ports are forwarded on loopback only, and a folder is served over TFTP', async t => {
  const board = await loadBoard('virt')
  const settings = { source: KERNEL, forward: { host: 1234, board: 80 }, tftpDir: '/tftp', memoryMiB: 512 }
  const args = qemuArguments(board, settings)
  t.equal(after(args, '-netdev'), 'user,id=net0,hostfwd=tcp:127.0.0.1:1234-:80,tftp=/tftp')
  t.equal(after(args, '-m'), '512')
})

t.test('a board that QEMU does not know is refused', async t => {
  const { qemu, ...board } = await loadBoard('virt')
  t.throws(() => qemuArguments(board, { source: KERNEL, forward: FORWARD }), { code: 'BOARD_DATA', message: /\/qemu/ })
})

t.test('a card whose writes are listed keeps them', async t => {
  const source = { sd: '/sd,1.img', writes: '/writes,1' }
  const args = qemuArguments(await loadBoard('orangepi-pc'), { source, forward: FORWARD })
  t.equal(
    after(args, '-drive'),
    'driver=blklogwrites,file.driver=file,file.filename=/sd,,1.img,log.driver=file,log.filename=/writes,,1,if=sd',
  )
})
