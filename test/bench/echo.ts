/**
 * How fast the console is: `echo` over and over, each typed when the prompt is there, against a real U-Boot, and against a
 * shell that reads the same line on the same Linux.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { QemuBoard, type QemuBoardOptions } from '../../systemd/qemu/qemu.js'
import { SerialConsole } from '../../systemd/qemu/serial-console.js'
import { SHELL_PROMPT, shellOverlay } from '../../systemd/target/test-overlay.js'
import type { Figure } from './figure.js'
import { asSeconds, PATIENCE, type Took, timedProcess } from './timing.js'

const COMMANDS = 10_000
const UBOOT_PROMPT = '=> '

/** Debian's package u-boot-qemu; the same emulated machine and core as our board. */
const REAL = '/usr/lib/u-boot/qemu_arm/u-boot.bin'
const MACHINE = ['-M', 'virt,highmem=off', '-cpu', 'cortex-a15', '-m', '1024', '-smp', '2']

/** All commands, each typed at `prompt`. @param pid of QEMU, for its CPU time */
function echo(console: SerialConsole, pid: number, prompt: string): Promise<Took> {
  return timedProcess(pid, async () => {
    for (let number = 0; number < COMMANDS; number++) {
      console.send(`echo ${number}\n`)
      await console.waitFor(`\n${number}\r\n${prompt}`, PATIENCE)
    }
  })
}

/** The same in a real U-Boot and in ours. */
async function echoAfterCountdown(console: SerialConsole, pid: number): Promise<Took> {
  await console.waitFor('autoboot: ', PATIENCE)
  console.send(' ')
  await console.waitFor(UBOOT_PROMPT, PATIENCE)
  return echo(console, pid, UBOOT_PROMPT)
}

/** With a board switched on. */
async function onBoard<T>(
  options: QemuBoardOptions,
  work: (console: SerialConsole, pid: number) => Promise<T>,
): Promise<T> {
  const qemu = await QemuBoard.start(options)
  try {
    return await work(qemu.console, qemu.pid)
  } finally {
    await qemu.stop()
  }
}

async function echoOnRealUBoot(): Promise<{ took: Took; version: string }> {
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
    const took = await echoAfterCountdown(console, child.pid ?? 0)
    return { took, version: /U-Boot 20\S+/.exec(console.transcript)?.[0] ?? 'U-Boot' }
  } finally {
    child.kill()
    await once(child, 'exit')
  }
}

export async function measureEcho(image: BoardImage): Promise<Figure[]> {
  const { board } = image
  const ours = await onBoard({ board, image }, echoAfterCountdown)
  const { took, version } = await echoOnRealUBoot()
  const extraInitrd = [await shellOverlay({ agent: false })]
  const shell = await onBoard({ board, image, extraInitrd }, async (console, pid) => {
    await console.waitFor(SHELL_PROMPT, PATIENCE)
    return echo(console, pid, SHELL_PROMPT)
  })
  const what = `${COMMANDS} echo commands, each after its prompt, ${board.name}`
  return [
    {
      ...asSeconds({ ours: [ours], theirs: [took] }),
      what,
      peer: `${version} (Debian's u-boot-qemu), on the same emulated core`,
      target: 4,
      reason:
        'a line passes the tty of a Linux, a turn of the event loop, and JavaScript; the real one reads a register and writes one. The next row shows what a Linux takes without JavaScript',
    },
    {
      ...asSeconds({ ours: [ours], theirs: [shell] }),
      what: `${what}: a shell`,
      peer: 'busybox sh, which reads and evaluates lines on the same tty',
      target: null,
      reason: '',
    },
  ]
}
