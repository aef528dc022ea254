/** The fake U-Boot on a board's serial line, driven as LAVA drives it. */

import type { Test } from 'tap'
import type { SerialConsole } from '../../systemd/qemu/serial-console.js'
import { layOutJob } from './console-files.js'
import { type CommandList, listsFor } from './console-lists.js'
import { Lab, PATIENCE } from './lab.js'

const AUTOBOOT = 'Hit any key to stop autoboot'

/** Interrupt the countdown as LAVA does, with a line end. */
export async function interrupt(console: SerialConsole): Promise<void> {
  await console.waitFor(`${AUTOBOOT}: `, PATIENCE)
  console.send('\n')
  await console.waitFor(/=> $/, PATIENCE)
}

/** Type a command at the prompt, at once; what came back, up to the next prompt. */
export async function type(console: SerialConsole, command: string): Promise<string> {
  const from = console.transcript.length
  console.send(`${command}\n`)
  await console.waitFor(/\n=> $/, PATIENCE)
  return console.transcript.slice(from)
}

/** Type a list to its end, and see the target's first words. */
export async function bootByList(t: Test, lab: Lab, console: SerialConsole, list: CommandList): Promise<void> {
  for (const command of [...list.load, `setenv bootargs '${lab.cmdline} ip=dhcp'`]) {
    t.notMatch(await type(console, command), /rror|Unknown command|exceeded/, command)
  }
  console.send(`${list.boot}\n`)
  await console.waitFor('Starting kernel ...', PATIENCE)
  await console.waitFor(/Linux version [0-9]/, PATIENCE)
  await console.waitFor(`Kernel command line: ${lab.cmdline} ip=dhcp`, PATIENCE)
}

/** A lab with a TFTP server that LAVA would have filled. */
async function openConsoleLab(t: Test, name: string): Promise<{ lab: Lab; tftpDir: string }> {
  const lab = await Lab.open(t, name)
  const tftpDir = t.testdir()
  await layOutJob(tftpDir, await lab.dtb())
  return { lab, tftpDir }
}

/** Boot each kind of job. */
export async function bootLists(t: Test, name: string): Promise<void> {
  const { lab, tftpDir } = await openConsoleLab(t, name)
  for (const list of listsFor(name)) {
    await t.test(`${name}: ${list.title}`, async t => {
      const { qemu } = await lab.atCountdown(t, { tftpDir })
      await interrupt(qemu.console)
      await bootByList(t, lab, qemu.console, list)
    })
  }
}

const TFTP = '42/tftp-deploy'

/** What LAVA must see when something is wrong, and what makes it wrong. */
const FAILURES: readonly (readonly [title: string, commands: readonly string[], expected: RegExp])[] = [
  ['a missing file', [`tftp 0x42000000 ${TFTP}/nothing`], /File not found/],
  ['no kernel', ['mw.l 0x48000000 0 100', 'bootz 0x48000000 - 0x43000000'], /zimage: Bad magic/],
  [
    'a truncated kernel',
    [
      `tftp 0x42000000 ${TFTP}/kernel/truncated`,
      `tftp 0x43000000 ${TFTP}/dtb/board.dtb`,
      'bootz 0x42000000 - 0x43000000',
    ],
    /Wrong Image Format for boot/,
  ],
  ['no 64-bit kernel', ['booti 0x48000000 - 0x43000000'], /Bad Linux ARM64 Image magic!/],
  [
    'something that is no ramdisk',
    [
      `tftp 0x42000000 ${TFTP}/kernel/zImage`,
      `tftp 0x43300000 ${TFTP}/ramdisk/corrupt`,
      'bootz 0x42000000 0x43300000 0x43000000',
    ],
    /Wrong Ramdisk Image Format/,
  ],
  [
    'a ramdisk that does not match its digest',
    [`tftp 0x43300000 ${TFTP}/ramdisk/damaged.uboot`, 'bootz 0x42000000 0x43300000 0x43000000'],
    /Ramdisk image is corrupt or invalid/,
  ],
  ['no device tree', ['bootz 0x42000000 - 0x50000000'], /ERROR: Did not find a cmdline Flattened Device Tree/],
  ['a ramdisk over the kernel', ['bootz 0x42000000 0x42100000:1000 0x43000000'], /ERROR: RD image overlaps OS image/],
  [
    'a load over part of an earlier one',
    [`tftp 0x42100000 ${TFTP}/dtb/board.dtb`],
    /TFTP error: trying to overwrite reserved memory/,
  ],
  ['no image at all', ['bootm 0x50000000'], /Wrong Image Format for boot|Wrong Image Type for bootm command/],
  [
    'a server that does not answer',
    [
      'setenv tftptimeoutcountmax 1',
      'setenv tftptimeout 1000',
      'setenv tftpdstp 7',
      `tftp 0x50000000 ${TFTP}/kernel/zImage`,
    ],
    /Retry count exceeded/,
  ],
]

/** Each failure is told in the words that labs wait for, and leaves the prompt. */
export async function failInWordsOfLabs(t: Test, name: string): Promise<void> {
  const { lab, tftpDir } = await openConsoleLab(t, name)
  const { qemu } = await lab.atCountdown(t, { tftpDir })
  await interrupt(qemu.console)
  for (const command of ['setenv autoload no', 'dhcp', 'setenv serverip 10.0.2.2']) await type(qemu.console, command)
  for (const [title, commands, expected] of FAILURES) {
    const answers: string[] = []
    for (const command of commands) answers.push(await type(qemu.console, command))
    t.match(answers.at(-1), expected, title)
    for (const answer of answers.slice(0, -1)) t.notMatch(answer, expected, `${title}: not before`)
  }
  t.match(await type(qemu.console, 'echo alive'), /\nalive\r\n=> $/)
}

/** A break, as an adapter sends when it is plugged in, makes no SysRq of the next key (`b` resets), and is counted. */
export async function reportBreaks(t: Test, name: string): Promise<void> {
  const { qemu, client } = await (await Lab.open(t, name)).atCountdown(t)
  await interrupt(qemu.console)
  // A countdown that ended by itself leaves that line end for the prompt, where it would report the break.
  qemu.console.send('echo settled\n')
  await qemu.console.waitFor(/\nsettled\r\n=> $/, PATIENCE)
  await qemu.sendBreak()
  const answer = await type(qemu.console, 'bdinfo')
  t.match(answer, /^bdinfo\r\nboot_params [\s\S]*\n## fauxboot: the serial line damaged its input: 1 break; /)
  t.notMatch(answer, 'Must RESET', 'a command that worked was not damaged')
  await qemu.sendBreak()
  t.match(
    await type(qemu.console, 'bdinf0'),
    /Unknown command[\s\S]*1 break;[\s\S]*Must RESET board to recover\r\n=> $/,
  )
  t.match(await client.board(), { serialLine: { damage: { break: 2 } } })
  t.notMatch(
    await type(qemu.console, 'bdinf0'),
    'Must RESET',
    'a command that fails on a clean line is at fault itself',
  )
}
