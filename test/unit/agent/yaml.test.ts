import t from 'tap'
import { parseYaml, type YamlProblem } from '../../../agent/yaml.js'

const LIMITS = { pieces: 16_384, aliases: 16 }

class Refused extends Error {
  readonly problem: YamlProblem

  constructor(problem: YamlProblem) {
    super(`${problem.reason} (${problem.line})`)
    this.problem = problem
  }
}

const read = (text: string): unknown => parseYaml(text, LIMITS, problem => new Refused(problem))

/** The problem of a text; null if it has none. */
function problemOf(text: string): YamlProblem | null {
  try {
    read(text)
    return null
  } catch (thrown) {
    if (thrown instanceof Refused) return thrown.problem
    throw thrown
  }
}

t.test('a document is read, with anchors and merge keys', async t => {
  t.same(read('a: &a {x: 1}\nb: {<<: *a, y: [2, null]}\n'), { a: { x: 1 }, b: { x: 1, y: [2, null] } })
  t.equal(read(''), null)
  const levels = 30
  t.equal(JSON.stringify(read('['.repeat(levels) + ']'.repeat(levels))), '['.repeat(levels) + ']'.repeat(levels))
})

t.test('text that nests too deep is refused with its line, however often it comes', async t => {
  const pieces = ['[', '{', '- ', '? ', ': ', 'a: ', '{a: ', '[- ', '- [', '? [', '!a [', '&a [', '[[],', 'a: a\n ']
  for (let round = 0; round < 2; round += 1) {
    for (const piece of pieces) {
      for (const text of [piece.repeat(1200), `a:\n  ${piece.repeat(100_000)}`]) {
        t.match(problemOf(text), { reason: /more than 64 levels|words and marks|Nested|Unexpected/ }, piece)
      }
    }
    const lines = Array.from({ length: 5000 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')
    t.match(problemOf(lines), { reason: 'more than 64 levels', line: 64 }, 'block maps')
    t.match(problemOf('a: a\n'.repeat(3) + 'a: a: a\n'.repeat(3000)), { reason: /more than|Nested/ }, 'compact maps')
  }
})

t.test('a text that has too much of anything is refused with its line', async t => {
  t.match(problemOf(`- &a x\n${'- *a\n'.repeat(16)}`), null)
  t.match(problemOf(`- &a x\n${'- *a\n'.repeat(17)}`), { reason: 'more than 16 aliases', line: 18 })
  t.match(problemOf(`[${'a,'.repeat(20_000)}]`), { reason: 'more than 16384 words and marks', line: 1 })
  const unfolding = Array.from({ length: 8 }, (_, i) => `${i}: &${i} [*${i - 1}, *${i - 1}]`).slice(1)
  t.match(problemOf(`0: &0 [x]\n${unfolding.join('\n')}`), { reason: /Excessive alias count/, line: null })
})

t.test('a map with a key twice, or one that is no plain value, is refused', async t => {
  t.match(problemOf('a: 1\nb: {c: 1, c: 2}'), { reason: 'Map keys must be unique', line: 2 })
  t.match(problemOf('a: {b: 1}\nc: {b: 1, "b": 2}'), { reason: 'Map keys must be unique', line: 2 })
  for (const text of ['\n? [a]\n: 1', '\n{{a: 1}: 2}', 'a: &a 1\n*a : 2'])
    t.match(problemOf(text), { reason: /^a map has a key that is/ }, text)
  t.equal(problemOf('a: &a {}\nb: {<<: *a, <<: *a}'), null, 'two merges')
})

t.test('what is not one YAML document is refused with the line of the first error', async t => {
  t.match(problemOf('a: 1\nb: ['), { line: 2 })
  t.match(problemOf('a: 1\nb: ]'), { reason: /^Unexpected flow-seq-end/, line: 2 })
  t.match(problemOf('a: 1\n---\nb: 1'), { reason: 'more than one document', line: 2 })
  t.match(problemOf('a: *b'), { reason: /^Unresolved alias/, line: null })
})
