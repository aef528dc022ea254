/** One job file on one board, without an API: for trying a lab, and for jobs that came by mail. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { readInput } from '../client/local-file.js'
import { type PullJob, parsePullJob } from './job-definition.js'
import { isLavaDefinition, type LavaJob, parseLavaJob } from './lava-job.js'
import { outcomeOfError } from './outcome.js'
import type { PullBoardConfig, PullConfig } from './pull-config.js'
import { type JobRunResult, type RunSession, runPullJob } from './run-job.js'

const DEFINITION_LIMIT = 1024 * 1024

/**
 * Read a job file, and choose a board for it.
 *
 * @param name of the board; without it the first of the job's platform
 * @throws CLI_FILE, JOB_INVALID, CLI_USAGE for an unknown board
 */
export async function readSingleJob(
  file: string,
  config: PullConfig,
  name?: string,
): Promise<{ readonly job: PullJob | LavaJob; readonly board: PullBoardConfig }> {
  const text = Buffer.from(await readInput(file, DEFINITION_LIMIT)).toString('utf8')
  const job = isLavaDefinition(file) ? parseLavaJob(text) : parsePullJob(text, config.shellTests)
  const board = config.boards.find(board =>
    name === undefined ? board.platform === job.platform : board.name === name,
  )
  if (board !== undefined) return { job, board }
  const wanted = name === undefined ? `of platform ${job.platform}` : `named ${name}`
  const known = config.boards.map(board => `${board.name} (${board.platform})`).join(', ')
  throw fault('CLI_USAGE', {
    reason: `no board ${wanted} in the configuration; there are ${known}`,
    command: 'fauxboot pull',
  })
}

/** What a single job needs besides itself. */
export interface SingleJobOptions {
  readonly config: PullConfig
  /** file for the console's log; without it, no log is kept */
  readonly logFile?: string
  readonly runSession: RunSession
  readonly note: (line: string) => void
  readonly signal: AbortSignal
}

/**
 * Run it. What goes wrong with the job or the board is its outcome.
 *
 * @throws the signal's reason
 */
export async function runSingleJob(
  job: PullJob | LavaJob,
  board: PullBoardConfig,
  { logFile, signal, ...options }: SingleJobOptions,
): Promise<JobRunResult> {
  const workDir = await mkdtemp(join(tmpdir(), 'fauxboot-pull-'))
  const deadline = AbortSignal.timeout(options.config.jobSeconds * 1000)
  try {
    return await runPullJob({
      ...options,
      job,
      board,
      workDir,
      rootfsDir: join(workDir, 'rootfs'),
      logFile: logFile ?? join(workDir, 'console.log'),
      signal: AbortSignal.any([signal, deadline]),
    })
  } catch (thrown) {
    signal.throwIfAborted()
    return { outcome: outcomeOfError(thrown), session: null }
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
}
