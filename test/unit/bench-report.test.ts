import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Figure } from '../bench/figure.js'
import { growthFigures } from '../bench/growth/growth.js'
import { type BenchResult, readResult, renderFigures, worse, writeResult } from '../bench/report.js'
import { cpuMsIn, tookOnBoard } from '../bench/timing.js'

const figure = (what: string, ours: number[], theirs: number[], target: number | null = 1): Figure => ({
  what,
  peer: 'a | b',
  unit: 'ms',
  ours,
  theirs,
  target,
  reason: 'because',
})

const resultOf = (...figures: Figure[]): BenchResult => ({
  date: '2026-11-27',
  machine: ['2 cores'],
  command: 'npm run bench',
  load: 0,
  minutes: 1,
  rows: [{ row: 'one', figures }],
})

t.test(
  'a figure stands beside its peer, with the ratio of their medians, the verdict, and the reason of a miss',
  async t => {
    const text = renderFigures([
      figure('slow', [1, 3, 2], [1, 1, 1]),
      figure('quick', [1], [2]),
      figure('free', [1], [1], null),
    ])
    t.match(text, '| slow (ms, n=3) | 1.00 / 2.00 / 3.00 | 1.00 / 1.00 / 1.00 a \\| b | 2.00 | 1.00 **missed** |')
    t.match(text, '| quick (ms, n=1) | 1.00 | 2.00 a \\| b | 0.50 | 1.00 met |')
    t.match(text, '| free (ms, n=1) | 1.00 | 1.00 a \\| b | 1.00 |  |')
    t.match(text, /- slow: because\.$/)
    t.notMatch(text, '- quick')
    t.match(renderFigures([{ ...figure('slow', [1], [1]), detail: 'mostly waiting' }]), '\n\n- slow: mostly waiting.')
  },
)

t.test('the longest block of the event loop stands beside the CPU time, and in bold when it is too long', async t => {
  const cpu = { ours: [1], theirs: [2], unit: 'ms' } as const
  const text = renderFigures([
    { ...figure('smooth', [1], [1]), cpu, blocked: [3, 19.5, 4] },
    { ...figure('jerky', [1], [1]), cpu, blocked: [3, 20.5] },
  ])
  t.match(text, '| 1.00 met | 1.00 / 2.00 ms | 19.5 |')
  t.match(text, '| 1.00 met | 1.00 / 2.00 ms | **20.5** |')
})

t.test('CPU time is read from /proc, whatever the name of the process is', async t => {
  t.equal(cpuMsIn('7 (a) b (c) S 1 7 7 0 -1 0 1 2 3 4 25 17 5 6 20 0 11 0 99 0 0'), 420)
})

t.test('a peer that failed meets no target for us', async t => {
  t.match(renderFigures([figure('unknown', [1], [Number.NaN])]), '**missed**')
})

t.test('ratios that are worse by more than a tenth are reported, new and better ones are not', async t => {
  const before = resultOf(figure('a', [10], [10]), figure('b', [10], [10]), figure('gone', [1], [1]))
  const now = resultOf(figure('a', [12], [10]), figure('b', [10.5], [10]), figure('new', [9], [1]))
  t.same(worse(before, now), ['a: 1.00 -> 1.20'])
})

t.test('a run is kept as text, JSON and pictures, and is read again', async t => {
  const folder = t.testdir()
  t.equal(await readResult(folder), null)
  const growing = growthFigures('a job', 'MiB', [
    { at: 8, ms: 10, cpuMs: 5, rssMiB: 50 },
    { at: 32, ms: 80, cpuMs: 20, rssMiB: 60 },
  ])
  const result = resultOf(figure('a', [1], [2]), ...growing)
  await writeResult(folder, result)
  t.same(await readResult(folder), result)
  const text = await readFile(join(folder, 'RESULTS.md'), 'utf8')
  t.match(
    text,
    '| a job, 32 MiB (ms, n=1) | 80.0 | 40.0 4 times that of 8 MiB | 2.00 | 1.20 **missed** | 20.0 / 20.0 ms |',
  )
  t.match(text, '![a job](a-job.svg)')
  for (const picture of ['results.svg', 'a-job.svg']) t.match(await readFile(join(folder, picture), 'utf8'), /^<svg /)
})

t.test("what busybox's time says is read to the hundredth of a second", async t => {
  t.same(tookOnBoard('real\t1m 2.31s\nuser\t0m 1.50s\nsys\t0m 0.25s\n'), { ms: 62_310, cpuMs: 1750 })
})
