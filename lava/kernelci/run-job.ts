/** One job on one board: its files to the lab, the board from power-on to the prompt, its tests, the outcome. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { FauxbootError } from '../../agent/errors.js'
import { BoardClient } from '../client/board-client.js'
import { readToken } from '../client/token-file.js'
import type { Expect } from '../console/expect.js'
import type { BoardSessionOptions, BoardSessionResult } from '../monitor/board-session.js'
import type { BootMethod } from '../monitor/boot-methods.js'
import { runTargetTests, type TargetTestsOptions } from '../target-tests/run-tests.js'
import { isBootTest, type TargetTest, type TestOutcome, testPath } from '../target-tests/target-test.js'
import { formatBytes } from '../terminal/quantities.js'
import type { ClaimedJob } from './claimed-job.js'
import { type PullJob, ROLES, type Role } from './job-definition.js'
import type { LavaJob } from './lava-job.js'
import { incomplete, type JobOutcome, outcomeOfTests } from './outcome.js'
import type { PullBoardConfig, PullConfig } from './pull-config.js'
import { bootLavaJob, bootPulledTarget } from './pulled-boot.js'
import { downloadFile, type RemoteFile } from './remote-file.js'

/** Boots a board: `runBoardSession`, or its replacement in tests. */
export type RunSession = (options: BoardSessionOptions) => Promise<BoardSessionResult>

export interface JobRun {
  readonly job: PullJob | LavaJob
  readonly board: PullBoardConfig
  /** folder for the job's files */
  readonly workDir: string
  /** file for the console's log */
  readonly logFile: string
  readonly config: Pick<PullConfig, 'artifactLimit' | 'jobSeconds' | 'api'>
  readonly runSession: RunSession
  readonly note: (line: string) => void
  readonly signal: AbortSignal
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
const LOGIN = { user: 'root' } as const

/**
 * Run a job. What a board does wrong is an outcome.
 *
 * @throws FETCH_*, VERIFY_*, ARTIFACT_TOO_LARGE, CLI_*, the signal's reason
 */
export async function runPullJob(run: JobRun): Promise<JobRunResult> {
  const { job, board, note, signal, logFile } = run
  const token = board.agentTokenFile === undefined ? undefined : await readToken(board.agentTokenFile)
  const client = new BoardClient(new URL(board.agent), { token })
  const outcomes = new Map<string, TestOutcome>()
  let brokenOff = ''
  const session = await run.runSession({
    console: board.console,
    power: board.power,
    method: await bootMethod(run, client),
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
}

/** The files come through the lab; those of a LAVA job the board fetches itself. */
async function bootMethod(run: JobRun, client: BoardClient): Promise<BootMethod> {
  const { job, board } = run
  if ('definition' in job) return bootLavaJob(client, job.definition, board.agentSeconds)
  const files = await downloadFiles(run, job)
  return bootPulledTarget(client, { ...files, cmdline: board.cmdline, options: {} }, board.agentSeconds)
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
  return Math.min(config.jobSeconds, board.agentSeconds + OVERHEAD_SECONDS + asked)
}

/** @returns where each file is now */
async function downloadFiles(
  run: JobRun,
  job: PullJob,
): Promise<Partial<Record<Role, string>> & { readonly kernel: string }> {
  const { workDir } = run
  await mkdir(workDir, { recursive: true, mode: 0o700 })
  const paths: Partial<Record<Role, string>> = {}
  for (const role of ROLES) {
    const source = job.files[role]
    if (source !== undefined) paths[role] = await download(run, role, source)
  }
  return { ...paths, kernel: join(workDir, 'kernel') }
}

async function download({ workDir, config, note, signal }: JobRun, role: Role, source: RemoteFile): Promise<string> {
  const path = join(workDir, role)
  const options = { limit: config.artifactLimit, stallSeconds: config.api.requestSeconds, signal }
  const size = await downloadFile(source, path, options)
  note(`${role}: ${formatBytes(size)}, ${source.sha256 === undefined ? 'no digest is given' : 'digest checked'}`)
  return path
}
