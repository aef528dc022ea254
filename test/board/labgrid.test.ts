/** labgrid with the environment that we ship, at an emulated board: Debian's labgrid, its own drivers and strategy. */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { isSeq, parseDocument } from 'yaml'
import { serveFiles } from '../../lava/monitor/file-server.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { bridgeConsole } from './console-bridge.js'
import { Lab } from './lab.js'

/** Debian's, whatever other Python is in the path: that one has Debian's labgrid. */
const PYTHON = '/usr/bin/python3'

/** For each wait of labgrid's that can be set: emulation on a busy machine is slow, seconds. */
const PATIENCE = 600

/** This machine, for itself and for a board in QEMU. */
const HOST = { here: '127.0.0.1', atBoard: '10.0.2.2' } as const

/** labgrid's first echo has 2 s, which nobody can set: an emulated board that shares its cores may be late. */
const TOO_LATE = /in _check_prompt[\s\S]*Timeout of [\d.]+ seconds exceeded/
const ATTEMPTS = 3

/** Our environment with other values at some paths, as an admin puts a lab in; a list gets one more at its end. */
async function environment(lab: readonly (readonly [path: string, value: unknown])[]): Promise<string> {
  const document = parseDocument(await readFile('lava/labgrid/env.yaml', 'utf8'))
  for (const [path, value] of lab) {
    const keys = ['targets', 'main', ...path.split('/')]
    const there = document.getIn(keys)
    if (there === undefined) throw new Error(`env.yaml has no ${path}`)
    if (isSeq(there)) there.add(value)
    else document.setIn(keys, value)
  }
  return String(document)
}

/** Run our script with Debian's pytest, leaving nothing beside it. */
async function pytest(options: readonly string[]): Promise<{ code: number; output: string }> {
  const argv = ['-B', '-m', 'pytest', '-p', 'no:cacheprovider', ...options, 'lava/labgrid/test_boot.py']
  const child = spawn(PYTHON, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, output: stdout + stderr }
}

const labgrid = spawnSync(PYTHON, ['-c', 'import labgrid']).status === 0
const skip = labgrid ? false : `${PYTHON} has no labgrid: Debian 12 has the package python3-labgrid, Debian 13 has none`

t.test('virt: labgrid boots a kernel over TFTP and logs in', { skip }, async t => {
  const lab = await Lab.open(t, 'virt')
  const { qemu } = await lab.powerOn(t)
  const { port, reset } = await bridgeConsole(t, qemu)
  const { kernel } = await debianKernel('trixie')
  const paths = { kernel, ramdisk: await targetRamdisk(), dtb: await lab.dtb() }
  const files = new Map<string, Uint8Array>()
  for (const [name, path] of Object.entries(paths)) files.set(name, await readFile(path))
  const tftp = await serveFiles({ address: HOST.here, port: 0 }, files, problem => t.comment(problem))
  t.teardown(() => tftp.close())

  const env = await environment([
    ['options/tftp_server', HOST.atBoard],
    ...Object.keys(paths).map(name => [`options/${name}`, name] as const),
    ['options/bootargs', lab.cmdline],
    ['resources/NetworkSerialPort/host', HOST.here],
    ['resources/NetworkSerialPort/port', port],
    // An emulated board has a reset button, and is on.
    ['drivers/ExternalPowerDriver/cmd_on', 'true'],
    ['drivers/ExternalPowerDriver/cmd_off', 'true'],
    ['drivers/ExternalPowerDriver/cmd_cycle', reset],
    // A lab's server has TFTP's own port; nobody but root can have it.
    ['drivers/UBootDriver/init_commands', `setenv tftpdstp ${tftp.port}`],
    ['drivers/UBootDriver/login_timeout', PATIENCE],
    ['drivers/UBootDriver/boot_timeout', PATIENCE],
    ['drivers/ShellDriver/login_timeout', PATIENCE],
  ])
  const config = join(t.testdir(), 'env.yaml')
  await writeFile(config, env)
  // With labgrid's log of the console, and its steps: what a failure is understood from.
  const options = ['-vv', '--lg-env', config, '--lg-log', join(t.testdirName, 'logs')]
  let result = await pytest(options)
  for (let attempt = 1; attempt < ATTEMPTS && result.code !== 0 && TOO_LATE.test(result.output); attempt++) {
    t.comment('labgrid did not wait for the first echo: once more')
    result = await pytest(options)
  }
  if (result.code !== 0) t.comment(result.output)
  t.match(result, { code: 0, output: /3 passed/ }, 'all three tests of the script pass')
})
