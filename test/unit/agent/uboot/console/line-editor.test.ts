import fc from 'fast-check'
import t from 'tap'
import { History } from '../../../../../agent/uboot/console/history.js'
import { LineEditor, type LineOptions } from '../../../../../agent/uboot/console/line-editor.js'

/** An editor, and a function that types into it and returns what it drew. */
function editor(line: LineOptions = { prompt: '' }, limit = 1024) {
  let drawn = ''
  const ends: unknown[] = []
  const history = new History()
  const made = new LineEditor({ history, limit, write: text => (drawn += text) })
  const type = (keys: string): string => {
    drawn = ''
    for (const key of keys) {
      const end = made.feed(key)
      if (end !== null) {
        ends.push(end)
        made.start(line)
      }
    }
    return drawn
  }
  made.start(line)
  return { type, history, ends }
}

const LEFT = '\x1b[D'

t.test('keys draw what U-Boot draws', async t => {
  const recorded: readonly [keys: string, drawn: string][] = [
    ['echo ab\x01X', 'echo ab\b\b\b\b\b\b\bXecho ab\b\b\b\b\b\b\b'],
    ['echo a\x01\x05b', 'echo a\b\b\b\b\b\becho ab'],
    ['garbage\x15echo u', 'garbage\b\b\b\b\b\b\b       \b\b\b\b\b\b\becho u'],
    ['echo keepKILL\x02\x02\x02\x02\x0b', 'echo keepKILL\b\b\b\b    \b\b\b\b'],
    ['echo one two\x17three', 'echo one two\b\b\b   \b\b\bthree'],
    ['echo abX\bc', 'echo abX\b \bc'],
    ['echo abX\x7fc', 'echo abX\b \bc'],
    ['echo ac\x1b[Db\x1b[C!', 'echo ac\bbc\bc!'],
    ['cho h\x1b[He\x1b[Fx', 'cho h\b\b\b\b\becho h\b\b\b\b\bcho hx'],
    ['echo xab\x02\x02\x02\x04', 'echo xab\b\b\bab \b\b\b'],
    ['foo\x18echo x', 'foo\b\b\b   \b\b\becho x'],
    ['echo abc\x02\x02\x0fZ', 'echo abc\b\bZ'],
    ['echo Xab\x02\x02\x02\x1b[3~', 'echo Xab\b\b\bab \b\b\b'],
    ['echo a\0b', 'echo ab'],
    ['echo \xe9\xa9', 'echo \xe9\xa9'],
    ['echo a\x07b\x0c\x12', 'echo a\x07b\x0c\x12'],
    ['echo e\x1bq', 'echo eq'],
    ['a\x1b[200~b\x1b[201~c', 'abc'],
    ['\x01\b\x02\x04\x05\x06\x0b\x17', ''],
    ['ab\x1bOHx\x1bOC!', 'ab\b\bxab\b\ba!b\b'],
    ['a\x1b[9z', 'a[9z'],
  ]
  for (const [keys, drawn] of recorded) t.equal(editor().type(keys), drawn, JSON.stringify(keys))
})

t.test('a line ends with CR or LF, and ^C drops it', async t => {
  const { type, ends, history } = editor({ prompt: '=> ' })
  t.equal(type('one\r'), 'one\n=> ')
  t.equal(type('two\n'), 'two\n=> ')
  t.equal(type('three\x03'), 'three=> ')
  t.same(ends, [{ line: 'one' }, { line: 'two' }, { interrupted: true }])
  t.same(history.lines, ['one', 'two'])
})

t.test('a character beyond the limit rings the bell, one that replaces another does not', async t => {
  const { type, ends } = editor({ prompt: '' }, 4)
  t.equal(type('abcdef'), 'abcd\x07\x07')
  t.equal(type(`${LEFT}\x0fX\r`), '\bX\n')
  t.same(ends, [{ line: 'abcX' }])
})

t.test('arrows walk through the history, and ring at its ends', async t => {
  const { type } = editor()
  type('first\rsecond\r')
  t.equal(type('\x1b[A'), 'second')
  t.equal(type('\x10'), '\b\b\b\b\b\b      \b\b\b\b\b\bfirst')
  t.equal(type('\x10'), '\x07')
  t.equal(type('\x1b[B'), '\b\b\b\b\b     \b\b\b\b\bsecond')
  t.equal(type('\x0e'), '\b\b\b\b\b\b      \b\b\b\b\b\b')
  t.equal(type('\x0e'), '\x07')
})

t.test('nineteen lines are kept, twins among them, empty ones not', async t => {
  const { type, history } = editor()
  type(`same\rsame\r\r${Array.from({ length: 18 }, (_, index) => `line ${index}\r`).join('')}`)
  t.equal(history.lines.length, 19)
  t.same(history.lines.slice(0, 2), ['same', 'line 0'])
})

t.test('text that stands there already can be edited', async t => {
  const { type, ends } = editor({ prompt: 'edit: ', initial: 'bar' })
  t.equal(type('\b\r'), '\b \b\nedit: bar')
  t.same(ends, [{ line: 'ba' }])
})

t.test('TAB rings in the middle, and inserts or lists at the end', async t => {
  const complete = (line: string) =>
    line === 'no'
      ? null
      : { insert: line === 'p' ? 'ing ' : '', list: line === 'p' ? '' : '\n  a b\n', bell: line === 'b' }
  const { type } = editor({ prompt: '=> ', complete })
  t.equal(type(`p${LEFT}\t`), 'p\b\x07')
  t.equal(type('\x05\t'), 'ping ')
  t.equal(type('\x15b\t'), '\b\b\b\b\b     \b\b\b\b\bb\x07\n  a b\n=> b')
  t.equal(type('\x15no\t'), '\b \bno')
  t.equal(editor().type('x\t'), 'x')
})

t.test('whatever is typed, a terminal that follows what is drawn shows the line', async () => {
  const key = fc.constantFrom(
    ...'ab ',
    '\b',
    '\x01',
    '\x02',
    '\x04',
    '\x05',
    '\x06',
    '\x0b',
    '\x0e',
    '\x0f',
    '\x10',
    '\x15',
    '\x17',
  )
  fc.assert(
    fc.property(fc.array(key, { maxLength: 60 }), keys => {
      const { type, ends } = editor({ prompt: '' }, 8)
      type('one\rtwo\r')
      const cells: string[] = []
      let column = 0
      for (const drawn of type(keys.join(''))) {
        if (drawn === '\b') column -= 1
        else if (drawn !== '\x07') {
          cells[column] = drawn
          column += 1
        }
      }
      type('\r')
      const end = ends[2] as { line: string }
      return end.line.trimEnd() === cells.join('').trimEnd()
    }),
    { numRuns: 200 },
  )
})
