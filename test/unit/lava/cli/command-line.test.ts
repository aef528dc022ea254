import t from 'tap'
import { Interruption } from '../../../../lava/terminal/terminal.js'
import { fauxboot } from '../capture.js'
import { nobody, serve } from '../stand-in.js'

const COMMANDS = 'plan explain boot bundle status log cancel artifacts board image doctor completion'.split(' ')

t.test('--help lists every command', async t => {
  const { code, stdout, stderr } = await fauxboot(['--help'])
  t.equal(code, 0)
  t.equal(stderr, '')
  for (const command of COMMANDS) t.match(stdout, new RegExp(`^  ${command} `, 'm'))
})

t.test('without a command the help goes to standard error, and the exit code is 1', async t => {
  const { code, stdout, stderr } = await fauxboot([])
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /Usage: fauxboot/)
})

for (const command of COMMANDS) {
  t.test(`${command} has help with examples, by --help and by help`, async t => {
    const { code, stdout } = await fauxboot([command, '--help'])
    t.equal(code, 0)
    t.match(stdout, new RegExp(`Usage: fauxboot ${command}`))
    t.match(stdout, new RegExp(`Examples:\\n.*fauxboot ${command}`))
    t.equal((await fauxboot(['help', command])).stdout, stdout)
  })
}

t.test('--version prints the version of the package', async t => {
  t.match(await fauxboot(['--version']), { code: 0, stdout: /^\d+\.\d+\.\d+\n$/, stderr: '' })
})

t.test('usage errors are one line that names the help, with exit code 1', async t => {
  const cases: [string[], string][] = [
    [['frob'], "unknown command 'frob'; see `fauxboot --help`"],
    [['statsu'], "unknown command 'statsu' (Did you mean status?); see `fauxboot --help`"],
    [['status', '--bord', 'x'], "unknown option '--bord' (Did you mean --board?); see `fauxboot status --help`"],
    ...['--initrd', '--initrd=x'].map((option): [string[], string] => [
      ['plan', '--kernel', 'zImage', option],
      `unknown option '${option}': fauxboot calls it --ramdisk; see \`fauxboot plan --help\``,
    ]),
    [['status', '--board'], "option '--board <url>' argument missing; see `fauxboot status --help`"],
    [['log'], "missing required argument 'id'; see `fauxboot log --help`"],
    [
      ['cancel', 'a', 'b'],
      "too many arguments for 'cancel'. Expected 1 argument but got 2; see `fauxboot cancel --help`",
    ],
    [['board'], 'no board given: use --board URL or set FAUXBOOT_BOARD; see `fauxboot board --help`'],
    ...[
      ['a80:8080', 'a80:8080'],
      ['a80', 'a80:8080'],
      ['a80/lab', 'a80:8080/lab'],
      ['[fe80::1]', '[fe80::1]:8080'],
    ].map(([board = '', meant]): [string[], string] => [
      ['board', '--board', board],
      `board '${board}' is not a URL; did you mean http://${meant} ?; see \`fauxboot board --help\``,
    ]),
    ...['http://a b', 'ftp://x', 'fe80::1', 'a b', 'a80:port', ' '].map((board): [string[], string] => [
      ['board', '--board', board],
      `board '${board}' is not an http URL such as http://board:8080; see \`fauxboot board --help\``,
    ]),
  ]
  for (const [argv, message] of cases) {
    t.same(await fauxboot(argv), { code: 1, stdout: '', stderr: `fauxboot: ${message}\n` }, argv.join(' '))
  }
})

t.test('with --json an error is JSON', async t => {
  const { code, stderr } = await fauxboot(['status', '--json'])
  t.equal(code, 1)
  t.match(JSON.parse(stderr), {
    code: 'CLI_USAGE',
    statusCode: 400,
    message: 'no board given: use --board URL or set FAUXBOOT_BOARD; see `fauxboot status --help`',
    details: { command: 'fauxboot status' },
  })
})

t.test('a board that is not there is exit code 2', async t => {
  const board = (await nobody()).href
  const { code, stderr } = await fauxboot(['status', '--board', board])
  t.equal(code, 2)
  t.match(stderr, /^fauxboot: http:\/\/127\.0\.0\.1:\d+\/v1\/jobs: connection refused: .*; .*\n$/)
})

t.test('board and token come from the environment, and from options first', async t => {
  const dir = t.testdir({ env: 'from-env\n', option: 'from-option' })
  const seen: unknown[] = []
  const url = await serve(t, ({ headers }, response) => {
    seen.push(headers.authorization)
    response.end('{"jobs":[]}')
  })
  const env = { FAUXBOOT_BOARD: url.href, FAUXBOOT_TOKEN_FILE: `${dir}/env` }
  t.match(await fauxboot(['status'], { env }), { code: 0, stdout: 'no jobs\n' })
  t.match(await fauxboot(['status', '--token-file', `${dir}/option`], { env }), { code: 0 })
  t.match(await fauxboot(['status'], { env: { FAUXBOOT_BOARD: url.href, FAUXBOOT_TOKEN_FILE: '' } }), { code: 0 })
  t.same(seen, ['Bearer from-env', 'Bearer from-option', undefined])
})

t.test('a token file that holds no token is refused by name', async t => {
  const dir = t.testdir({ empty: '\n', two: 'one\ntwo\n', umlaut: 'schlüssel', long: 'x'.repeat(5000) })
  const reasons = {
    missing: 'no such file',
    empty: 'holds no token',
    two: 'holds more than one token of visible ASCII',
    umlaut: 'holds more than one token of visible ASCII',
    long: 'larger than 4.0 KiB: this is the wrong file',
  }
  for (const [name, reason] of Object.entries(reasons)) {
    const argv = ['status', '--board', 'http://board', '--token-file', `${dir}/${name}`]
    t.same(await fauxboot(argv), { code: 1, stdout: '', stderr: `fauxboot: ${dir}/${name}: ${reason}\n` })
  }
})

t.test('a command that is interrupted ends with the exit code of the signal', async t => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const stop = new AbortController()
    const url = await serve(t, () => stop.abort(new Interruption(signal)))
    const result = await fauxboot(['status', '--board', url.href], { signal: stop.signal })
    t.same(result, { code, stdout: '', stderr: 'fauxboot: interrupted\n' })
  }
})
