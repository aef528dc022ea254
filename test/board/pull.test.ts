/** KernelCI's own job for the A80, pulled from an API, booted and tested on an emulated board. */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import type { QemuBoard } from '../../systemd/qemu/qemu.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import {
  TOKEN as API_TOKEN,
  type Document,
  KernelciServer,
  STORAGE_TOKEN,
} from '../unit/lava/kernelci/kernelci-server.js'
import { Lab, TOKEN } from './lab.js'

const run = promisify(execFile)

const PLATFORM = 'sun9i-a80-cubieboard4'
const A80_JOB = '66c0ffee00112233445566aa'
const SHELL_JOB = '66c0ffee00112233445566bb'

async function listen(t: Test, server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

/** The board's console as a console server has it. */
function consoleServer({ console }: QemuBoard): Server {
  return createServer(socket => {
    const say = (text: string): void => void socket.write(text)
    console.on('data', say)
    socket.on('data', bytes => console.send(bytes.toString('latin1')))
    socket.on('close', () => console.off('data', say))
    socket.on('error', () => socket.destroy())
  })
}

/** A switch that takes the board's power away and gives it back. */
function powerSwitch(qemu: QemuBoard): Server {
  return createHttpServer((_, response) => {
    qemu.reset().then(
      () => response.end('done'),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
}

/** What the build of a kernel has as modules.tar.xz, with a file that a test finds again. */
async function modulesArchive(t: Test): Promise<string> {
  const folder = t.testdir({ lib: { modules: { 'pulled.txt': 'modules are here\n' } } })
  const path = join(folder, 'modules.tar.xz')
  await run('tar', ['-C', folder, '-cJf', path, 'lib'])
  return path
}

t.test("KernelCI's A80 job is pulled, booted on orangepi-pc, tested at its shell and posted", async t => {
  const lab = await Lab.open(t, 'orangepi-pc')
  const { qemu } = await lab.atCountdown(t)
  const server = await KernelciServer.start(t)
  const sha256: Record<string, string> = {}
  const serve = async (role: string, file: string): Promise<string> => {
    const bytes = await readFile(file)
    sha256[role] = createHash('sha256').update(bytes).digest('hex')
    return server.serve(role, bytes)
  }
  const artifacts = {
    kernel: await serve('kernel', (await debianKernel('trixie')).kernel),
    modules: await serve('modules', await modulesArchive(t)),
    ramdisk: await serve('ramdisk', await targetRamdisk()),
    dtb: await serve('dtb', await lab.dtb()),
  }
  // The job as KernelCI renders it, with other URLs.
  const job: Document = JSON.parse(await readFile('test/unit/agent/boot/requests/pull-labs-a80.json', 'utf8'))
  server.addJob(A80_JOB, { ...job, artifacts }, { platform: PLATFORM })
  const tests = [
    { id: 'boot', type: 'boot', timeout_s: 600 },
    { id: 'modules', type: 'shell', timeout_s: 60, commands: ['cat /lib/modules/pulled.txt'] },
    { id: 'kernel', type: 'uname', timeout_s: 60 },
    { id: 'wrong', type: 'shell', timeout_s: 60, commands: ['echo it breaks here; exit 9'] },
  ]
  server.addJob(SHELL_JOB, { ...job, artifacts, tests, integrity: { sha256 } }, { platform: PLATFORM })

  const folder = t.testdir({
    'api.token': API_TOKEN,
    'storage.token': STORAGE_TOKEN,
    'board.token': TOKEN,
    'lab.yaml': `
api: { url: '${server.api}', tokenFile: api.token, pollSeconds: 5 }
runtime: pull-lab-test
stateDir: state
storage: { url: '${server.url}/storage', tokenFile: storage.token, path: lab }
shellTests: { uname: ['uname -a'] }
boards:
  - name: orangepi-pc
    platform: ${PLATFORM}
    agent: ${qemu.url}
    agentTokenFile: board.token
    console: tcp://127.0.0.1:${await listen(t, consoleServer(qemu))}
    power: { reset: 'curl --silent --show-error --fail http://127.0.0.1:${await listen(t, powerSwitch(qemu))}/' }
    cmdline: ${lab.cmdline}
    agentSeconds: 600
    silenceSeconds: 300
`,
  })
  const kcidb = join(folder, 'kcidb.json')
  const argv = ['dist/lava/cli/fauxboot.js', 'pull', '--config', join(folder, 'lab.yaml'), '--once', '--kcidb', kcidb]
  const { code, stderr } = await run('node', argv).then(
    ({ stderr }) => ({ code: 0, stderr }),
    (error: { code: number; stderr: string }) => error,
  )
  t.comment(stderr)
  t.equal(code, 1, 'the second job has a test that fails')

  t.match(server.node(A80_JOB), { state: 'done', result: 'pass', artifacts: { test_log: /\/console\.log$/ } })
  t.match(server.stored.get(`lab/${A80_JOB}/console.log`), /Linux version[\s\S]*login:/)

  t.match(server.node(SHELL_JOB), { state: 'done', result: 'fail' })
  t.match(server.children, [
    { name: 'boot', result: 'pass' },
    { name: 'modules', result: 'pass' },
    { name: 'kernel', result: 'pass' },
    {
      name: 'wrong',
      result: 'fail',
      data: { error_msg: '"echo it breaks here; exit 9" ended with 9: it breaks here' },
    },
  ])
  t.match(server.stored.get(`lab/${SHELL_JOB}/console.log`), /modules are here/)

  const { version, tests: rows } = JSON.parse(await readFile(kcidb, 'utf8'))
  t.same(version, { major: 5, minor: 3 })
  t.same(
    rows.map(({ path, status }: Document) => `${path} ${status}`),
    ['boot PASS', 'boot PASS', 'shell.modules PASS', 'uname.kernel PASS', 'shell.wrong FAIL'],
  )
})
