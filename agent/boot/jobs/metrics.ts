/** Counting, for `/metrics`. */

import type { ErrorJson } from '../../errors.js'
import type { JobState } from './job.js'

/** Counters since the start of the agent, and gauges. Durations are seconds, sizes bytes. */
export interface BootMetrics {
  readonly jobsSubmitted: number
  /** by final state */
  readonly jobsEnded: Readonly<Partial<Record<JobState, number>>>
  /** by error code */
  readonly jobsFailed: Readonly<Partial<Record<ErrorJson['code'], number>>>
  readonly jobsQueued: number
  readonly jobsActive: number
  /** spent by all jobs, by state */
  readonly stateSeconds: Readonly<Partial<Record<JobState, number>>>
  readonly fetchedBytes: number
  readonly uploadedBytes: number
  readonly artifacts: number
  readonly artifactBytes: number
  /** clients that follow the events of a job */
  readonly followers: number
}

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
