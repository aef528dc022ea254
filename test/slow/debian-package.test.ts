/**
 * The agent's package on a plain Debian 13 for armhf, as somebody with a board installs, uses and removes it. The commands
 * are those of systemd/README.md.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { release } from 'node:os'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { loadBoard } from '../../systemd/boards/board.js'
import { buildDeb } from '../../systemd/deb/deb-package.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import type { SerialConsole } from '../../systemd/qemu/serial-console.js'
import { run } from '../../systemd/run.js'
import { TARGET_LOGIN, targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { REMOTE_SHELL_PORT } from '../../systemd/target/test-overlay.js'
import { interrupt, type } from '../board/console-suite.js'
import { FileServer } from '../board/file-server.js'
import { PATIENCE } from '../board/lab.js'
import { RemoteShell } from '../board/remote-shell.js'
import { debianDisk } from './debian-disk.js'

const CONSOLE = 'ttyAMA0'
const TOKEN_FILE = '/etc/fauxboot/token'
const SETTINGS = '/etc/fauxboot/agent.json'

/** What systemd/README.md says, with the console of this board instead of ttyS0. */
const INSTALL = 'apt install ./fauxboot-agent_*.deb'
const END_LOGIN = `systemctl mask --now serial-getty@${CONSOLE}`
const USE_SETTINGS = 'fauxboot-agent --check-config && systemctl restart fauxboot-agent'
const REMOVE = 'apt purge fauxboot-agent'

/** Everything that the package puts into the system manager. */
const UNITS = [
  'fauxboot-agent.service',
  'fauxboot-set-clock.socket',
  'fauxboot-set-clock@1.service',
  'run-fauxboot-artifacts.mount',
  'run-fauxboot-uboot.mount',
]

/** Unpacking and compiling say nothing for long on an emulated board of a busy machine, milliseconds. */
const INSTALL_MS = PATIENCE.timeoutMs

/** A shell at the serial console, after a login. */
class ConsoleShell {
  private constructor(readonly console: SerialConsole) {}

  static async logIn(console: SerialConsole): Promise<ConsoleShell> {
    await console.waitFor('debian login: ', PATIENCE)
    console.send('root\n')
    await console.waitFor(/# $/, PATIENCE)
    // Nothing but the output of the commands, in lines of any length.
    console.send("stty -echo cols 1000; dmesg -n 1; exec env PS1='ready ''> ' DEBIAN_FRONTEND=noninteractive sh\n")
    await console.waitFor('ready > ', PATIENCE)
    return new ConsoleShell(console)
  }

  /** Run a line of sh. */
  async run(line: string, timeoutMs = PATIENCE.timeoutMs): Promise<{ status: number; output: string }> {
    this.console.send(`(${line}) 2>&1; echo "status $?"\n`)
    const { input, index, 1: status } = await this.console.waitFor(/status (\d+)\r?\nready > /, { timeoutMs })
    return { status: Number(status), output: input.slice(0, index).replaceAll('\r', '').trim() }
  }
}

async function fauxboot(...argv: readonly string[]) {
  const child = spawn('node', ['dist/lava/cli/fauxboot.js', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, stdout, stderr }
}

/** The same package with a higher version. */
async function nextVersion(deb: string, folder: string): Promise<string> {
  const next = join(folder, 'fauxboot-agent_99_armhf.deb')
  const doing = 'making a newer package'
  await run(doing, ['dpkg-deb', '--raw-extract', deb, join(folder, 'next')])
  await run(doing, ['sed', '-i', 's/^Version: .*/Version: 99/', join(folder, 'next/DEBIAN/control')])
  await run(doing, ['dpkg-deb', '--root-owner-group', '-Zxz', '--build', join(folder, 'next'), next])
  return next
}

/** The shell of a second terminal: the first is the serial console, which the faked U-Boot takes. */
const REMOTE_SOCKET = `[Socket]\\nListenStream=${REMOTE_SHELL_PORT}\\nAccept=yes\\n`
const REMOTE_SERVICE = [
  '[Service]\\nExecStart=-/bin/sh\\nStandardInput=socket\\nStandardError=socket\\n',
  'Environment=DEBIAN_FRONTEND=noninteractive\\n',
].join('')
const REMOTE_SHELL = [
  'cd /run/systemd/system',
  `printf '${REMOTE_SOCKET}' >remote.socket`,
  `printf '${REMOTE_SERVICE}' >remote@.service`,
  'systemctl daemon-reload',
  'systemctl start remote.socket',
].join(' && ')

const [major = 0, minor = 0] = release().split('.').map(Number)
const oldKernel = major * 100 + minor < 607 && 'needs Linux 6.7, whose user namespaces can have a binfmt_misc'
const skip = process.getuid?.() === 0 ? oldKernel : 'needs root'

t.test("the agent's package on a plain Debian", { skip }, async t => {
  const { disk, kernel, initramfs } = await debianDisk()
  const board = await loadBoard('virt')
  const cmdline = `console=${CONSOLE},115200`
  const image = { kernel, initramfs, dtb: null, cmdline }
  const folder = t.testdir()
  const deb = await buildDeb({ out: folder, maintainer: 'A Lab <lab@localhost>', date: new Date() })
  const newer = await nextVersion(deb, folder)
  const server = await FileServer.start()
  t.teardown(() => server.stop())
  const urls = [deb, newer].map(file => server.serve(basename(file), file))
  const qemu = await QemuBoard.start({ board, image, disk })
  t.teardown(() => qemu.stop())
  const { console } = qemu
  const tokenFile = join(folder, 'token')
  const target = ['--kernel', kernel, '--ramdisk', await targetRamdisk(), '--append', cmdline]

  let shell = await ConsoleShell.logIn(console)
  const says = async (t: Test, line: string, expected: string | RegExp): Promise<void> => {
    const { output } = await shell.run(line)
    t.match(output, expected, line)
  }
  /** A system that is as well as before. */
  const isWell = async (t: Test): Promise<void> => {
    await says(t, 'systemctl is-system-running --wait', /^running$/)
    await says(t, 'systemctl --failed --no-legend', /^$/)
    const ours = UNITS.map(unit => `-u ${unit.replace('@1', '@*')}`).join(' ')
    await says(t, `journalctl --boot --quiet --priority warning ${ours}`, /^$/)
    await says(t, `systemctl is-active ${UNITS.filter(unit => !unit.includes('@')).join(' ')}`, /^(active\n){3}active$/)
    await says(t, `systemctl is-active serial-getty@${CONSOLE}`, /^active$/)
  }

  await t.test('one command installs it and its dependencies, and the agent runs', async t => {
    await shell.run('until ip -4 address show dev eth0 | grep -q inet; do sleep 1; done')
    t.equal((await shell.run(`cd /root && wget -q ${urls[0]}`)).status, 0)
    const { status, output } = await shell.run(INSTALL.replace('install', 'install --yes'), INSTALL_MS)
    t.equal(status, 0, output)
    t.notMatch(output, /no compiled code|disabled or a static unit/)
    await qemu.waitForAgent(PATIENCE)
    await isWell(t)
    await says(t, 'journalctl --boot -u fauxboot-agent', '"startedFrom":"cache"')
  })

  await t.test('its units are right, its command and its manual are there', async t => {
    await says(t, `systemd-analyze verify ${UNITS.join(' ')}`, /^$/)
    await says(t, 'fauxboot-agent --help', '--check-config [SETTING...]')
    await says(t, 'fauxboot-agent --check-config', `"tokenFile": "${TOKEN_FILE}"`)
    await says(t, 'man fauxboot-agent | col -b', /^FAUXBOOT-AGENT\(8\)/)
    t.equal((await shell.run('man --warnings fauxboot-agent 2>&1 >/dev/null')).output, '')
  })

  await t.test('the same package a second time changes nothing', async t => {
    const before = await shell.run(`md5sum ${TOKEN_FILE} ${SETTINGS}`)
    const { status, output } = await shell.run(INSTALL.replace('install', 'install --yes'), INSTALL_MS)
    t.equal(status, 0, output)
    t.same(await shell.run(`md5sum ${TOKEN_FILE} ${SETTINGS}`), before)
    await isWell(t)
  })

  await t.test('the clock goes forward when the agent asks for it', async t => {
    const ask = `const s = require("net").connect("/run/fauxboot-set-clock"); s.end(Math.floor(Date.now() / 1000) + 3600 + "\\n"); s.pipe(process.stdout)`
    await shell.run('systemctl stop systemd-timesyncd; rm -f /run/systemd/timesync/synchronized')
    await says(t, `node -e '${ask}'`, /^set$/)
    await isWell(t)
  })

  await t.test('a job without the token is refused; with it, the target boots', async t => {
    const refused = await fauxboot('boot', '--board', qemu.url, ...target)
    t.equal(refused.code, 1, refused.stderr)
    await writeFile(tokenFile, (await shell.run(`cat ${TOKEN_FILE}`)).output)
    const { code, stdout, stderr } = await fauxboot('boot', '--board', qemu.url, '--token-file', tokenFile, ...target)
    t.equal(code, 0, `${stdout}${stderr}`)
    await console.waitFor(TARGET_LOGIN, PATIENCE)
  })

  await t.test('after the job and a reset, Debian and the agent are there again', async t => {
    await qemu.reset()
    shell = await ConsoleShell.logIn(console)
    await qemu.waitForAgent(PATIENCE)
    await isWell(t)
    await says(t, 'journalctl --boot -u fauxboot-agent', '"startedFrom":"cache"')
  })

  t.equal((await shell.run(REMOTE_SHELL)).status, 0)
  const remote = await RemoteShell.open(qemu)

  await t.test(
    'the faked U-Boot takes the serial console when its login has ended, and finds its programs',
    async t => {
      const settings = JSON.stringify({ tokenFile: TOKEN_FILE, ubootSerial: `/dev/${CONSOLE}` })
      await remote.run(`echo '${settings}' >${SETTINGS}`)
      const checked = await remote.run(`${END_LOGIN} && ${USE_SETTINGS}`, INSTALL_MS)
      t.match(checked, `"serial": "/dev/${CONSOLE}"`)
      await interrupt(console)
      t.match(await type(console, 'setenv autoload no; dhcp'), 'DHCP client bound to address 10.0.2.15')
    },
  )

  await t.test(
    'a newer package keeps the settings, and its installation does not touch the serial console',
    async t => {
      const from = console.transcript.length
      const before = await remote.run(`md5sum ${TOKEN_FILE} ${SETTINGS}`)
      const upgrade = `cd /root && wget -q ${urls[1]} && apt install --yes ./${basename(newer)} 2>&1; echo status $?`
      t.match(await remote.run(upgrade, INSTALL_MS), /status 0$/)
      await interrupt(console)
      t.equal(console.transcript.slice(from).match(/\nU-Boot /g)?.length, 1, 'one banner: that of the new agent')
      t.equal(await remote.run(`md5sum ${TOKEN_FILE} ${SETTINGS}`), before)
      t.equal(await remote.run('ls /usr/lib/fauxboot/*.cache | wc -l'), '1')
    },
  )

  await t.test('a removed package leaves its settings, a purged one nothing', async t => {
    t.match(await remote.run('apt remove --yes fauxboot-agent 2>&1; echo status $?', INSTALL_MS), /status 0$/)
    t.equal(await remote.run(`ls ${SETTINGS} ${TOKEN_FILE}`), `${SETTINGS}\n${TOKEN_FILE}`)
    t.match(await remote.run(`${REMOVE.replace('purge', 'purge --yes')} 2>&1; echo status $?`, INSTALL_MS), /status 0$/)
    t.equal(await remote.run('systemctl --failed --no-legend; grep fauxboot /proc/mounts'), '')
    // The user's download stays; the manual's cache belongs to man-db.
    t.equal(await remote.run('find /etc /run /usr /var -xdev -name "*fauxboot*" -not -path "/var/cache/*"'), '')
  })
})

t.test('systemd/README.md has the commands that are run here', async t => {
  const readme = await readFile('systemd/README.md', 'utf8')
  for (const command of [INSTALL, END_LOGIN, USE_SETTINGS, REMOVE]) {
    t.ok(readme.includes(`\n    ${command.replace(CONSOLE, 'ttyS0')}\n`), command)
  }
})
