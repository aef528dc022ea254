/** From a request to the jump: the steps in their order, and the states that clients see. */

import type { JobState } from '../jobs/job.js'
import { fetchFiles } from './fetch.js'
import type { JobContext } from './job-context.js'
import { jump } from './jump.js'
import { loadPlan, unloadAfterFailure } from './load.js'
import { checkPlan, planImages } from './plan.js'
import { unpackFiles } from './unpack.js'
import { verifyFiles } from './verify.js'

/**
 * Run a job. Only a dry run resolves, once its plan is made; a job that jumps never returns.
 *
 * @throws the error that ended the job; nothing is loaded then, unless the jump itself returned
 */
export async function runPipeline(context: JobContext): Promise<void> {
  const { job, request, signal, counters } = context
  const enter = (state: JobState): void => {
    signal.throwIfAborted()
    counters.spent(job.state, job.enter(state))
    void context.save()
  }
  enter('fetching')
  const files = await fetchFiles(context)
  enter('verifying')
  verifyFiles(files)
  const images = await unpackFiles(context, files)
  enter('planning')
  const plan = await planImages(context, images)
  signal.throwIfAborted()
  if (request.options.dryRun) return
  checkPlan(context, plan)
  await loadPlan(context, plan, images)
  try {
    enter('loaded')
    await jump(context)
  } catch (thrown) {
    await unloadAfterFailure(context)
    throw thrown
  }
}
