import { Writable } from 'node:stream'
import t from 'tap'
import { formatBytes, formatDuration, formatRate } from '../../../../lava/terminal/quantities.js'
import { renderPairs, renderTable } from '../../../../lava/terminal/table.js'
import { printable } from '../../../../lava/terminal/terminal.js'
import { capture } from '../capture.js'

t.test('colours are printed on a terminal only, and not when they are not wanted', t => {
  const red = (surroundings: object, plain = false) => {
    const { terminal } = capture(surroundings)
    terminal.plain = plain
    return terminal.styled('red', 'x')
  }
  t.equal(red({ isTTY: true }), '\u001b[31mx\u001b[39m')
  t.equal(red({ isTTY: false }), 'x')
  t.equal(red({ isTTY: true }, true), 'x', '--no-color')
  t.equal(red({ isTTY: true, env: { NO_COLOR: '1' } }), 'x')
  t.equal(red({ isTTY: true, env: { NO_COLOR: '' } }), '\u001b[31mx\u001b[39m', 'an empty NO_COLOR says nothing')
  t.equal(red({ isTTY: true, env: { TERM: 'dumb' } }), 'x')
  t.end()
})

t.test('results end with one newline', t => {
  const { terminal, stdout } = capture()
  terminal.print('a')
  terminal.print('b\n')
  terminal.printJson({ c: 1 })
  t.equal(stdout.text, 'a\nb\n{\n  "c": 1\n}\n')
  t.end()
})

t.test('an error is one line, whatever is in its message', t => {
  const { terminal, stderr } = capture()
  const error = { code: 'X', message: 'first\n  second\u001b[2J', statusCode: 400, details: {} }
  terminal.fail(error, false)
  terminal.fail(error, true)
  const [text, json] = stderr.text.trimEnd().split('\n')
  t.equal(text, 'fauxboot: first second\ufffd[2J')
  t.same(JSON.parse(json ?? ''), error)
  t.end()
})

/** A pipe whose reader has gone, or a disk that is full. */
function broken(code: string): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })),
  })
}

t.test('a reader of standard output that has gone ends the output, not the process', async t => {
  const { terminal } = capture({ stdout: broken('EPIPE') })
  terminal.print('a')
  await new Promise(resolve => terminal.outputClosed.addEventListener('abort', resolve))
  terminal.print('b')
  t.ok(terminal.outputClosed.aborted)
})

t.test('control characters from elsewhere do not reach the terminal; tab and newline do', t => {
  t.equal(printable('a\tb\nc\rd\u001b[31m\u0007\u009b'), 'a\tb\nc\ufffdd\ufffd[31m\ufffd\ufffd')
  t.end()
})

t.test('sizes are printed in the largest unit that leaves at least one', t => {
  const sizes: [number, string][] = [
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1024, '1.0 KiB'],
    [6_045_184, '5.8 MiB'],
    [2 ** 31, '2.0 GiB'],
    [2 ** 51, '2048.0 TiB'],
  ]
  for (const [bytes, text] of sizes) t.equal(formatBytes(bytes), text)
  t.end()
})

t.test('durations and rates are printed as people read them', t => {
  t.equal(formatDuration(312), '0.31 s')
  t.equal(formatDuration(19_040), '19.0 s')
  t.equal(formatDuration(119_000), '119.0 s')
  t.equal(formatDuration(125_000), '2 min 5 s')
  t.equal(formatDuration(179_700), '3 min 0 s')
  t.equal(formatRate(1024, 500), '2.0 KiB/s')
  t.equal(formatRate(3, 5.6), '536 bytes/s')
  t.equal(formatRate(1024, 0), '1000.0 KiB/s', 'no division by zero')
  t.end()
})

t.test('columns are as wide as their widest cell, and lines end without blanks', t => {
  t.equal(
    renderTable(
      ['ID', 'STATE'],
      [
        ['1', 'booting'],
        ['long', ''],
      ],
    ),
    'ID    STATE\n1     booting\nlong',
  )
  t.end()
})

t.test('pairs without a value are left out', t => {
  t.equal(
    renderPairs([
      ['a', '1'],
      ['longer', null],
      ['bc', '2'],
    ]),
    'a   1\nbc  2',
  )
  t.end()
})
