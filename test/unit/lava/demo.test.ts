import { EventEmitter } from 'node:events'
import t from 'tap'
import { prepare } from '../../../lava/demo/preparation.js'
import { SerialView } from '../../../lava/demo/serial-view.js'
import { Stopwatch } from '../../../lava/demo/stopwatch.js'

function view() {
  const console = new EventEmitter<{ data: [text: string] }>()
  const lines: string[] = []
  const serial = new SerialView(console, line => lines.push(line))
  const say = (...texts: string[]) => {
    for (const text of texts) console.emit('data', text)
  }
  return { say, lines, serial }
}

t.test('a serial line is shown line by line, however it arrives', t => {
  const { say, lines } = view()
  say('Star', 'ting kernel ...\r', '\n\r\n[ 0.0] Boo', 'ting\nlogin: ')
  t.same(lines, ['Starting kernel ...', '[ 0.0] Booting'])
  t.end()
})

t.test('a prompt is shown when the line is flushed, once', t => {
  const { say, lines, serial } = view()
  say('board login: ')
  serial.flush()
  serial.flush()
  t.same(lines, ['board login:'])
  t.end()
})

t.test('escape sequences and control characters of the board are kept from the terminal', t => {
  const { say, lines } = view()
  say('\u001b[6n\u001b[1;31mred\u001b[m \u001bMtext\u0007\n')
  t.same(lines, ['red text\ufffd'])
  t.end()
})

t.test('a line that never ends is shown in pieces', t => {
  const { say, lines } = view()
  for (let i = 0; i < 5; i++) say('x'.repeat(1000))
  t.same(lines, ['x'.repeat(5000)])
  t.end()
})

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

t.test('the error of a preparation is the error of the program that prepares', async t => {
  const wanted = { board: 'nonsense', token: 'x' }
  await t.rejects(prepare(wanted, new AbortController().signal), {
    code: 'BOARD_DATA',
    message: /the board is unknown; there are: .*virt/,
  })
})

t.test('a preparation that is interrupted ends its program', async t => {
  const stop = new AbortController()
  const preparing = prepare({ board: 'virt', token: 'x' }, stop.signal)
  stop.abort(new Error('enough'))
  await t.rejects(preparing, { message: 'enough' })
  await t.rejects(prepare({ board: 'virt', token: 'x' }, stop.signal), { message: 'enough' })
})
