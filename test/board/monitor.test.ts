/** `fauxboot boot --console` at an emulated board, as a lab runs it. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { TARGET_LOGIN, targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { bridgeConsole } from './console-bridge.js'
import { Lab } from './lab.js'

/** Emulation on a busy machine is slow: seconds. */
const PATIENCE = ['--wait', '600', '--timeout', '900', '--silence', '300']

async function fauxboot(...argv: readonly string[]) {
  const child = spawn('node', ['dist/lava/cli/fauxboot.js', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, stdout, stderr }
}

t.test('virt: a boot is watched at the console', async t => {
  const lab = await Lab.open(t, 'virt')
  const { qemu } = await lab.atCountdown(t)
  const { port, reset } = await bridgeConsole(t, qemu)
  const { kernel, version } = await debianKernel('trixie')
  const target = ['--kernel', kernel, '--dtb', await lab.dtb(), '--append']
  const watched = ['boot', '--console', `telnet://127.0.0.1:${port}`, '--power-reset', reset, ...PATIENCE]
  const http = [...watched, '--board', qemu.url, '--token-file', lab.tokenFile, ...target]
  const ramdisk = ['--ramdisk', await targetRamdisk()]

  await t.test('a job over HTTP boots to a prompt, and the results say so', async t => {
    const dir = t.testdir()
    const at = (name: string): string => join(dir, name)
    const results = ['--log', at('log'), '--junit', at('junit'), '--kcidb', at('kcidb'), '--build-id', 'debian:trixie']
    const { code, stdout, stderr } = await fauxboot(
      ...http,
      lab.cmdline,
      ...ramdisk,
      '--until',
      TARGET_LOGIN,
      ...results,
    )
    t.equal(code, 0, stderr)
    t.match(stdout, /^booted after [0-9.]+ s \(login-prompt\): /)
    t.match(await readFile(at('log'), 'utf8'), `Linux version ${version}`)
    t.match(await readFile(at('junit'), 'utf8'), /<testsuite name="boot"[^>]*tests="1"[^>]*failures="0"/)
    const [test] = JSON.parse(await readFile(at('kcidb'), 'utf8')).tests
    t.match(test, { path: 'boot', status: 'PASS', build_id: 'debian:trixie' })
    // On a busy machine the agent may accept the job before its countdown has left the serial line.
    const milestones = Object.keys(test.misc.fauxboot.milestones).filter(name => name !== 'bootloader')
    t.match(milestones, ['starting-kernel', 'linux-version'])
  })

  await t.test('a boot typed at its U-Boot boots to a prompt, with the files served by the command', async t => {
    const typed = ['--typed', '--serve-at', '10.0.2.2', ...target, lab.cmdline, ...ramdisk, '--json']
    const { code, stdout, stderr } = await fauxboot(...watched, ...typed, '--until', TARGET_LOGIN)
    t.equal(code, 0, stderr)
    t.match(JSON.parse(stdout), { outcome: 'booted', sign: 'login-prompt' })
  })

  await t.test('a panic is reported with its lines', async t => {
    const { code, stdout, stderr } = await fauxboot(...http, `${lab.cmdline} root=/dev/nonexistent panic=-1`)
    t.equal(code, 1, stderr)
    t.match(stdout, /^failed after [0-9.]+ s \(kernel-panic\): kernel panic in the kernel, .*Unable to mount root fs/)
    t.match(stdout, /\n {2}.*Kernel panic - not syncing: VFS: Unable to mount root fs/)
  })
})
