/** `fauxboot boot --console` with a LAVA job that has test definitions. */

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { buildZImage } from '../../../agent/image/kernel/zimage-builder.js'
import { cpio } from '../../../agent/kexec/images.js'
import { startAgent } from '../../agent.js'
import { fauxboot } from '../../capture.js'
import { serve } from '../../stand-in.js'

/** The console of a target that starts with the jump: a login with a password, then a shell of this machine. */
async function targetConsole(t: Test, jumped: Promise<unknown>): Promise<string> {
  const serveTarget = async (socket: Socket): Promise<void> => {
    socket.on('error', () => socket.destroy())
    await jumped
    socket.write('[    0.000000] Linux version 6.12\ntarget login: ')
    for (const prompt of ['target login: ', 'Password: ', '/ # ']) {
      await new Promise(resolve => socket.once('data', resolve))
      socket.write(prompt)
    }
    const shell = spawn('sh', { stdio: ['pipe', 'pipe', 'inherit'] })
    socket.pipe(shell.stdin)
    shell.stdout.pipe(socket)
  }
  const server = createServer(socket => void serveTarget(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A LAVA job with some test definitions. */
async function lavaJob(t: Test, definitions: string): Promise<string> {
  const [kernel, ramdisk] = [Buffer.from(buildZImage()), Buffer.from(cpio(1000))]
  const server = await serve(t, ({ path }, response) => void response.end(path === '/zImage' ? kernel : ramdisk))
  const job = `
actions:
- deploy: { to: tftp, kernel: { url: '${server.href}zImage' }, ramdisk: { url: '${server.href}ramdisk' } }
- boot: { method: u-boot, commands: ramdisk }
- test: { definitions: [${definitions}] }
`
  return join(t.testdir({ 'job.yaml': job }), 'job.yaml')
}

const inline = (name: string, steps: string): string =>
  `{ from: inline, name: ${name}, path: x, repository: { run: { steps: [${steps}] } } }`

t.test('inline test definitions are run when the target has booted, and others are skipped', async t => {
  const { board, kexec } = await startAgent(t)
  const git = '{ from: git, name: ltp, path: ltp.yaml, repository: https://example.org/x.git }'
  const job = await lavaJob(t, [inline('smoke', '"echo ok 1 first", "echo not ok 2 second"'), git].join(', '))
  const junit = `${job}.xml`
  const argv = ['boot', '--board', board, '--job', job, '--console', await targetConsole(t, kexec.jumped)]
  const { code, stdout, stderr } = await fauxboot([...argv, '--until', 'login:', '--junit', junit, '--json'])
  t.equal(code, 1, stderr)
  t.match(JSON.parse(stdout), {
    outcome: 'booted',
    tests: [
      { id: '0_smoke', result: 'fail', message: '1 of 2 cases failed, the first: second' },
      { id: '0_smoke.first', result: 'pass' },
      { id: '0_smoke.second', result: 'fail' },
      { id: '1_ltp', result: 'skip', message: 'comes from git, and only inline definitions can be run here' },
    ],
  })
  t.match(readFileSync(junit, 'utf8'), /tests="5" failures="2".*skipped="1"[\s\S]*name="0_smoke\.second"/)
})

t.test('a target that boots and passes its tests is a success', async t => {
  const { board, kexec } = await startAgent(t)
  const job = await lavaJob(t, inline('smoke', '"true"'))
  const argv = ['boot', '--board', board, '--job', job, '--console', await targetConsole(t, kexec.jumped)]
  const { code, stdout, stderr } = await fauxboot([...argv, '--until', 'login:'])
  t.equal(code, 0, stderr)
  t.match(stdout, /booted after .*\n1 tests and cases, 0 failed\n$/)
  t.match(stderr, /test 0_smoke: pass/)
})

t.test('a wrong test definition is named before the board is switched on', async t => {
  const { board } = await startAgent(t)
  const job = await lavaJob(t, '{ from: inline, name: smoke, repository: { run: {} } }')
  const argv = ['boot', '--board', board, '--job', job, '--console', 'tcp://127.0.0.1:1', '--until', 'login:']
  const { code, stderr } = await fauxboot(argv)
  t.equal(code, 1)
  t.match(stderr, /actions\[2\]\.test\.definitions\[0\]\.repository\.run\.steps/)
})
