/** A pulled job as rows of KCIDB: the boot, and each test on the target. */

import type { BoardSessionResult } from '../monitor/board-session.js'
import type { BootVerdict } from '../monitor/boot-watch.js'
import { type KcidbTest, kcidbTest } from '../results/kcidb.js'
import type { Result, TestOutcome } from '../target-tests/target-test.js'
import type { JobOutcome } from './outcome.js'

export interface KcidbJob {
  readonly nodeId: string
  /** of the build that the job tests; null when it cannot be found */
  readonly buildId: string | null
  readonly origin: string
  readonly platform: string
  readonly board: string
  readonly started: Date
  readonly logUrl: string | null
  readonly outcome: JobOutcome
  /** null when the board was never switched on */
  readonly session: BoardSessionResult | null
}

/** MISS: the test was to run and did not. */
const STATUS: Readonly<Record<Result, KcidbTest['status']>> = {
  pass: 'PASS',
  fail: 'FAIL',
  incomplete: 'ERROR',
  skip: 'MISS',
}

/** @returns at least one row: a job that did not come to its tests is a boot that is missing */
export function kcidbRows(job: KcidbJob): KcidbTest[] {
  const { nodeId, origin, buildId, outcome, board, platform, logUrl } = job
  const session = job.session ?? missingSession(job)
  const facts = {
    origin,
    // What KernelCI's own pull labs write when a job's build is not known.
    buildId: buildId ?? `${origin}:unknown_${nodeId}`,
    compatible: [platform],
    comment: board,
    ...(logUrl !== null && { logUrl }),
  }
  // A job without a test of its boot may fail although its target has booted.
  const result = session.verdict.outcome === 'booted' ? 'pass' : outcome.result
  const boot: TestOutcome = { id: 'boot', path: 'boot', result, message: '', seconds: session.duration }
  const tests = outcome.tests.some(({ path }) => path === 'boot') ? outcome.tests : [boot, ...outcome.tests]
  return tests.map(({ id, path, result, message, seconds, started }) => {
    const row = kcidbTest({ ...facts, id: `${origin}:${nodeId}.${id}`, path }, session)
    return {
      ...row,
      status: STATUS[result],
      start_time: started ?? row.start_time,
      duration: seconds,
      misc: { ...row.misc, ...(message !== '' && { message }) },
    }
  })
}

function missingSession({ outcome, started }: KcidbJob): BoardSessionResult {
  const verdict: BootVerdict = {
    outcome: 'infrastructure',
    sign: 'job',
    reason: outcome.errorMessage ?? 'the board was not switched on',
    lines: outcome.excerpt,
    milestones: {},
    warnings: [],
  }
  return { verdict, started, duration: 0, excerpt: '' }
}
