/** Counting, for `/metrics`. */

import type { JobState } from './job.js'

const add = <K extends string>(counts: Partial<Record<K, number>>, key: K, amount: number): void => {
  counts[key] = (counts[key] ?? 0) + amount
}

/** Counters since the start of the agent. */
export class BootCounters {
  jobsSubmitted = 0
  fetchedBytes = 0
  readonly jobsEnded: Partial<Record<JobState, number>> = {}
  readonly jobsFailed: Partial<Record<string, number>> = {}
  readonly stateSeconds: Partial<Record<JobState, number>> = {}

  /** @param milliseconds that a job spent in a state */
  spent(state: JobState, milliseconds: number): void {
    add(this.stateSeconds, state, milliseconds / 1000)
  }

  /** @param code of its error, where there is one */
  ended(state: JobState, code: string | undefined): void {
    add(this.jobsEnded, state, 1)
    if (state === 'failed' && code !== undefined) add(this.jobsFailed, code, 1)
  }
}
