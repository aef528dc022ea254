import t from 'tap'
import { ConsoleText } from '../../../../lava/monitor/console-text.js'

function console() {
  const lines: string[] = []
  const continued: boolean[] = []
  let all = ''
  const text = new ConsoleText({
    onText: said => {
      all += said
    },
    onLine: (line, continues) => {
      lines.push(line)
      continued.push(continues)
    },
  })
  return { text, lines, continued, all: () => all }
}

const SAID =
  'U-Boot\r\n\u001b[1;31mrot\u001b[0m ö€😀\r\r\n\u001b]3008;start=x\u001b\\\u001b]0;title\u0007\u001b[6n\u001b(B\u001b7board login: '

t.test('lines are the same however the bytes are split', async t => {
  const bytes = Buffer.from(SAID)
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const { text, lines, all } = console()
    for (let at = 0; at < bytes.length; at += size) text.receive(bytes.subarray(at, at + size))
    t.same(lines, ['U-Boot', 'rot ö€😀'], `${size} bytes at a time`)
    t.equal(text.begun, 'board login: ')
    t.equal(all(), 'U-Boot\nrot ö€😀\nboard login: ')
    text.flush()
    t.equal(lines.at(-1), 'board login: ')
  }
})

t.test('bytes that are no text, and control characters, are replaced', async t => {
  const { text, lines } = console()
  text.receive(Buffer.from('a\xff\xfe\x00\x07b\n', 'latin1'))
  t.same(lines, ['a\ufffd\ufffd\ufffd\ufffdb'])
})

t.test('megabytes without a line end are given in pieces', async t => {
  const { text, lines, continued } = console()
  const chunk = Buffer.alloc(2 ** 20, 'x')
  for (let count = 0; count < 4; count += 1) text.receive(chunk)
  t.equal(lines.length, 1024)
  t.ok(lines.every(({ length }) => length === 4096))
  t.same(continued.slice(0, 3), [false, true, true])
  t.equal(text.begun, '')
})

t.test('an endless escape sequence is dropped at a limit', async t => {
  const { text, lines } = console()
  text.receive(Buffer.from(`\u001b]${'x'.repeat(5000)}`))
  text.receive(Buffer.from('\nplain\n'))
  t.equal(lines.at(-1), 'plain')
  text.receive(Buffer.from('\u001b['))
  for (let count = 0; count < 1000; count += 1) text.receive(Buffer.from('1;1;'))
  text.receive(Buffer.from('\nmore\n'))
  t.equal(lines.at(-1), 'more')
})
