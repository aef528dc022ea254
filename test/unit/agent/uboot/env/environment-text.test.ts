import fc from 'fast-check'
import t from 'tap'
import { exportText, importText } from '../../../../../agent/uboot/env/environment-text.js'

const read = (text: string, crlf = false) => [...importText(text, '\n', crlf)]

t.test('exported variables are escaped, each followed by a separator', t => {
  const variables = [
    ['a', '1'],
    ['b', 'x\ny\\'],
  ] as const
  t.equal(exportText(variables, '\n'), 'a=1\nb=x\\\ny\\\\\n')
  t.equal(exportText([['a', '1\\']], '\0'), 'a=1\\\\\0')
  t.end()
})

t.test('comments, blanks, empty lines and deletions are understood', t => {
  t.strictSame(read('# nothing\n \ta=1\n\nb=\nc\nd=x=y\ne=a\\\nb\n'), [
    ['a', '1'],
    ['b', null],
    ['c', null],
    ['d', 'x=y'],
    ['e', 'a\nb'],
  ])
  t.strictSame(read('=x\n'), [['', 'x']])
  t.strictSame(read('# only'), [])
  t.strictSame(read(''), [])
  t.end()
})

t.test('a text ends at a NUL or where it ends', t => {
  t.strictSame(read('a=1\n\0b=2\n'), [['a', '1']])
  t.strictSame(read('a=1'), [['a', '1']])
  t.strictSame(read('a=1\\'), [['a', '1\\']])
  t.strictSame(read('a='), [['a', null]])
  t.end()
})

t.test('CRLF is a line end when it is asked for', t => {
  t.strictSame(read('a=1\r\nb=2\r\n'), [
    ['a', '1\r'],
    ['b', '2\r'],
  ])
  t.strictSame(read('a=1\r\nb=2\r\n', true), [
    ['a', '1'],
    ['b', '2'],
  ])
  t.end()
})

t.test('what was written is read again', t => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/)
  const value = fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map(code => String.fromCharCode(code)),
    minLength: 1,
  })
  const variables = fc.array(
    fc.tuple(
      name,
      value.filter(text => !text.startsWith('\n') && !text.startsWith('\0')),
    ),
  )
  fc.assert(
    fc.property(variables, fc.constantFrom('\n', '\0'), (list, separator) => {
      const found = [...importText(exportText(list, separator), separator)]
      return JSON.stringify(found) === JSON.stringify(list)
    }),
  )
  t.end()
})

t.test('any bytes are read to the end', t => {
  fc.assert(fc.property(fc.string(), text => read(text).length <= text.length))
  t.end()
})
