import fc from 'fast-check'
import t from 'tap'
import { matchesPattern } from '../../../agent/uboot/name-pattern.js'

const YES = [
  ['eth\\d*addr', 'ethaddr'],
  ['^eth\\d*addr$', 'eth12addr'],
  ['a.c', 'xabcx'],
  ['[a-c]+1', 'xxcab1'],
  ['[^a-c]$', 'abd'],
  ['\\.flags', '.flags'],
  ['ab?c', 'ac'],
  ['none|boot', 'bootcmd'],
  ['\\s\\S\\w', ' =x'],
  ['', 'anything'],
  ['x*', ''],
  ['a$', 'ba'],
  ['[]]', ']'],
] as const
const NO = [
  ['^eth\\d*addr$', 'ethxaddr'],
  ['^b', 'ab'],
  ['a$', 'ab'],
  ['[^a]', 'aaa'],
  ['a+b', 'b'],
  ['(a)', 'a'],
] as const

t.test('patterns match what they should', t => {
  for (const [pattern, text] of YES) t.equal(matchesPattern(pattern, text), true, `${pattern} in ${text}`)
  for (const [pattern, text] of NO) t.equal(matchesPattern(pattern, text), false, `${pattern} in ${text}`)
  t.end()
})

t.test('a pattern that makes backtracking matchers hang is done at once', t => {
  t.equal(matchesPattern(`${'a*'.repeat(100)}b`, 'a'.repeat(1000)), false)
  t.end()
})

t.test('they agree with JavaScript where both know them', t => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '1'), maxLength: 8 })
  const piece = fc.tuple(fc.constantFrom('a', 'b', '.', '\\d', '[ab]', '[^a]'), fc.constantFrom('', '*', '+', '?'))
  const pattern = fc
    .array(
      piece.map(parts => parts.join('')),
      { maxLength: 4 },
    )
    .map(parts => parts.join(''))
  const anchored = fc.tuple(fc.constantFrom('', '^'), pattern, fc.constantFrom('', '$')).map(parts => parts.join(''))
  fc.assert(fc.property(anchored, text, (p, s) => matchesPattern(p, s) === new RegExp(p).test(s)))
  t.end()
})
