/** How fast the console is: `echo` over and over, each typed when the prompt is there, against a real U-Boot. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { SerialConsole } from '../../systemd/qemu/serial-console.js'
import type { Figure } from './figure.js'
import { PATIENCE, timed } from './timing.js'

const COMMANDS = 10_000

/** Debian's package u-boot-qemu; the same emulated machine and core as our board. */
const REAL = '/usr/lib/u-boot/qemu_arm/u-boot.bin'
const MACHINE = ['-M', 'virt,highmem=off', '-cpu', 'cortex-a15', '-m', '1024', '-smp', '2']

/** @returns seconds for all commands */
async function echo(console: SerialConsole): Promise<number> {
  await console.waitFor('autoboot: ', PATIENCE)
  console.send(' ')
  await console.waitFor('=> ', PATIENCE)
  const milliseconds = await timed(async () => {
    for (let number = 0; number < COMMANDS; number++) {
      console.send(`echo ${number}\n`)
      await console.waitFor(`\n${number}\r\n=> `, PATIENCE)
    }
  })
  return milliseconds / 1000
}

async function echoOnRealUBoot(): Promise<{ seconds: number; version: string }> {
  const child = spawn('qemu-system-arm', [
    ...MACHINE,
    '-display',
    'none',
    '-nodefaults',
    '-serial',
    'stdio',
    '-bios',
    REAL,
  ])
  try {
    const console = new SerialConsole('u-boot', child.stdout, child.stdin)
    const seconds = await echo(console)
    return { seconds, version: /U-Boot 20\S+/.exec(console.transcript)?.[0] ?? 'U-Boot' }
  } finally {
    child.kill()
    await once(child, 'exit')
  }
}

export async function measureEcho(image: BoardImage): Promise<Figure> {
  const qemu = await QemuBoard.start({ board: image.board, image })
  try {
    const ours = await echo(qemu.console)
    const { seconds, version } = await echoOnRealUBoot()
    return {
      what: `${COMMANDS} echo commands, each after its prompt, ${image.board.name}`,
      peer: `${version} (Debian's u-boot-qemu), on the same emulated core`,
      unit: 's',
      ours: [ours],
      theirs: [seconds],
      target: 4,
      reason:
        'a line passes the tty of a Linux, a turn of the event loop, and JavaScript, which takes most of the time; the real one reads a register and writes one',
    }
  } finally {
    await qemu.stop()
  }
}
