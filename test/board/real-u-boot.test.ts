/** `fauxboot boot --typed` at a real U-Boot, Debian's for QEMU's virt, which has no `fdt_addr_r` and knows no `tftpdstp`. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { TARGET_LOGIN } from '../../systemd/target/target-ramdisk.js'
import { Lab } from './lab.js'

/** Debian's package u-boot-qemu. */
const FIRMWARE = '/usr/lib/u-boot/qemu_arm/u-boot.bin'

/** A machine that is switched on by the first connection to its serial line. @returns the line's TCP port */
async function realUBoot(t: Test, tftpDir: string): Promise<number> {
  const machine = ['-M', 'virt,highmem=off', '-cpu', 'cortex-a15', '-m', '1024', '-smp', '2', '-bios', FIRMWARE]
  const network = ['-netdev', `user,id=net,tftp=${tftpDir}`, '-device', 'virtio-net-device,netdev=net']
  const line = createServer(socket => {
    const qemu = spawn('qemu-system-arm', [
      ...machine,
      ...network,
      '-nodefaults',
      '-display',
      'none',
      '-serial',
      'stdio',
    ])
    qemu.stdout.pipe(socket).pipe(qemu.stdin)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => qemu.kill())
  })
  await once(line.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => line.close())
  return (line.address() as AddressInfo).port
}

t.test('a real U-Boot boots a raw ramdisk that is typed at it', async t => {
  const lab = await Lab.open(t, 'virt')
  const dir = t.testdir()
  const { kernel } = await debianKernel('trixie')
  const files = { zImage: kernel, 'rootfs.cpio.gz': await lab.ramdisk(), 'board.dtb': await lab.dtb() }
  for (const [name, file] of Object.entries(files)) await copyFile(file, join(dir, name))
  const boot = async (...more: readonly string[]) => {
    const port = await realUBoot(t, dir)
    const target = ['--kernel', 'zImage', '--ramdisk', 'rootfs.cpio.gz', '--dtb', 'board.dtb', '--append', lab.cmdline]
    const typed = ['--typed', '--tftp', '10.0.2.2', '--console', `tcp://127.0.0.1:${port}`, '--until', TARGET_LOGIN]
    const patience = ['--wait', '600', '--timeout', '900', '--silence', '300']
    const argv = ['dist/lava/cli/fauxboot.js', 'boot', ...typed, ...patience, ...target, ...more]
    const child = spawn('node', argv, { stdio: ['ignore', 'pipe', 'pipe'] })
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return { code, stdout, stderr }
  }
  t.match(await boot(), { code: 1, stdout: /printenv fdt_addr_r.* not defined.*--load-at dtb=0x/ })
  const booted = await boot('--load-at', 'dtb=0x43000000')
  t.match(booted, { code: 0, stdout: /^booted after / }, booted.stderr)
})
