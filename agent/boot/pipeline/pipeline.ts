/** From a request to the jump: the stages in their order, and the states that clients see. */

import type { JobState } from '../jobs/job.js'
import { fetchFiles } from './fetch.js'
import type { Stage } from './job-context.js'
import { jump } from './jump.js'
import { loadPlan, unloadAfterFailure } from './load.js'
import { checkPlan, planPieces } from './plan.js'
import { unpackFiles } from './unpack.js'
import { verifyFiles } from './verify.js'

/**
 * Run a job. This resolves for a dry run only, when the plan is made; a job that jumps never comes back.
 *
 * @param save writes the job down in the state it has then; never rejects
 * @throws whatever ended the job; nothing is loaded then, unless the jump itself came back
 */
export async function runPipeline(stage: Stage, save: () => Promise<void>): Promise<void> {
  const { job, request, signal, counters } = stage
  const enter = (state: JobState): void => {
    signal.throwIfAborted()
    counters.spent(job.state, job.enter(state))
    save()
  }
  enter('fetching')
  const files = await fetchFiles(stage)
  enter('verifying')
  verifyFiles(files)
  const pieces = await unpackFiles(stage, files)
  enter('planning')
  const plan = await planPieces(stage, pieces)
  signal.throwIfAborted()
  if (request.options.dryRun) return
  checkPlan(stage, plan)
  await loadPlan(stage, plan, pieces)
  try {
    enter('loaded')
    await jump(stage, save)
  } catch (thrown) {
    await unloadAfterFailure(stage)
    throw thrown
  }
}
