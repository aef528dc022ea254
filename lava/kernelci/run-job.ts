/** One job on one board: its files to the lab, the board from power-on to the prompt, its tests, the outcome. */

import { FauxbootError } from '../../agent/errors.js'
import { BoardClient } from '../client/board-client.js'
import { readToken } from '../client/token-file.js'
import type { Expect } from '../console/expect.js'
import type { BoardSessionOptions, BoardSessionResult } from '../monitor/board-session.js'
import { runTargetTests, type TargetTestsOptions } from '../target-tests/run-tests.js'
import { isBootTest, type TargetTest, type TestOutcome, testPath } from '../target-tests/target-test.js'
import type { ClaimedJob } from './claimed-job.js'
import { type JobBootOptions, prepareBoot } from './job-boot.js'
import { incomplete, type JobOutcome, outcomeOfTests } from './outcome.js'
import type { PullConfig } from './pull-config.js'

/** Boots a board: `runBoardSession`, or its replacement in tests. */
export type RunSession = (options: BoardSessionOptions) => Promise<BoardSessionResult>

export interface JobRun extends JobBootOptions {
  /** file for the console's log */
  readonly logFile: string
  readonly config: JobBootOptions['config'] & Pick<PullConfig, 'jobSeconds'>
  readonly runSession: RunSession
}

/** How a job ended, and its session; null if there was none. */
export interface JobRunResult {
  readonly outcome: JobOutcome
  readonly session: BoardSessionResult | null
  /** of a LAVA job: where its result goes */
  readonly callback?: ClaimedJob['callback']
}

/** Seconds beyond those of the tests for uploading, planning and the jump. */
const OVERHEAD_SECONDS = 300
/** Seconds to turn a root file system into what the board boots. */
const ROOTFS_SECONDS = 900
const LOGIN = { user: 'root' } as const

/**
 * Run a job. What a board does wrong is an outcome.
 *
 * @throws FETCH_*, VERIFY_*, ARTIFACT_TOO_LARGE, CLI_*, FORMAT_* of a root file system, the signal's reason
 */
export async function runPullJob(run: JobRun): Promise<JobRunResult> {
  const { job, board, note, signal, logFile } = run
  const token = board.agentTokenFile === undefined ? undefined : await readToken(board.agentTokenFile)
  const client = new BoardClient(new URL(board.agent), { token })
  const outcomes = new Map<string, TestOutcome>()
  let brokenOff = ''
  const boot = await prepareBoot(run, client)
  try {
    const session = await run.runSession({
      console: board.console,
      power: board.power,
      method: boot.method,
      until: board.until,
      timeoutMs: sessionSeconds(run) * 1000,
      silenceMs: board.silenceSeconds * 1000,
      whenBooted: async (expect, over) => {
        const options = { login: board.login ?? LOGIN, note, signal: over }
        brokenOff = await runTests(expect, job.tests, outcomes, options)
      },
      note,
      logFile,
      signal,
    })
    return { outcome: outcomeOf(run, session, { outcomes, brokenOff }), session }
  } finally {
    await boot.remove()
  }
}

/**
 * Run the tests; a console that is lost, or a time that is up, ends them.
 *
 * @returns why they were broken off; empty when they were not
 * @throws errors that are not the board's
 */
async function runTests(
  expect: Expect,
  tests: readonly TargetTest[],
  outcomes: Map<string, TestOutcome>,
  options: TargetTestsOptions,
): Promise<string> {
  try {
    await runTargetTests(expect, tests, outcomes, options)
    return ''
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError) || thrown.code !== 'CONSOLE_GONE') throw thrown
    return `the tests were broken off: ${thrown.message}`
  }
}

/** What a session and the tests on its target come to. */
function outcomeOf(
  { job }: JobRun,
  { verdict, started, duration }: BoardSessionResult,
  { outcomes, brokenOff }: { readonly outcomes: ReadonlyMap<string, TestOutcome>; readonly brokenOff: string },
): JobOutcome {
  const { outcome, reason, lines, milestones } = verdict
  if (outcome === 'infrastructure') return incomplete('Infrastructure', reason, lines)
  const seconds = milestones.prompt ?? duration
  const tests = job.tests.map((test): TestOutcome => {
    const rest = { id: test.id, path: testPath(test), seconds, started: started.toISOString() }
    if (outcome === 'failed') {
      if (isBootTest(test)) return { ...rest, result: 'fail', message: reason }
      return { ...rest, result: 'skip', message: 'the target did not boot' }
    }
    const known = outcomes.get(test.id)
    if (known === undefined) return { ...rest, result: 'incomplete', message: brokenOff }
    // A boot is the way from power-on to the prompt.
    return isBootTest(test) ? { ...known, ...rest } : known
  })
  const cases = [...outcomes.values()].filter(({ id }) => job.tests.every(test => test.id !== id))
  const result = outcomeOfTests([...tests, ...cases], lines)
  // A job with only other tests also fails if its target does not boot.
  return outcome === 'failed' ? { ...result, result: 'fail' } : result
}

/** The longest that the board is given: a job's own times, but no longer than the lab allows. */
function sessionSeconds({ job, board, config }: JobRun): number {
  const asked = job.tests.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 0)
  const rootfs = 'files' in job && job.files.rootfs !== undefined ? ROOTFS_SECONDS : 0
  return Math.min(config.jobSeconds, board.agentSeconds + OVERHEAD_SECONDS + rootfs + asked)
}
