import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { zipSync } from 'fflate'
import t, { type Test } from 'tap'
import { Interruption } from '../../../../../lava/terminal/terminal.js'
import { buildZImage } from '../../../agent/image/kernel/zimage-builder.js'
import { cpio } from '../../../agent/kexec/images.js'
import { startAgent } from '../../agent.js'
import { fauxboot } from '../../capture.js'
import { nobody, serve } from '../../stand-in.js'

const KERNEL = Buffer.from(buildZImage())
const RAMDISK = Buffer.from(cpio(1000))

/** A kernel and a ramdisk on disk; options that name them. */
function files(t: Test) {
  const dir = t.testdir({ zImage: KERNEL, ramdisk: RAMDISK })
  return ['--kernel', join(dir, 'zImage'), '--ramdisk', join(dir, 'ramdisk'), '--append', 'console=ttyS0']
}

/** Lines without the time in front of them. */
function untimed(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map(line => line.replace(/^\[ *[0-9.]+ s\] /, ''))
}

t.test('files are uploaded, and the board jumps into them', async t => {
  const { board, kexec } = await startAgent(t)
  const { code, stdout, stderr } = await fauxboot(['boot', '--board', board, ...files(t), '--name', 'first'])
  t.equal(code, 0, stderr)
  t.match(stdout, /^job \S+: the board has jumped into the target\n$/)
  const lines = untimed(stderr)
  t.ok(lines.includes('send kernel: 0 bytes of 16.0 KiB'), stderr)
  for (const state of ['fetching', 'verifying', 'planning', 'loaded', 'booting']) t.ok(lines.includes(state), state)
  const { segments } = await kexec.jumped
  t.ok(KERNEL.equals(segments[0]?.buffer ?? KERNEL.subarray(1)))
})

t.test('with --json there is nothing but the job', async t => {
  const { board } = await startAgent(t)
  const { code, stdout, stderr } = await fauxboot(['boot', '--board', board, ...files(t), '--json'])
  t.same({ code, stderr }, { code: 0, stderr: '' })
  t.match(JSON.parse(stdout), { state: 'booting', request: { cmdline: 'console=ttyS0' } })
})

t.test('a dry run prints the plan, and loads nothing', async t => {
  const { board, kexec } = await startAgent(t)
  const argv = ['boot', '--board', board, ...files(t), '--dry-run']
  const { code, stdout } = await fauxboot([...argv, '--earlycon', 'pl011,0x9000000'])
  t.equal(code, 0)
  t.match(stdout, /^Plan: survivable\n/)
  t.match(stdout, 'console=ttyS0 earlycon=pl011,0x9000000')
  t.notOk(kexec.calls.some(({ method }) => method === 'load'))
  const again = await fauxboot(argv)
  t.ok(untimed(again.stderr).includes('kernel: the board has it already (16.0 KiB)'))
  const json = await fauxboot([...argv, '--json'])
  t.match({ ...json, stdout: JSON.parse(json.stdout) }, { code: 0, stderr: '', stdout: { state: 'planned' } })
})

t.test('a gzip file that breaks off is a warning before the job, and nothing is said of a whole one', async t => {
  const { board } = await startAgent(t)
  const whole = gzipSync(cpio(5000))
  const dir = t.testdir({ zImage: KERNEL, whole, half: whole.subarray(0, -20) })
  const boot = (ramdisk: string) =>
    fauxboot(['boot', '--board', board, '--kernel', join(dir, 'zImage'), '--ramdisk', join(dir, ramdisk), '--dry-run'])
  const half = await boot('half')
  t.equal(half.code, 0)
  const lines = untimed(half.stderr)
  const warning = lines.findIndex(line =>
    line.startsWith('warning: part 1 of the ramdisk ends in the middle of its gzip'),
  )
  t.equal(lines[warning + 1], '  copy the file again, whole')
  t.ok(warning < lines.findIndex(line => line.startsWith('job ')))
  t.notMatch((await boot('whole')).stderr, 'ends in the middle')
})

t.test('the watchdog is an option of the job, in seconds', async t => {
  const { board } = await startAgent(t)
  const argv = ['boot', '--board', board, ...files(t), '--dry-run', '--json', '--watchdog']
  const { stdout } = await fauxboot([...argv, '0'])
  t.match(JSON.parse(stdout), { request: { options: { watchdog: 0 } } })
  const refused = await fauxboot([...argv, '1 minute'])
  t.equal(refused.code, 1)
  t.match(refused.stderr, /--watchdog '1 minute' is not a number of seconds/)
})

t.test('URLs are fetched by the board', async t => {
  const { board } = await startAgent(t)
  const server = await serve(t, ({ path }, response) => void response.end(path === '/zImage' ? KERNEL : RAMDISK))
  const urls = ['--kernel', `${server.href}zImage`, '--ramdisk', `${server.href}ramdisk`]
  const { code, stderr } = await fauxboot(['boot', '--board', board, ...urls, '--dry-run'])
  t.equal(code, 0, stderr)
  t.match(stderr, /^fetch kernel: /m)
})

t.test('a server that does not have the file is exit code 2', async t => {
  const { board } = await startAgent(t)
  const server = await serve(t, (_, response) => void response.writeHead(404).end())
  const argv = ['boot', '--board', board, '--kernel', `${server.href}zImage`]
  const { code, stderr } = await fauxboot(argv)
  t.equal(code, 2)
  t.equal(
    stderr.trimEnd().split('\n').at(-1),
    `fauxboot: ${server.href}zImage: the server answered 404 Not Found; check the URL and its server`,
  )
  const json = await fauxboot([...argv, '--json'])
  t.equal(json.code, 2)
  t.match(JSON.parse(json.stdout), { state: 'failed', error: { code: 'FETCH_STATUS' } })
  t.match(JSON.parse(json.stderr), { code: 'FETCH_STATUS', statusCode: 502 })
})

t.test('a plan that is not survivable is refused with exit code 1', async t => {
  const { board } = await startAgent(t, { 'proc/iomem': '40000000-407fffff : System RAM\n' })
  const { code, stdout, stderr } = await fauxboot(['boot', '--board', board, ...files(t)])
  t.same({ code, stdout }, { code: 1, stdout: '' })
  t.match(stderr, /^fauxboot: the plan is not survivable: /m)
  t.match(stderr, /\] fatal: /)
})

t.test('a busy board refuses a job, and queues it with --queue', async t => {
  const { board, boot } = await startAgent(t)
  const asked = new Promise<() => void>(resolve => {
    void serve(t, (_, response) => resolve(() => response.destroy())).then(server => {
      void fauxboot(['boot', '--board', board, '--kernel', `${server.href}slow`])
    })
  })
  const endFirst = await asked
  const [first] = boot.list()
  const refused = await fauxboot(['boot', '--board', board, ...files(t)])
  t.equal(refused.code, 1)
  t.match(refused.stderr, `fauxboot: the board is busy with job ${first?.id}; `)
  const queued = fauxboot(['boot', '--board', board, ...files(t), '--queue', '--dry-run'])
  endFirst()
  t.match(await queued, { code: 0, stdout: /^Plan: survivable/ })
})

t.test('a job that somebody cancels ends with exit code 1', async t => {
  const { board, boot } = await startAgent(t)
  const server = await serve(t, () => void boot.cancel(boot.list()[0]?.id ?? ''))
  const { code, stderr } = await fauxboot(['boot', '--board', board, '--kernel', `${server.href}slow`])
  t.equal(code, 1)
  t.match(stderr, /^fauxboot: job \S+ was cancelled while fetching$/m)
})

t.test('an interruption cancels the job', async t => {
  const { board, boot } = await startAgent(t)
  const stop = new AbortController()
  const server = await serve(t, () => stop.abort(new Interruption('SIGINT')))
  const argv = ['boot', '--board', board, '--kernel', `${server.href}slow`]
  const { code, stderr } = await fauxboot(argv, { signal: stop.signal })
  t.equal(code, 130)
  t.match(stderr, /\] job \S+ is cancelled\nfauxboot: interrupted\n$/)
  t.match(boot.list(), [{ state: 'cancelled' }])
})

t.test('job files are sent as they are', async t => {
  const { board } = await startAgent(t)
  const server = await serve(t, ({ path }, response) => void response.end(path === '/zImage' ? KERNEL : RAMDISK))
  const kernel = `${server.href}zImage`
  const ramdisk = `${server.href}ramdisk`
  const dir = t.testdir({
    'job.json': JSON.stringify({ kernel, ramdisk, cmdline: 'from JSON', options: { dryRun: true } }),
    'job.zip': zipSync({
      'job.json': Buffer.from(JSON.stringify({ cmdline: 'from a bundle', options: { dryRun: true } })),
      kernel: KERNEL,
      ramdisk: RAMDISK,
    }),
    'job.yaml': 'device_type: x\n',
  })
  const send = (name: string) => fauxboot(['boot', '--board', board, '--job', join(dir, name)])
  t.match(await send('job.json'), { code: 0, stdout: /cmdline {2}"from JSON"/ })
  t.match(await send('job.zip'), { code: 0, stdout: /cmdline {2}"from a bundle"/, stderr: /^send bundle: / })
  t.match(await send('job.yaml'), { code: 1, stderr: /^fauxboot: the job is not valid: / })
})

t.test('--dry-run only plans a job file, whatever its form is', async t => {
  const { board, kexec } = await startAgent(t)
  const server = await serve(t, ({ path }, response) => void response.end(path === '/zImage' ? KERNEL : RAMDISK))
  const [kernel, ramdisk] = [`${server.href}zImage`, `${server.href}ramdisk`]
  const files = { to: 'tftp', kernel: { url: kernel }, ramdisk: { url: ramdisk } }
  const dir = t.testdir({
    'own.json': JSON.stringify({ kernel, ramdisk, cmdline: '', options: { dryRun: false } }),
    'kernelci.json': JSON.stringify({ artifacts: { kernel, ramdisk } }),
    'lava.yaml': JSON.stringify({ actions: [{ deploy: files }, { boot: { method: 'u-boot', commands: 'ramdisk' } }] }),
    'job.zip': zipSync({ 'job.json': Buffer.from('{"cmdline":""}'), kernel: KERNEL, ramdisk: RAMDISK }),
  })
  // JSON is YAML, too; only a file that is no JSON is sent as YAML.
  await appendFile(join(dir, 'lava.yaml'), '\n# a LAVA job\n')
  for (const name of ['own.json', 'kernelci.json', 'lava.yaml', 'job.zip']) {
    const { code, stdout, stderr } = await fauxboot(['boot', '--board', board, '--job', join(dir, name), '--dry-run'])
    t.equal(code, 0, stderr)
    t.match(stdout, /^Plan: survivable\n/, name)
  }
  t.notOk(kexec.calls.some(({ method }) => method === 'load'))
})

t.test('options that make no sense are usage errors', async t => {
  const cases: [string[], string][] = [
    [[], 'no kernel given: use --kernel FILE|URL, or --job FILE'],
    [['--job', 'x', '--force'], "option '--job <file>' cannot be used with option '--force'"],
    [['--kernel', 'x', '--wait', 'long'], "--wait 'long' is not a number of seconds between 1 and 86400"],
  ]
  for (const [argv, reason] of cases) {
    const { code, stderr } = await fauxboot(['boot', '--board', 'http://board', ...argv])
    t.equal(code, 1)
    t.equal(stderr, `fauxboot: ${reason}; see \`fauxboot boot --help\`\n`)
  }
})

t.test('--wait waits for the board before anything else', async t => {
  const { board } = await startAgent(t)
  const { code, stderr } = await fauxboot(['boot', '--board', board, '--wait', ...files(t), '--dry-run'])
  t.equal(code, 0)
  t.equal(untimed(stderr)[0], `waiting for ${board}/`)
  const missing = await fauxboot(['boot', '--board', (await nobody()).href, '--wait', '0.001', ...files(t)])
  t.equal(missing.code, 2)
  t.match(missing.stderr, /not ready within 0\.001 s; the last attempt: connection refused/)
})
