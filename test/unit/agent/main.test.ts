/** The agent as it runs on the board: its bundle, started as a process. */

import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import t from 'tap'
import { createSystemdNotifier } from '../../../agent/systemd-notify.js'
import { putTftp } from '../../../agent/transfer/tftp/client/client.js'
import { needs, peer } from '../../peer.js'
import { bundledAgent } from './agent-process.js'
import { temporaryDirectory } from './boot/fixture.js'
import { KERNEL } from './http/agent-fixture.js'

const { file: AGENT, noSettings: NO_SETTINGS, run, start } = await bundledAgent(t)

t.test('the help shows how to call the agent, and its settings', async t => {
  const { code, stdout } = await run(['--help'])
  t.equal(code, 0)
  t.match(stdout, '--check-config [SETTING...]')
  t.match(stdout, '--port  (FAUXBOOT_PORT, "port")')
})

t.test('the version is that of the package', async t => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.same(await run(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

t.test('settings are checked without running anything', async t => {
  const file = join(await temporaryDirectory(t), 'token')
  writeFileSync(file, 'secret')
  const env = { FAUXBOOT_CONFIG: NO_SETTINGS }
  const good = await run(['--check-config', '--token-file', file, '--port', '81'], env)
  t.equal(good.code, 0)
  t.match(JSON.parse(good.stdout), { listen: { port: 81 }, http: { tokenFile: file } })
  t.notMatch(good.stdout, 'secret')
  const bad = await run(['--check-config', '--port', 'x'], env)
  t.match(bad, { code: 1, stdout: '', stderr: /^fauxboot-agent: setting --port: expected a whole number/ })
  const none = await run(['--check-config', '--token-file', `${file}x`], env)
  t.match(none, { code: 1, stderr: /^fauxboot-agent: setting tokenFile: the file cannot be read/ })
})

t.test('the agent does not start with a wrong setting, without its token, or on a port that is taken', async t => {
  const env = { FAUXBOOT_CONFIG: NO_SETTINGS }
  t.match(await run(['--prot=1'], env), { code: 1, stderr: 'fauxboot-agent: setting --prot: there is no such flag' })
  t.match(await run(['--token-file', '/none'], env), { code: 1, stderr: 'fauxboot-agent: setting tokenFile' })
  const taken = createServer()
  await once(taken.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => taken.close())
  const port = String((taken.address() as { port: number }).port)
  const own = await temporaryDirectory(t)
  const directories = ['--artifact-dir', join(own, 'a'), '--state-dir', join(own, 's')]
  const { code, stderr } = await run(['--host', '127.0.0.1', '--port', port, ...directories], env)
  t.equal(code, 1)
  t.match(stderr, /^fauxboot-agent: .*EADDRINUSE/)
})

t.test('the agent answers, and exits with 0 on a signal', async t => {
  const { child, url, lines, ended } = await start(t)
  t.equal((await fetch(`${url}/healthz`)).status, 200)
  child.kill('SIGTERM')
  t.equal(await ended, 0)
  t.match(lines.at(-1), { level: 'info', signal: 'SIGTERM', msg: 'stopping' })
})

t.test('the agent takes jobs over TFTP where a port is set; one that is taken is no reason to end', async t => {
  const free = createSocket('udp4').bind(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address()
  const args = ['--tftp-port', String(port), '--tftp-host', '127.0.0.1']
  const without = await start(t, { args })
  const lost = without.lines.find(({ level }) => level === 'error')
  t.match(lost, { msg: 'there are no jobs over TFTP', reason: /EADDRINUSE/ })
  t.equal((await fetch(`${without.url}/healthz`)).status, 200)
  free.close()
  await once(free, 'close')
  const { child, ended } = await start(t, { args })
  const push = (file: string, content: string) =>
    putTftp({ server: '127.0.0.1', port, file }, [Buffer.from(content)], Buffer.byteLength(content))
  await push('a/kernel', 'no kernel')
  await t.rejects(push('a/job.yaml', 'a: ['), { code: 'TFTP_REFUSED', details: { text: /cannot be read as YAML/ } })
  await t.rejects(push('a/boot.scr', 'reset'), { code: 'TFTP_REFUSED', details: { text: /has the command "reset"/ } })
  await push('a/job.json', '{"cmdline":""}')
  child.kill('SIGTERM')
  t.equal(await ended, 0)
})

t.test(
  'the countdown waits for nothing that serves the network, and the board tells how long its start took',
  async t => {
    const free = createServer()
    await once(free.listen(0, '127.0.0.1'), 'listening')
    const { port } = free.address() as { port: number }
    free.close()
    await once(free, 'close')
    const directory = await temporaryDirectory(t)
    const { url, lines } = await start(t, { args: ['--uboot-telnet-port', String(port), '--uboot-dir', directory] })
    const at = (message: RegExp): number => lines.findIndex(({ msg }) => message.test(String(msg)))
    t.ok(at(/U-Boot console/) < at(/listening/), JSON.stringify(lines))
    const { start: times } = (await (await fetch(`${url}/v1/board`)).json()) as { start: Record<string, number> }
    const order = ['process', 'agent', 'countdown', 'ready'].map(name => times[name])
    t.strictSame(
      order,
      order.toSorted((a, b) => Number(a) - Number(b)),
      JSON.stringify(times),
    )
  },
)

t.test('what is loaded late is in the bundle', async t => {
  const { url } = await start(t)
  const post = (type: string, body: string | Uint8Array) =>
    fetch(`${url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: new Uint8Array(Buffer.from(body)),
    })
  const refused = async (answer: Response) => ((await answer.json()) as { message: string }).message
  t.match(await refused(await post('application/yaml', 'a: [')), 'the job is not valid')
  t.match(await refused(await post('application/zip', 'no zip')), 'a record of a ZIP file')
  t.match(await refused(await post('application/json', '{"artifacts":{}}')), 'artifacts.kernel')
  t.match(await refused(await fetch(`${url}/v1/jobs/x/plan?format=y`)), 'format must be one of')
  t.equal((await fetch(`${url}/docs`)).status, 200)
  t.equal((await fetch(`${url}/docs/static/swagger-ui.css`)).status, 200)
  t.match(await (await fetch(`${url}/docs/json`)).json(), { paths: { '/v1/jobs': { post: { requestBody: {} } } } })
})

t.test(
  'every decompressor works from the bundle, those of WebAssembly too',
  needs('xz', 'zstd', 'bzip2', 'lz4'),
  async t => {
    const { url } = await start(t)
    const tools = { gzip: [], xz: ['--check=crc32'], zstd: [], bzip2: [], lz4: ['-l'], lzma: ['--format=lzma'] }
    for (const [tool, args] of Object.entries(tools)) {
      const form = new FormData()
      form.append('job', JSON.stringify({ cmdline: 'quiet', options: { dryRun: true } }))
      const command = tool === 'lzma' ? 'xz' : tool
      form.append('kernel', new Blob([new Uint8Array(peer(command, [...args, '-c'], KERNEL))]))
      const answer = await fetch(`${url}/v1/jobs`, { method: 'POST', body: form })
      const { id } = (await answer.json()) as { id: string }
      await (await fetch(`${url}/v1/jobs/${id}/events`)).text()
      const log = await (await fetch(`${url}/v1/jobs/${id}/log`)).text()
      t.match(log, `${KERNEL.length} bytes`, `${tool}: ${log}`)
    }
  },
)

t.test('a bug ends the agent with 1 and its stack in the log', async t => {
  const bugs = ["throw new Error('a bug')", "Promise.reject(new Error('a bug'))"]
  for (const bug of bugs) {
    const file = join(await temporaryDirectory(t), 'bug.cjs')
    writeFileSync(file, `process.on('SIGUSR2', () => { ${bug} })`)
    const { child, lines, ended } = await start(t, { node: ['--require', file] })
    child.kill('SIGUSR2')
    t.equal(await ended, 1)
    t.match(lines.at(-1), { level: 'fatal', err: { message: 'a bug', stack: String } })
  }
})

t.test('systemd hears that the agent is ready, that it lives, and that it stops', needs('addon', 'socat'), async t => {
  // On a board, the addon lies beside the bundle.
  const prebuilds = join(dirname(AGENT), 'prebuilds')
  symlinkSync(resolve('native/prebuilds'), prebuilds)
  t.teardown(() => rmSync(prebuilds))
  const socket = join(await temporaryDirectory(t), 'notify')
  const systemd = spawn('socat', ['-u', `UNIX-RECV:${socket}`, '-'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => systemd.kill())
  let said = ''
  systemd.stdout.on('data', chunk => (said += chunk))
  while (!existsSync(socket)) await new Promise(resolve => setImmediate(resolve))
  const { child, ended } = await start(t, { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '20000' } })
  while (!said.includes('WATCHDOG=1WATCHDOG=1')) await once(systemd.stdout, 'data')
  child.kill('SIGTERM')
  t.equal(await ended, 0)
  while (!said.includes('STOPPING=1')) await once(systemd.stdout, 'data')
  t.match(said, /^READY=1(WATCHDOG=1)+STOPPING=1$/)
})

t.test('nothing is sent to a systemd that does not ask', async t => {
  const warnings: string[] = []
  const notifier = createSystemdNotifier({}, { warn: () => warnings.push('warning') })
  notifier.ready()
  notifier.stopping()
  t.same(warnings, [])
})

t.test("another process's watchdog is not fed, and a systemd that cannot be reached is only a warning", async t => {
  const warnings: string[] = []
  const env = { NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '1000', WATCHDOG_PID: String(process.pid + 1) }
  const notifier = createSystemdNotifier(env, { warn: (_: object, message: string) => warnings.push(message) })
  notifier.ready()
  notifier.stopping()
  t.same(warnings, ['could not send READY=1 to systemd', 'could not send STOPPING=1 to systemd'])
})

t.test('compiled code is written once, used from then on, and not needed', async t => {
  t.match((await start(t)).lines.at(-1), { msg: 'ready', startedFrom: 'source' })
  const { code, stdout } = await run(['--build-cache'])
  t.equal(code, 0)
  const file = stdout.trimEnd().split('\n').at(-1) ?? ''
  t.match(file, new RegExp(`/fauxboot-agent\\.${process.arch}\\.[0-9a-f]{16}\\.cache$`))
  t.match((await start(t)).lines.at(-1), { msg: 'ready', startedFrom: 'cache' })
  // Another V8 would see the same: code that is not for it.
  writeFileSync(file, readFileSync(file).fill(0, 0, 64))
  t.match((await start(t)).lines.at(-1), { msg: 'ready', startedFrom: 'source' })
})
