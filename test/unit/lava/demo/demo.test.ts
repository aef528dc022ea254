import { spawnSync } from 'node:child_process'
import { extname, join } from 'node:path'
import t from 'tap'
import { silence } from '../../../../lava/demo/demonstration.js'
import { invitation } from '../../../../lava/demo/invitation.js'
import { prepare } from '../../../../lava/demo/preparation.js'
import { Stopwatch } from '../../../../lava/demo/stopwatch.js'
import { parserOf } from '../../documents/command-check.js'

t.test('the parts of a demonstration are summed up', t => {
  const stopwatch = new Stopwatch()
  stopwatch.lap('upload', '5 MiB')
  stopwatch.lap('boot')
  const rows = stopwatch.summary().split('\n')
  t.match(rows[0], /^PART +TIME$/)
  t.match(rows[1], /^upload +\d+\.\d\d s +5 MiB$/)
  t.match(rows[2], /^boot +\d+\.\d\d s$/)
  t.match(rows[3], /^total +\d+\.\d\d s$/)
  t.end()
})

t.test('a demonstration says how long its board boots without a word', t => {
  t.equal(silence('virt'), 'the first stage boots silently: about 20 s on an idle machine')
  t.equal(silence('orangepi-pc'), 'the first stage boots silently: a minute or more for orangepi-pc')
  t.end()
})

t.test('the error of a preparation is the error of the program that prepares', async t => {
  const wanted = { board: 'nonsense', token: 'x' }
  await t.rejects(prepare(wanted, new AbortController().signal), {
    code: 'BOARD_UNKNOWN',
    message: /there is no board nonsense/,
  })
})

t.test('a preparation that is interrupted ends its program', async t => {
  const stop = new AbortController()
  const preparing = prepare({ board: 'virt', token: 'x' }, stop.signal)
  stop.abort(new Error('enough'))
  await t.rejects(preparing, { message: 'enough' })
  await t.rejects(prepare({ board: 'virt', token: 'x' }, stop.signal), { message: 'enough' })
})

const TARGET = {
  kernel: '/cache/vmlinuz-6.12.0+deb13-armmp',
  ramdisk: "/my cache/it's a ramdisk",
  dtb: '/cache/board.dtb',
  cmdline: 'console=ttyS0,115200 quiet',
  options: {},
}

t.test('a board that waits comes with the address of its page, its token, and every file for it', t => {
  const text = invitation('http://127.0.0.1:4711', 'demo', TARGET)
  t.match(text, /^the page +http:\/\/127\.0\.0\.1:4711\/$/m)
  t.match(text, /^its token +demo$/m)
  t.match(text, /^ {2}kernel +\/cache\/vmlinuz-6\.12\.0\+deb13-armmp$/m)
  t.match(text, /^ {2}ramdisk +\/my cache\/it's a ramdisk$/m)
  t.match(text, /^ {2}dtb +\/cache\/board\.dtb$/m)
  t.match(text, /^ {2}command line +console=ttyS0,115200 quiet$/m)
  t.notMatch(text, /modules/)
  t.match(invitation('http://127.0.0.1:4711', 'demo', { ...TARGET, modules: '/m' }), /^ {2}modules +\/m$/m)
  t.end()
})

t.test('the line that sends the files of a board that waits can be typed', async t => {
  const [, line = ''] = invitation('http://127.0.0.1:4711', 'demo', TARGET).split('in this folder:\n')
  const shell = 'npx() { cat; for word; do echo "$word"; done; }'
  const { stdout } = spawnSync('/bin/sh', ['-euc', `${shell}\n${line}`], { encoding: 'utf8' })
  const [token, program, name = '', ...args] = stdout.trimEnd().split('\n')
  t.strictSame([token, program], ['demo', 'fauxboot'])
  const parser = await parserOf(name)
  await parser.parseAsync(args, { from: 'user' })
  const { kernel, ramdisk, dtb, cmdline } = TARGET
  t.match(parser.opts(), { board: 'http://127.0.0.1:4711', tokenFile: '/dev/stdin' })
  t.match(parser.opts(), { kernel, ramdisk, dtb, append: cmdline })
})

t.test('a demonstration that cannot be as asked ends before anything is built', t => {
  const program = join(import.meta.dirname, `../../../../lava/demo/demo${extname(import.meta.filename)}`)
  for (const [args, problem] of [
    [['--stay', '--console'], "option '--stay' cannot be used with option '--console'"],
    [['--port', '65536'], 'It must be a whole number between 1 and 65535'],
  ] as const) {
    const { status, stderr } = spawnSync(process.execPath, [...process.execArgv, program, ...args], {
      encoding: 'utf8',
    })
    t.equal(status, 1, stderr)
    t.match(stderr, problem)
    t.match(stderr, 'see `npm run demo -- --help`')
  }
  t.end()
})
