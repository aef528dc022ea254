import t from 'tap'
import { kcidbRows } from '../../../../lava/kernelci/kcidb-rows.js'
import { incomplete, type JobOutcome, outcomeOfTests } from '../../../../lava/kernelci/outcome.js'
import type { BootVerdict } from '../../../../lava/monitor/boot-watch.js'
import type { TestOutcome } from '../../../../lava/target-tests/target-test.js'
import { BOOTED, PANIC } from '../monitor/fake-session.js'

const started = new Date('2026-11-23T10:00:00Z')
const FAILED: TestOutcome = { id: 'ltp', path: 'ltp.ltp', result: 'fail', message: 'fork13 failed', seconds: 3 }
const rows = (outcome: JobOutcome, verdict: BootVerdict | null): string[] =>
  kcidbRows({
    ...{ nodeId: 'n1', buildId: null, origin: 'maestro', platform: 'p', board: 'b', started, logUrl: null, outcome },
    session: verdict === null ? null : { verdict, started, duration: 20, excerpt: '' },
  }).map(({ path, status }) => `${path} ${status}`)

t.test('a target that has booted is a boot that passed, even if a test on it failed', async t => {
  t.same(rows(outcomeOfTests([FAILED], []), BOOTED), ['boot PASS', 'ltp.ltp FAIL'])
})

t.test('the row of a boot that failed or never began comes from the job', async t => {
  t.same(rows({ ...outcomeOfTests([], []), result: 'fail' }, PANIC), ['boot FAIL'])
  t.same(rows(incomplete('Infrastructure', 'no power'), null), ['boot ERROR'])
})
