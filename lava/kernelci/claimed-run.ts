/** A claimed job from its definition to its outcome, while KernelCI is watched for somebody who takes it away. */

import { asFault, fault } from '../../agent/errors.js'
import { pause } from '../../agent/transfer/abort.js'
import { whyLost } from './claim.js'
import type { ClaimedJob } from './claimed-job.js'
import { type PullJob, parsePullJob } from './job-definition.js'
import type { KernelciApi } from './kernelci-api.js'
import { isLavaDefinition, type LavaJob, parseLavaJob } from './lava-job.js'
import type { KernelciNode } from './node.js'
import { incomplete, type JobOutcome, outcomeOfError } from './outcome.js'
import type { PullBoardConfig, PullConfig } from './pull-config.js'
import { downloadText } from './remote-file.js'
import { type JobRunResult, type RunSession, runPullJob } from './run-job.js'
import type { StateDir } from './state-dir.js'

/** A definition is some kilobytes. */
const DEFINITION_LIMIT = 1024 * 1024

export interface ClaimedRunContext {
  readonly api: KernelciApi
  readonly state: StateDir
  readonly config: PullConfig
  readonly runSession: RunSession
  readonly note: (line: string) => void
  /** fires when the lab is stopped */
  readonly signal: AbortSignal
}

/** Somebody else has ended the job, or has it now. */
class JobLost extends Error {
  override readonly name = 'JobLost'
}

/**
 * Run a claimed job. Whatever goes wrong is its outcome.
 *
 * @returns null when the job is not this lab's any more: then there is nothing to post
 */
export async function runClaimedJob(
  claimed: ClaimedJob,
  node: KernelciNode,
  board: PullBoardConfig,
  context: ClaimedRunContext,
): Promise<JobRunResult | null> {
  const { api, state, config, runSession, note } = context
  const lost = new AbortController()
  const deadline = AbortSignal.timeout(config.jobSeconds * 1000)
  const over = new AbortController()
  const signal = AbortSignal.any([context.signal, lost.signal, deadline])
  const watch = watchClaim(api, claimed, config.api, lost, AbortSignal.any([signal, over.signal]))
  let callback: ClaimedJob['callback']
  const ended = (outcome: JobOutcome): JobRunResult => ({ outcome, session: null, callback })
  try {
    if (node.definition === null) {
      throw fault('JOB_INVALID', { where: 'artifacts.job_definition', reason: 'is missing' })
    }
    const options = { limit: DEFINITION_LIMIT, stallSeconds: config.api.requestSeconds, signal }
    const job = parseJob(node.definition, await downloadText(node.definition, options), config)
    if ('definition' in job && job.callbackUrl !== null) {
      callback = { url: job.callbackUrl, definition: job.definition }
    }
    const [workDir, logFile] = [state.workDir(claimed.nodeId), state.logFile(claimed.nodeId)]
    const { rootfsDir } = state
    const run = await runPullJob({ job, board, workDir, rootfsDir, logFile, config, runSession, note, signal })
    return { ...run, callback }
  } catch (thrown) {
    if (context.signal.aborted) {
      const { message } = fault('PULL_INTERRUPTED', { id: claimed.nodeId, state: 'running' })
      return ended(incomplete('Infrastructure', message))
    }
    if (lost.signal.reason instanceof JobLost) {
      note(`broken off: ${lost.signal.reason.message}`)
      return null
    }
    if (deadline.aborted) {
      const message = `the job took longer than ${config.jobSeconds / 60} minutes`
      return ended(incomplete('Infrastructure', message))
    }
    return ended(outcomeOfError(thrown))
  } finally {
    over.abort()
    await watch
  }
}

const parseJob = (url: string, text: string, { shellTests }: PullConfig): PullJob | LavaJob =>
  isLavaDefinition(url) ? parseLavaJob(text) : parsePullJob(text, shellTests)

/** Look at the node from time to time; resolves when `signal` fires. */
async function watchClaim(
  api: KernelciApi,
  { nodeId, claim }: ClaimedJob,
  { pollSeconds, jobState }: PullConfig['api'],
  lost: AbortController,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (;;) {
      await pause(pollSeconds * 1000, signal)
      const reason = await lossOf(api, { nodeId, claim, jobState }, signal)
      if (reason === null) continue
      lost.abort(new JobLost(reason))
      return
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  }
}

/** An API that does not answer now says nothing about the job. */
async function lossOf(
  api: KernelciApi,
  { nodeId, claim, jobState }: Pick<ClaimedJob, 'nodeId' | 'claim'> & { readonly jobState: string },
  signal: AbortSignal,
): Promise<string | null> {
  try {
    return whyLost(await api.node(nodeId, signal), claim, jobState)
  } catch (thrown) {
    signal.throwIfAborted()
    return asFault(thrown, 'watching the job').details.status === 404 ? 'the node is not there any more' : null
  }
}
