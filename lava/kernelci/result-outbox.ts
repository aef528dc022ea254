/** Results that are owed to KernelCI: tried until they are there, with longer and longer waits between. */

import { asFault } from '../../agent/errors.js'
import { pause } from '../../agent/transfer/abort.js'
import type { ClaimedJob } from './claimed-job.js'
import { type DeliveryContext, deliverLog, deliverResult } from './result-delivery.js'

export interface OutboxOptions {
  /** milliseconds before the second attempt, doubled for each further one */
  readonly retryMs: number
  /** the longest wait between two, milliseconds */
  readonly longestRetryMs: number
  /** how long the last attempt may take when the lab is stopped, milliseconds */
  readonly lastAttemptMs: number
}

export const OUTBOX: OutboxOptions = { retryMs: 5_000, longestRetryMs: 600_000, lastAttemptMs: 10_000 }

/** The fate of a result: delivered, no longer wanted, or kept on disk for the next start. */
export type Posted = 'delivered' | 'dropped' | 'kept'

/** The fate of a result, and the job with the URL of its log. */
export interface PostedJob {
  readonly posted: Posted
  readonly job: ClaimedJob
}

/**
 * Hand over a result, and forget the job then.
 *
 * @param attempts most attempts; the job is kept when all have failed, and when the signal fires
 * @throws PULL_STATE only
 */
export async function postResult(
  owed: ClaimedJob,
  context: DeliveryContext,
  { retryMs, longestRetryMs, lastAttemptMs }: OutboxOptions,
  attempts: number,
  signal: AbortSignal,
): Promise<PostedJob> {
  const { state, note } = context
  let job = owed
  for (let attempt = 1; ; attempt++) {
    // Stopping the lab waits for one more attempt, but not for long.
    const last = signal.aborted || attempt >= attempts
    const limit = signal.aborted ? AbortSignal.timeout(lastAttemptMs) : signal
    try {
      job = await deliverLog(job, attempt, context, limit)
      const delivery = await deliverResult(job, context, limit)
      await state.removeJob(job.nodeId)
      if (delivery.delivered) return { posted: 'delivered', job }
      note(`the result is dropped: ${delivery.reason}`)
      return { posted: 'dropped', job }
    } catch (thrown) {
      const { code, message } = asFault(thrown, 'posting the result')
      if (code === 'PULL_STATE') throw thrown
      // The signal fired during this attempt: the next one is the last.
      if (signal.aborted && limit === signal) continue
      if (last) {
        note(`the result is kept for the next start: ${message}`)
        return { posted: 'kept', job }
      }
      const wait = Math.min(longestRetryMs, retryMs * 2 ** Math.min(attempt - 1, 20))
      note(`the result is not there yet: ${message}; next try in ${Math.round(wait / 1000)} s`)
      await pause(wait, signal).catch(() => undefined)
    }
  }
}
