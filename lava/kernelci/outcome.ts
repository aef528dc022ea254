/** How a job ended, in the terms of KernelCI's API. */

import { FauxbootError } from '../../agent/errors.js'
import type { Result, TestOutcome } from '../target-tests/target-test.js'

/** The values of `node.data.error_code` (kernelci-core, `ErrorCodes`) that are a pull lab's to give. */
export const ERROR_CODES = ['Infrastructure', 'invalid_job_params'] as const
export type JobErrorCode = (typeof ERROR_CODES)[number]

export interface JobOutcome {
  readonly result: Result
  /** only for a job that is incomplete */
  readonly errorCode: JobErrorCode | null
  readonly errorMessage: string | null
  readonly tests: readonly TestOutcome[]
  /** lines of the console that show why */
  readonly excerpt: readonly string[]
}

/** Characters of `data.error_msg`. */
const MESSAGE_LIMIT = 1000

/** Errors that the job is to blame for, not the lab. */
const INVALID_JOB: readonly string[] = ['JOB_INVALID', 'FETCH_PROTOCOL']

/** A job that did not come to its tests, or not to their end. */
export function incomplete(errorCode: JobErrorCode, message: string, excerpt: readonly string[] = []): JobOutcome {
  return { result: 'incomplete', errorCode, errorMessage: message.slice(0, MESSAGE_LIMIT), tests: [], excerpt }
}

/** What an error on the way makes of a job. */
export function outcomeOfError(thrown: unknown): JobOutcome {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const invalid = thrown instanceof FauxbootError && INVALID_JOB.includes(thrown.code)
  return incomplete(invalid ? 'invalid_job_params' : 'Infrastructure', message)
}

/** A job that ran: it is as bad as its worst test. */
export function outcomeOfTests(tests: readonly TestOutcome[], excerpt: readonly string[]): JobOutcome {
  const worst = (['incomplete', 'fail', 'pass', 'skip'] as const).find(result =>
    tests.some(test => test.result === result),
  )
  if (worst === 'incomplete') {
    const message = tests.find(test => test.result === 'incomplete')?.message ?? ''
    return { ...incomplete('Infrastructure', message, excerpt), tests }
  }
  return { result: worst ?? 'pass', errorCode: null, errorMessage: null, tests, excerpt }
}
