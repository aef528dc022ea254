/** One job on one board: its files to the lab, the board from power-on to the prompt, its tests, the outcome. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BoardClient } from '../board-client.js'
import type { BoardSessionOptions, BoardSessionResult } from '../monitor/board-session.js'
import { formatBytes } from '../quantities.js'
import { readToken } from '../token-file.js'
import { driveBoard } from './board-drive.js'
import { isBootTest, type PullJob, ROLES, type Role } from './job-definition.js'
import { incomplete, type JobOutcome, outcomeOfTests, type TestOutcome } from './outcome.js'
import type { PullBoardConfig, PullConfig } from './pull-config.js'
import { downloadFile, type RemoteFile } from './remote-file.js'
import { runTargetTests, testPath } from './target-tests.js'

/** Boots a board: `runBoardSession`, or what stands in for it in tests. */
export type RunSession = (options: BoardSessionOptions) => Promise<BoardSessionResult>

export interface JobRun {
  readonly job: PullJob
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

/** How a job ended, and the session that says so; null when it did not come to one. */
export interface JobRunResult {
  readonly outcome: JobOutcome
  readonly session: BoardSessionResult | null
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
  const files = await downloadFiles(run)
  const token = board.agentTokenFile === undefined ? undefined : await readToken(board.agentTokenFile)
  const client = new BoardClient(new URL(board.agent), { token })
  const outcomes = new Map<string, TestOutcome>()
  const session = await run.runSession({
    console: board.console,
    power: board.power,
    drive: driveBoard(client, { ...files, cmdline: board.cmdline, options: {} }, board.agentSeconds),
    until: board.until,
    timeoutMs: sessionSeconds(run) * 1000,
    silenceMs: board.silenceSeconds * 1000,
    whenBooted: async (typist, over) => {
      const options = { board: board.name, login: board.login ?? LOGIN, note, signal: over }
      await runTargetTests(typist, job.tests, outcomes, options)
    },
    note,
    logFile,
    signal,
  })
  return { outcome: outcomeOf(run, session, outcomes), session }
}

/** What a session and the tests on its target come to. */
function outcomeOf(
  { job }: JobRun,
  { verdict, duration }: BoardSessionResult,
  outcomes: ReadonlyMap<string, TestOutcome>,
): JobOutcome {
  const { outcome, reason, lines, milestones } = verdict
  if (outcome === 'infrastructure')
    return { ...incomplete('Infrastructure', reason, lines), tests: [...outcomes.values()] }
  const booted = milestones.prompt !== undefined || outcome === 'booted'
  const tests = job.tests.map((test): TestOutcome => {
    const known = outcomes.get(test.id)
    const rest = { id: test.id, path: testPath(test), seconds: milestones.prompt ?? duration }
    if (known !== undefined) return isBootTest(test) && known.message === '' ? { ...known, ...rest } : known
    // It did not come to this test, or not to its end.
    if (outcome === 'booted') return { ...rest, result: 'incomplete', message: 'the tests were broken off' }
    if (isBootTest(test) || booted) return { ...rest, result: 'fail', message: reason }
    return { ...rest, result: 'skip', message: 'the target did not boot' }
  })
  // Nothing asked for the boot, and it failed: then nothing of the job was tested.
  const failed = outcome === 'failed' && !tests.some(({ result }) => result === 'fail')
  return failed ? { ...outcomeOfTests(tests, lines), result: 'fail' } : outcomeOfTests(tests, lines)
}

/** The longest that the board is given: a job's own times, but no longer than the lab allows. */
function sessionSeconds({ job, board, config }: JobRun): number {
  const asked = job.tests.reduce((sum, { timeoutSeconds }) => sum + timeoutSeconds, 0)
  return Math.min(config.jobSeconds, board.agentSeconds + OVERHEAD_SECONDS + asked)
}

/** @returns where each file is now */
async function downloadFiles(run: JobRun): Promise<Partial<Record<Role, string>> & { readonly kernel: string }> {
  const { workDir } = run
  await mkdir(workDir, { recursive: true, mode: 0o700 })
  const paths: Partial<Record<Role, string>> = {}
  for (const role of ROLES) {
    const source = run.job.files[role]
    if (source !== undefined) paths[role] = await download(run, role, source)
  }
  return { ...paths, kernel: join(workDir, 'kernel') }
}

async function download({ workDir, config, note, signal }: JobRun, role: Role, source: RemoteFile): Promise<string> {
  const path = join(workDir, role)
  const options = { limit: config.artifactLimit, idleSeconds: config.api.requestSeconds, signal }
  const size = await downloadFile(source, path, options)
  note(`${role}: ${formatBytes(size)}, ${source.sha256 === undefined ? 'no digest is given' : 'digest checked'}`)
  return path
}
