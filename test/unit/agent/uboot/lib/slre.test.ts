import fc from 'fast-check'
import t from 'tap'
import { compileSlre, SlreBudget, SlreError } from '../../../../../agent/uboot/lib/slre.js'

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
    ['(a?)+', 'aab', ['aa', 'a']],
    ['(a?)+c', 'bc', ['c', '']],
    ['(|a)+b', 'aab', ['aab', 'a']],
    ['(a|ab)(c|bcd)(d*)', 'abcd', ['abcd', 'a', 'bcd', '']],
    ['(a*)(a?)?b', 'aab', ['aab', 'aa']],
    ['((a)|(b))*', 'ab', ['ab', 'b', 'a', 'b']],
    ['(a|b|c|)d', 'cd', ['cd', 'c']],
    ['^*a', 'a', ['a']],
    ['[^é]', 'éa', ['a']],
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
  t.throws(() => match('(a|b|c)*?z', 'abc'.repeat(4000)), { message: 'RE is too complex' })
  // The budget is that of a search, not of each position where a match may begin.
  t.throws(() => match('(.*)(.*)x', 'a'.repeat(16_000)), { message: 'RE is too complex' })
  const [search, budget] = [compileSlre('a*b'), new SlreBudget()]
  t.throws(
    () => {
      for (let i = 0; i < 10_000; i += 1) search('a'.repeat(100), budget)
    },
    { message: 'RE is too complex' },
  )
})

t.test('the length of a text and the depth of an expression do not reach the end of the stack', async t => {
  t.same(match('(((a)|b)+)+', 'ab'.repeat(3000))?.[0]?.length, 6000)
  t.same(match(`${'('.repeat(150)}a${')'.repeat(150)}*`, 'a'.repeat(500))?.[0]?.length, 500)
  t.same(match('x'.repeat(2000), 'x'.repeat(2000))?.[0]?.length, 2000)
  for (const piece of ['(', '[', '(a|', '((', '[(']) {
    t.throws(() => compileSlre(piece.repeat(100_000)), { message: 'RE is too long (code overflow)' })
  }
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
