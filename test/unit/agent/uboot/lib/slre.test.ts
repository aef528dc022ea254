import fc from 'fast-check'
import t from 'tap'
import { compileSlre, SlreError } from '../../../../../agent/uboot/lib/slre.js'

/** What the first match and its groups are; null: none. */
function match(expression: string, text: string): (string | null)[] | null {
  const captures = compileSlre(expression)(text)
  return captures && Array.from(captures, capture => (capture ? text.slice(...capture) : null))
}

t.test('expressions match as in SLRE', async t => {
  const table: readonly [expression: string, text: string, found: (string | null)[] | null][] = [
    ['b', 'abc', ['b']],
    ['^b', 'abc', null],
    ['c$', 'abc', ['c']],
    ['a.c', 'abc', ['abc']],
    ['[a-c]+', 'xxabcd', ['abc']],
    ['[^a-c]+', 'abxyc', ['xy']],
    ['[a-]', '-', ['-']],
    ['[\\d]', 'a1', ['1']],
    ['\\s\\S\\d', 'a b1', [' b1']],
    ['\\.\\n', '.\n', ['.\n']],
    ['ab+c?', 'abbb', ['abbb']],
    ['a.*c', 'abcbc', ['abcbc']],
    ['a.*?c', 'abcbc', ['abc']],
    ['a.+?', 'abc', ['ab']],
    ['(a|b)+c', 'ababc', ['ababc', 'b']],
    ['(ab)*?c', 'ababc', ['ababc', 'ab']],
    ['(x)|(y)', 'y', ['y', null, 'y']],
    ['(x(y)?)?z', 'z', ['z']],
    ['(a*)*b', 'aab', ['aab', 'aa']],
    ['a{2}', 'a{2}', ['a{2}']],
    ['x*', '', null],
  ]
  for (const [expression, text, found] of table) t.same(match(expression, text), found, expression)
})

t.test('an invalid expression is refused', async t => {
  t.throws(() => compileSlre('(a'), { message: 'No closing bracket' })
  t.throws(() => compileSlre('a)'), { message: 'Unbalanced brackets' })
  t.throws(() => compileSlre('[a'), { message: "No closing ']' bracket" })
  t.throws(() => compileSlre('('.repeat(2000)), { message: 'RE is too long (code overflow)' })
})

t.test('no expression hangs: the matcher gives up', async t => {
  t.throws(() => match('(a+)+$', `${'a'.repeat(60)}b`), { message: 'RE is too complex' })
  t.throws(() => match('a*a*a*a*a*a*c', 'a'.repeat(200)), { message: 'RE is too complex' })
  t.throws(() => match('x'.repeat(2000), 'x'.repeat(2000)), { message: 'RE is too complex' })
})

t.test('any text is an expression, or is refused as one', async () => {
  const piece = fc.constantFrom('a', 'b', '(', ')', '[', ']', '^', '$', '*', '+', '?', '|', '\\', '.', '-', 'd')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 15 }), fc.string({ maxLength: 20 }), (pieces, text) => {
      try {
        match(pieces.join(''), text)
      } catch (thrown) {
        return thrown instanceof SlreError
      }
      return true
    }),
  )
})
