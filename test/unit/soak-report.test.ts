/** The report of a soak: `test/soak/soak-report.ts`. */

import t from 'tap'
import { soakSvg, soakText, withSoak } from '../soak/soak-report.js'
import { checksOf, type Sample, type SoakResult } from '../soak/soak-result.js'

const MIB = 2 ** 20

const usage = { anon: 20 * MIB, file: 40 * MIB, shmem: 0, stored: 0, descriptors: 20 }

const sample = (seconds: number, changes: Partial<Sample> = {}): Sample => ({
  ...usage,
  seconds,
  answer: 50,
  ...changes,
})

const resultOf = (changes: Partial<SoakResult> = {}): SoakResult => ({
  samples: [sample(0.5), sample(1, { anon: 70 * MIB, shmem: 30 * MIB, stored: 30 * MIB, descriptors: 200 })],
  before: usage,
  after: usage,
  answers: 10,
  unanswered: null,
  tallies: [{ name: 'uploads', count: 2, acts: 7, wrong: 0, first: null }],
  faults: [],
  console: null,
  end: 'exit code 0',
  ...changes,
})

const broken = (changes: Partial<SoakResult>): string[] =>
  checksOf(resultOf(changes)).flatMap(({ what, holds }) => (holds ? [] : [what.replace(/[;(].*/, '').trim()]))

t.test('a soak in which everything went well breaks no promise', async t => {
  t.same(broken({}), [])
})

t.test('each promise can be broken', async t => {
  const tallies = [{ name: 'uploads', count: 2, acts: 7, wrong: 1, first: 'no answer' }]
  t.same(broken({ end: 'SIGSEGV' }), ['the agent runs until it is asked to end'])
  t.same(broken({ unanswered: 'ECONNRESET' }), ['every request with the token is answered'])
  t.same(broken({ answers: 0 }), ['every request with the token is answered'])
  t.same(broken({ samples: [sample(1, { answer: 1001 })] }), ['the longest that one of them waited'])
  t.same(broken({ samples: [sample(1, { anon: 81 * MIB })] }), ['memory beside stored files'])
  t.same(broken({ after: { ...usage, descriptors: 21 } }), ['descriptors after the load'])
  t.same(broken({ tallies }), ['jobs and uploads end as they should'])
  t.same(broken({ faults: ['{"level":"fatal"}'] }), ['no fault of its own in its log'])
  t.same(broken({ console: 'nothing' }), ['the console answers after the load'])
})

t.test('stored files that are mapped, and pages of Node itself, are no memory of the agent', async t => {
  t.same(broken({ samples: [sample(1, { file: 500 * MIB, shmem: 500 * MIB, stored: 500 * MIB })] }), [])
})

t.test('the text shows every part of the memory, before, at its most and after', async t => {
  const text = soakText(resultOf())
  t.match(text, /anonymous \(RssAnon\) +20\.0 MiB +70\.0 MiB +20\.0 MiB/)
  t.match(text, /all of it \(VmRSS\) +60\.0 MiB +140\.0 MiB +60\.0 MiB/)
  t.match(text, /stored +0\.0 MiB +30\.0 MiB +0\.0 MiB/)
  t.match(soakText(resultOf({ console: 'nothing' })), /the console answers after the load +nothing +yes +BROKEN/)
})

t.test('a document gets the result between its marks, again and again', async t => {
  const document =
    'before\n<!-- written by `npm run soak -- --write`, not by hand -->\nold\n<!-- end of what is written -->\nafter\n'
  const written = withSoak(document, resultOf(), 'the run')
  t.match(
    written,
    /^before\n<!--[\s\S]*\| anonymous \(RssAnon\) \| 20\.0 MiB \| 70\.0 MiB[\s\S]*\nthe run\n<!-- end[^\n]*\nafter\n$/,
  )
  t.notMatch(written, 'old')
  t.equal(withSoak(written, resultOf(), 'the run'), written)
  t.throws(() => withSoak('', resultOf(), ''), /lacks the mark/)
})

t.test('the picture shows memory, descriptors and waits over time', async t => {
  const svg = soakSvg('a soak', resultOf({ samples: [sample(0), sample(90)] }).samples)
  for (const words of ['memory, MiB', 'anonymous', 'open descriptors', '0:18', '1:30']) t.match(svg, `>${words}</text>`)
})
