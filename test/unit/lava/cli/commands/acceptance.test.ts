import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Interruption } from '../../../../../lava/terminal/terminal.js'
import { buildZImage } from '../../../agent/image/kernel/zimage-builder.js'
import { startAgent } from '../../agent.js'
import { fauxboot } from '../../capture.js'
import { listen } from '../../console/lines.js'
import { nobody } from '../../stand-in.js'

const FILES = ['--kernel', 'zImage', '--ramdisk', 'ramdisk']

t.test('options that make no sense are usage errors', async t => {
  const console = ['--console', 'tcp://127.0.0.1:1']
  const cases: [string[], string][] = [
    [[], "required option '--kernel <file|url>' not specified"],
    [FILES, 'no console given: use --console URL'],
    [[...FILES, ...console], 'no board given: use --board URL or set FAUXBOOT_BOARD'],
    [[...FILES, ...console, '--power-off', 'x'], '--power-off needs --power-on or --power-reset'],
    [
      [...FILES, ...console, '--boots', '0'],
      "option '--boots <number>' argument '0' is invalid. a board is booted 1 to 1000 times",
    ],
    [
      [...FILES, ...console, '--login', ':x'],
      "option '--login <user[:password]>' argument ':x' is invalid. expected USER or USER:PASSWORD",
    ],
  ]
  for (const [argv, reason] of cases) {
    const { code, stderr } = await fauxboot(['acceptance', ...argv])
    t.equal(code, 1)
    t.equal(stderr, `fauxboot: ${reason}; see \`fauxboot acceptance --help\`\n`)
  }
})

t.test('a board that is not there is exit code 2, with all reports', async t => {
  const { port } = await listen(t, socket => socket.write('U-Boot SPL 2025.01\r\n'))
  const dir = t.testdir()
  const at = (name: string): string => join(dir, name)
  const reports = ['--json', at('json'), '--junit', at('junit'), '--report', at('report'), '--archive', at('tar.gz')]
  const board = ['--board', (await nobody()).href, '--console', `tcp://127.0.0.1:${port}`]
  const argv = ['acceptance', ...board, ...FILES, '--boots', '2', '--wait', '0.1', ...reports]
  const { code, stdout, stderr } = await fauxboot(argv)
  t.equal(code, 2, stderr)
  t.match(stdout, /^1 +boot +fail +prompt +agent +http:\S+ not ready within 0\.1 s/m)
  t.match(stdout, /^2 +boot +skip +the board did not come back/m)
  t.match(stdout, /^no result, because the lab or the board did not respond: 2 boots, 0 checks passed, 1 failed/m)
  t.match(stderr, /\] fail boot: http:/)
  t.match(JSON.parse(readFileSync(at('json'), 'utf8')), { outcome: 'infrastructure', board: null, rounds: [{}, {}] })
  t.match(readFileSync(at('junit'), 'utf8'), /errors="1"/)
  const files = ['boot-1-console.log', 'boot-1-job.log', 'report.json', 'report.txt', 'report.xml']
  t.same(readdirSync(at('report')).sort(), files)
  t.match(readFileSync(at('report/boot-1-console.log'), 'utf8'), /Z U-Boot SPL 2025\.01$/m)
  const packed = execFileSync('tar', ['-tzf', at('tar.gz')], { encoding: 'utf8' })
  t.same(
    packed.trimEnd().split('\n').sort(),
    files.map(name => `fauxboot-acceptance/${name}`),
  )
})

t.test('a result that cannot be written is said before anything else', async t => {
  const argv = ['acceptance', '--board', 'http://board', '--console', 'tcp://127.0.0.1:1', ...FILES]
  const { code, stderr } = await fauxboot([...argv, '--junit', '/nowhere/junit.xml'])
  t.equal(code, 1)
  t.equal(stderr, 'fauxboot: /nowhere/junit.xml: there is no folder /nowhere\n')
  const file = join(t.testdir(), 'json')
  const written = await fauxboot([...argv, '--junit', '/nowhere/junit.xml', '--json', file])
  t.equal(written.stderr, stderr, 'errors are for people unless the results on standard output are JSON')
  const printed = await fauxboot([...argv, '--junit', '/nowhere/junit.xml', '--json', '-'])
  t.match(JSON.parse(printed.stderr), { code: 'CLI_FILE' })
})

t.test('an interruption ends the command, and the job with it', async t => {
  const { board, boot } = await startAgent(t)
  const { port } = await listen(t, () => undefined)
  const dir = t.testdir({ zImage: Buffer.from(buildZImage()) })
  const stop = new AbortController()
  const slow = await listen(t, () => stop.abort(new Interruption('SIGINT')))
  const files = ['--kernel', join(dir, 'zImage'), '--ramdisk', `http://127.0.0.1:${slow.port}/ramdisk`]
  const argv = ['acceptance', '--board', board, '--console', `tcp://127.0.0.1:${port}`, ...files]
  const { code, stderr, stdout } = await fauxboot(argv, { signal: stop.signal })
  t.same({ code, stdout }, { code: 130, stdout: '' })
  t.match(stderr, /fauxboot: interrupted\n$/)
  t.match(boot.list(), [{ state: 'cancelled' }])
})

t.test('a report on standard output is nothing but JSON', async t => {
  const argv = ['acceptance', '--board', (await nobody()).href, '--console', 'tcp://127.0.0.1:1', ...FILES]
  const { code, stdout } = await fauxboot([...argv, '--boots', '1', '--json', '-'])
  t.equal(code, 2)
  t.match(JSON.parse(stdout), { outcome: 'infrastructure', rounds: [{ verdict: { sign: 'console' } }] })
})
