import { PassThrough } from 'node:stream'
import t from 'tap'
import { SerialConsole } from '../../../../systemd/qemu/serial-console.js'

/** A console with both directions of its line. */
function makeConsole() {
  const fromBoard = new PassThrough()
  const toBoard = new PassThrough()
  return { fromBoard, toBoard, console: new SerialConsole('some-board', fromBoard, toBoard) }
}

const LONG = { timeoutMs: 60_000 } as const

t.test('a wait finds words that arrive later, in pieces too', async t => {
  const { fromBoard, console } = makeConsole()
  const found = console.waitFor('login:', LONG)
  fromBoard.write('fauxboot lo')
  fromBoard.write('gin: ')
  t.equal((await found)[0], 'login:')
  t.equal(console.transcript, 'fauxboot login: ')
})

t.test('a wait finds words that were printed before', async t => {
  const { fromBoard, console } = makeConsole()
  const first = console.waitFor('one', LONG)
  fromBoard.write('one two')
  await first
  t.equal((await console.waitFor(/t(w)o/, LONG))[1], 'w')
})

t.test('a wait starts after the previous match', async t => {
  const { fromBoard, console } = makeConsole()
  const first = console.waitFor('=> ', LONG)
  fromBoard.write('=> ')
  await first
  const second = console.waitFor('=> ', LONG)
  fromBoard.write('text\r\n=> ')
  await second
  t.equal(console.transcript, '=> text\r\n=> ')
})

t.test('a character that arrives in two pieces stays one character', async t => {
  const { fromBoard, console } = makeConsole()
  const found = console.waitFor('ä', LONG)
  const [first, second] = Buffer.from('ä')
  fromBoard.write(Buffer.from([first ?? 0]))
  fromBoard.write(Buffer.from([second ?? 0]))
  t.equal((await found)[0], 'ä')
})

t.test('a string matches literally', async t => {
  const { fromBoard, console } = makeConsole()
  const found = console.waitFor('a.c (x)', LONG)
  fromBoard.write('abc (x) a.c (x)')
  t.equal((await found).index, 8)
})

t.test('a wait that takes too long says what it waited for, how long, and the last words', async t => {
  const { fromBoard, console } = makeConsole()
  const said = new Promise(resolve => console.once('data', resolve))
  fromBoard.write('U-Boot SPL')
  await said
  await t.rejects(console.waitFor(/never/, { timeoutMs: 1 }), {
    code: 'CONSOLE_SILENT',
    message: 'some-board: waited 0.001 s for /never/; its last words: "U-Boot SPL"',
  })
})

t.test('when the board is gone, present and future waits fail', async t => {
  const { console } = makeConsole()
  const waiting = t.rejects(console.waitFor('x', LONG), { code: 'CONSOLE_ENDED', message: /\(SIGKILL\)/ })
  console.end('SIGKILL')
  await waiting
  await t.rejects(console.waitFor('y', LONG), { code: 'CONSOLE_ENDED' })
})

t.test('text from before the end is still found', async t => {
  const { fromBoard, console } = makeConsole()
  const said = new Promise(resolve => console.once('data', resolve))
  fromBoard.write('bye')
  await said
  console.end('exit 0')
  t.equal((await console.waitFor('bye', LONG))[0], 'bye')
})

t.test('the board receives typed text unchanged', async t => {
  const { toBoard, console } = makeConsole()
  console.send('printenv\r')
  t.equal(String(toBoard.read()), 'printenv\r')
})
