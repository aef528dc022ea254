/** Jobs of KernelCI, pulled from an API, booted and tested on emulated boards. */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
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
const LTP_JOB = '66c0ffee00112233445566cc'

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
  const folder = t.testdir({ tree: { lib: { modules: { 'pulled.txt': 'modules are here\n' } } } })
  return packed(join(folder, 'tree'), 'modules.tar.xz', 'lib')
}

/** A tarball of a folder's content, beside it. */
async function packed(folder: string, name: string, what = '.'): Promise<string> {
  const path = join(folder, '..', name)
  await run('tar', ['-C', folder, '--owner=root', '--group=root', '-cJf', path, what])
  return path
}

/** Prints what kirk prints, with a message of the kernel in the middle of a line. */
const KIRK = `#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = --run-suite ] && suite=$2; shift; done
echo "Starting suite: $suite"
echo 'access01: pass  (0.010s)'
printf 'brk01: '
echo 'starting test brk01' >/dev/kmsg
sleep 1
echo 'pass | tainted  (1.020s)'
echo 'fork13: fail  (1m 2s)'
echo 'route4: skip  (0.001s)'
`
const KSELFTEST = `#!/bin/sh
echo TAP version 13
echo "ok 1 selftests: $2: run.sh"
`

/** A root file system as KernelCI's jobs have it: an init, a shell, and LTP's runner. */
async function rootfsArchive(folder: string): Promise<string> {
  const root = join(folder, 'root')
  await mkdir(root)
  const archive = join(root, '../root.cpio')
  await writeFile(archive, await readFile(await targetRamdisk({ compression: 'none' })))
  // Only root may make devices, and the kernel makes this one itself.
  const only = ['--nonmatching', 'dev/console']
  await run('cpio', ['--extract', '--make-directories', '--quiet', '--file', archive, ...only], { cwd: root })
  await mkdir(join(root, 'sbin'))
  await rename(join(root, 'init'), join(root, 'sbin/init'))
  await symlink('busybox', join(root, 'bin/mount'))
  await mkdir(join(root, 'opt/kirk'), { recursive: true })
  await writeFile(join(root, 'opt/kirk/kirk'), KIRK, { mode: 0o755 })
  return packed(root, 'full.rootfs.tar.xz')
}

/** The kernel's selftests as a build packs them. */
async function kselftestArchive(folder: string): Promise<string> {
  const root = join(folder, 'kselftest')
  await mkdir(root)
  await writeFile(join(root, 'run_kselftest.sh'), KSELFTEST, { mode: 0o755 })
  return packed(root, 'kselftest.tar.xz')
}

interface Pulled {
  readonly code: number
  /** rows of KCIDB: `PATH STATUS` */
  readonly rows: readonly string[]
  /** version of KCIDB's schema */
  readonly version: Document
}

/** Run the lab's command once, with one board. @param power lines of its settings; without any, the board is on */
async function pull(t: Test, lab: Lab, qemu: QemuBoard, server: KernelciServer, power = ''): Promise<Pulled> {
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
  - name: ${lab.board.name}
    platform: ${PLATFORM}
    agent: ${qemu.url}
    agentTokenFile: board.token
    console: tcp://127.0.0.1:${await listen(t, consoleServer(qemu))}
    cmdline: ${lab.cmdline}
    agentSeconds: 600
    silenceSeconds: 300
${power}`,
  })
  const kcidb = join(folder, 'kcidb.json')
  const argv = ['dist/lava/cli/fauxboot.js', 'pull', '--config', join(folder, 'lab.yaml'), '--once', '--kcidb', kcidb]
  const { code, stderr } = await run('node', argv).then(
    ({ stderr }) => ({ code: 0, stderr }),
    (error: { code: number; stderr: string }) => error,
  )
  t.comment(stderr)
  const { version, tests } = JSON.parse(await readFile(kcidb, 'utf8'))
  return { code, version, rows: tests.map(({ path, status }: Document) => `${path} ${status}`) }
}

/** The job as KernelCI renders it, with other artifacts. */
async function jobWith(artifacts: object, more: object = {}): Promise<Document> {
  const job: Document = JSON.parse(await readFile('test/unit/agent/boot/requests/pull-labs-a80.json', 'utf8'))
  return { ...job, artifacts, ...more }
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
  server.addJob(A80_JOB, await jobWith(artifacts), { platform: PLATFORM })
  const tests = [
    { id: 'boot', type: 'boot', timeout_s: 600 },
    { id: 'modules', type: 'shell', timeout_s: 60, commands: ['cat /lib/modules/pulled.txt'] },
    { id: 'kernel', type: 'uname', timeout_s: 60 },
    { id: 'wrong', type: 'shell', timeout_s: 60, commands: ['echo it breaks here; exit 9'] },
  ]
  server.addJob(SHELL_JOB, await jobWith(artifacts, { tests, integrity: { sha256 } }), { platform: PLATFORM })

  const reset = `curl --silent --show-error --fail http://127.0.0.1:${await listen(t, powerSwitch(qemu))}/`
  const { code, version, rows } = await pull(t, lab, qemu, server, `    power: { reset: '${reset}' }\n`)
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

  t.same(version, { major: 5, minor: 3 })
  t.same(rows, ['boot PASS', 'boot PASS', 'shell.modules PASS', 'uname.kernel PASS', 'shell.wrong FAIL'])
})

t.test('an ltp-like job boots its root file system on virt, and its cases are posted one by one', async t => {
  const lab = await Lab.open(t, 'virt')
  const { qemu } = await lab.atCountdown(t)
  const server = await KernelciServer.start(t)
  const files = t.testdir({})
  const artifacts = {
    kernel: server.serve('kernel', await readFile((await debianKernel('trixie')).kernel)),
    dtb: server.serve('dtb', await readFile(await lab.dtb())),
    kselftest: server.serve('kselftest.tar.xz', await readFile(await kselftestArchive(files))),
    rootfs: server.serve('full.rootfs.tar.xz', await readFile(await rootfsArchive(files))),
  }
  const tests = [
    { id: 'ltp-smoketest', type: 'ltp', timeout_s: 600, parameters: 'tst_cmdfiles=smoketest workers=max' },
    { id: 'kselftest-futex', type: 'kselftest-futex', timeout_s: 600 },
  ]
  server.addJob(LTP_JOB, await jobWith(artifacts, { tests }), { platform: PLATFORM })
  const { code, rows } = await pull(t, lab, qemu, server)
  t.equal(code, 1, 'a case fails')
  t.match(server.node(LTP_JOB), { state: 'done', result: 'fail' })
  t.match(server.children, [
    { name: 'ltp-smoketest', result: 'fail', data: { error_msg: '1 of 4 cases failed, the first: fork13' } },
    { name: 'kselftest-futex', result: 'pass' },
    { name: 'ltp-smoketest.access01', result: 'pass' },
    { name: 'ltp-smoketest.brk01', result: 'pass' },
    { name: 'ltp-smoketest.fork13', result: 'fail' },
    { name: 'ltp-smoketest.route4', result: 'skip' },
    { name: 'kselftest-futex.selftests: futex: run.sh', result: 'pass' },
  ])
  t.match(server.stored.get(`lab/${LTP_JOB}/console.log`), /Starting suite: smoketest/)
  for (const row of ['boot PASS', 'ltp.ltp-smoketest.fork13 FAIL']) t.ok(rows.includes(row), row)
})
