/** `fauxboot acceptance` at an emulated board, as the owner of a new one runs it. */

import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { bridgeConsole } from './console-bridge.js'
import { Lab } from './lab.js'

const run = promisify(execFile)

/** Emulation on a busy machine is slow: seconds. */
const PATIENCE = ['--wait', '600', '--timeout', '1200', '--silence', '300']

interface Report {
  readonly outcome: string
  readonly board: { readonly model: string }
  readonly rounds: readonly {
    readonly checks: readonly { readonly name: string; readonly result: string; readonly reason: string }[]
    readonly phases: readonly { readonly name: string; readonly seconds: number | null }[]
  }[]
}

t.test('virt: two boots and two reboots pass, and the reports hold what a bug report needs', async t => {
  const lab = await Lab.open(t, 'virt')
  const { qemu } = await lab.atCountdown(t)
  const { port } = await bridgeConsole(t, qemu)
  const { kernel, version } = await debianKernel('trixie')
  // The lab's token is in the folder of this test.
  const dir = join(t.testdirName, 'results')
  await mkdir(dir)
  const at = (name: string): string => join(dir, name)
  // No power commands: the reboot at the target's shell starts the second boot.
  const board = ['--board', qemu.url, '--token-file', lab.tokenFile, '--console', `telnet://127.0.0.1:${port}`]
  const target = [
    '--kernel',
    kernel,
    '--ramdisk',
    await targetRamdisk({ loads: lab.board.modules, withModules: true }),
    '--dtb',
    await lab.dtb(),
  ]
  const reports = ['--json', at('json'), '--junit', at('junit'), '--archive', at('report.tar.gz')]
  const argv = ['acceptance', ...board, ...target, '--append', lab.cmdline, '--boots', '2', ...PATIENCE, ...reports]
  const { code, stdout, stderr } = await run('node', ['dist/lava/cli/fauxboot.js', ...argv]).then(
    result => ({ code: 0, ...result }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  )
  t.comment(stdout)
  t.equal(code, 0, stderr)

  const report: Report = JSON.parse(await readFile(at('json'), 'utf8'))
  t.match(report, { outcome: 'passed', board: { model: 'linux,dummy-virt' } })
  t.equal(report.rounds.length, 2)
  for (const { checks, phases } of report.rounds) {
    const results = Object.fromEntries(checks.map(({ name, result }) => [name, result]))
    t.same(results, {
      ...{ boot: 'pass', 'job-id': 'pass', cpus: 'pass', memory: 'pass', 'mac-address': 'pass', watchdog: 'skip' },
      ...{ 'console-complete': 'pass', 'console-clean': 'pass', reset: 'pass' },
    })
    const seen = phases.filter(({ seconds }) => seconds !== null).map(({ name }) => name)
    for (const name of ['jump to first kernel line', 'first kernel line to prompt', 'reboot to agent']) {
      t.ok(seen.includes(name), name)
    }
  }
  t.match(await readFile(at('junit'), 'utf8'), /<testsuite name="acceptance"[^>]*tests="18"[^>]*failures="0"/)

  await run('tar', ['-C', dir, '-xzf', at('report.tar.gz')])
  const packed = (name: string): Promise<string> => readFile(join(dir, 'fauxboot-acceptance', name), 'utf8')
  t.match(await packed('report.txt'), /^passed: 2 boots, 16 checks passed/m)
  for (const boot of [1, 2]) {
    t.match(await packed(`boot-${boot}-console.log`), `Linux version ${version}`)
    t.match(await packed(`boot-${boot}-job.log`), /loaded/)
    t.match(JSON.parse(await packed(`boot-${boot}-board.json`)), { cpus: { possible: 1 } })
  }
})
