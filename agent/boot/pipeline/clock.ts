/** The clock of a board without a battery, for a download whose certificate is not yet valid. */

import type { Job } from '../jobs/job-record.js'
import type { BoardClock } from './boot-deps.js'

/**
 * Set the clock to the time of the server, and note that in the job.
 *
 * @param server that sent the time, as the job's log shows it
 * @returns whether the clock is set
 */
export async function advanceClock(
  job: Job,
  clock: BoardClock | undefined,
  to: Date,
  server: string,
): Promise<boolean> {
  try {
    if (!(await clock?.advance(to))) return false
  } catch (thrown) {
    job.log('warning', `the clock cannot be set: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    return false
  }
  job.log('warning', `the clock is set to ${to.toISOString()} from the Date of ${server}, which nothing confirms`)
  return true
}
