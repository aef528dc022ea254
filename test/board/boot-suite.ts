/** The main job on one kind of board: a kernel arrives in some way, and boots to a prompt. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { TARGET_LOGIN, targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { runOnBoard, SHELL_PROMPT, shellOverlay } from '../../systemd/target/test-overlay.js'
import { followStates, Lab, PATIENCE, type Powered, sawTarget, submit, TOKEN } from './lab.js'

const run = promisify(execFile)

/** One way to boot: how the job comes to the board, and what the target must say besides its prompt. */
interface Way {
  readonly title: string
  /** the first stage boots, too; otherwise it starts at its countdown, from a saved state */
  readonly fromPowerOn?: boolean
  /** takes too long for `npm test` */
  readonly slow?: boolean
  boot(powered: Powered): Promise<readonly (string | RegExp)[]>
}

const WAYS: readonly Way[] = [
  {
    title: "Debian 13's kernel boots to a prompt by multipart upload",
    fromPowerOn: true,
    async boot({ lab, qemu }) {
      const { kernel, version } = await debianKernel('trixie')
      const { stdout } = await run('curl', [
        ...['--silent', '--show-error', '--fail-with-body', '-H', `Authorization: Bearer ${TOKEN}`],
        ...['-F', `job=${JSON.stringify({ cmdline: lab.cmdline })}`],
        ...['-F', `kernel=@${kernel}`, '-F', `ramdisk=@${await targetRamdisk()}`, '-F', `dtb=@${await lab.dtb()}`],
        `${qemu.url}/v1/jobs`,
      ])
      const { id } = JSON.parse(stdout)
      return [`kernel ${version}`, `cmdline ${lab.cmdline}`, `job ${id}`]
    },
  },
  {
    title: "Debian 13's kernel boots to a prompt by URL, with an xz ramdisk",
    slow: true,
    async boot({ lab, client }) {
      const { kernel, version } = await debianKernel('trixie')
      const ramdisk = await targetRamdisk({ compression: 'xz' })
      const { id } = await submit(client, {
        kernel: lab.server.serve('vmlinuz', kernel),
        ramdisk: lab.server.serve('ramdisk.cpio.xz', ramdisk),
        dtb: lab.server.serve('board.dtb', await lab.dtb()),
        cmdline: lab.cmdline,
      })
      return [`kernel ${version}`, `job ${id}`]
    },
  },
  {
    title: "Debian 12's kernel boots to a prompt, sent by the command line",
    async boot(powered) {
      const { lab } = powered
      const { kernel, version } = await debianKernel('bookworm')
      const files = ['--kernel', kernel, '--ramdisk', await targetRamdisk(), '--dtb', await lab.dtb('bookworm')]
      await fauxbootBoot(powered, ...files)
      return [`kernel ${version}`]
    },
  },
  {
    title: 'a device tree without /memory is given the memory of the running kernel',
    async boot({ lab, client }) {
      const { kernel } = await debianKernel('trixie')
      await submit(client, {
        kernel: lab.server.serve('vmlinuz', kernel),
        ramdisk: lab.server.serve('ramdisk', await targetRamdisk()),
        dtb: lab.server.serve('no-memory.dtb', await lab.dtbWithoutMemory()),
        cmdline: lab.cmdline,
      })
      // At least nine tenths of the board's GiB, in kB.
      return [/memory (9[5-9]\d{4}|10\d{5}) kB/]
    },
  },
  {
    title: 'a ramdisk of 200 MiB arrives whole',
    slow: true,
    async boot(powered) {
      const { lab } = powered
      const { kernel } = await debianKernel('trixie')
      const files = ['--kernel', kernel, '--ramdisk', await targetRamdisk({ sizeMiB: 200 }), '--dtb', await lab.dtb()]
      await fauxbootBoot(powered, ...files)
      return [/payload whole, 2\d{8} bytes/]
    },
  },
]

/** `fauxboot boot` as a user runs it, with the console of the board as the command line. */
function fauxbootBoot({ lab, qemu }: Powered, ...files: string[]): Promise<unknown> {
  const board = ['--board', qemu.url, '--token-file', lab.tokenFile]
  return run('node', ['dist/lava/cli/fauxboot.js', 'boot', ...board, ...files, '--append', lab.cmdline])
}

/** Boot a board of this kind in every way. @param slow those for which `npm test` has no time, too */
export async function bootInEveryWay(t: Test, name: string, slow: boolean): Promise<void> {
  const lab = await Lab.open(t, name)
  for (const way of WAYS.filter(way => slow || !way.slow)) {
    await t.test(`${name}: ${way.title}`, async t => {
      const powered = await (way.fromPowerOn ? lab.powerOn(t) : lab.atCountdown(t))
      const expected = await way.boot(powered)
      await sawTarget(t, powered.qemu, expected)
    })
  }
}

/** How long kexec-tools gets: this many times what fauxboot took from the jump to the prompt, just before. */
const KEXEC_TOOLS_PATIENCE = 3

/** The same files on the same board: fauxboot boots them, Debian's kexec-tools with its defaults does not. */
export async function bootWhatKexecToolsCannot(t: Test, name: string): Promise<void> {
  const lab = await Lab.open(t, name)
  const { qemu, client } = await lab.powerOn(t, { extraInitrd: [await shellOverlay()] })
  const { kernel } = await debianKernel('trixie')
  const files = {
    kernel: lab.server.serve('vmlinuz', kernel),
    ramdisk: lab.server.serve('ramdisk', await lab.ramdisk()),
    dtb: lab.server.serve('board.dtb', await lab.dtb()),
  }
  // With earlycon, a kernel that starts at all says so.
  const cmdline = `${lab.cmdline}${lab.board.earlycon ? ' earlycon' : ''}`

  // Without a device tree of the job's, that of the running kernel is taken, however large it is.
  const plan = { kernel: files.kernel, ramdisk: files.ramdisk, cmdline, options: { dryRun: true } }
  const dry = await submit(client, plan)
  t.equal((await followStates(client, dry.id)).at(-1), 'planned', 'a dry run with the running device tree')

  const { id } = await submit(client, { ...files, cmdline })
  t.equal((await followStates(client, id)).at(-1), 'booting')
  const jumped = performance.now()
  await sawTarget(t, qemu, [`job ${id}`])
  const timeoutMs = (performance.now() - jumped) * KEXEC_TOOLS_PATIENCE

  await qemu.reset()
  await qemu.console.waitFor(SHELL_PROMPT, PATIENCE)
  await qemu.waitForAgent(PATIENCE)
  const shell = (command: string) => runOnBoard(qemu.console, command, PATIENCE)
  for (const [file, url] of Object.entries(files)) {
    const { status } = await shell(`curl --silent --fail --retry 5 --retry-connrefused -o /tmp/${file} ${url}`)
    t.equal(status, 0, `curl brings the ${file} to the board`)
  }
  const load = `kexec -l /tmp/kernel --initrd=/tmp/ramdisk --dtb=/tmp/dtb --command-line='${cmdline}'`
  const { status, output } = await shell(load)
  t.equal(status, 0, `kexec -l takes them: ${output}`)
  qemu.console.send('kexec -e\n')
  const prompt = await qemu.console.waitFor(TARGET_LOGIN, { timeoutMs }).then(
    () => 'reached a prompt',
    () => 'silence',
  )
  t.equal(
    prompt,
    'silence',
    'kexec-tools with its defaults gets nowhere. IF THIS FAILS IT BOOTS NOW: change the README',
  )
}
