/** A job of this lab as it is saved: after a crash, it shows which result KernelCI still needs. */

import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { RESULTS } from '../target-tests/target-test.js'
import { ERROR_CODES, type JobOutcome } from './outcome.js'

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])
const Word = (words: readonly string[]) => Type.String({ enum: [...words] })
const Id = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$' })

/** What `claiming` says is only intended: the API has to be asked whether the claim arrived. */
const STATES = ['claiming', 'running', 'ended'] as const

const OutcomeSchema = Type.Object({
  result: Word(RESULTS),
  errorCode: nullable(Word(ERROR_CODES)),
  errorMessage: nullable(Type.String()),
  tests: Type.Array(
    Type.Object({
      id: Type.String(),
      path: Type.String(),
      result: Word(RESULTS),
      message: Type.String(),
      seconds: Type.Number(),
      started: Type.Optional(Type.String()),
    }),
  ),
  excerpt: Type.Array(Type.String()),
})

const ClaimedJobSchema = Type.Object({
  version: Type.Literal(1),
  nodeId: Id,
  /** `data.job_id` as this lab wrote it */
  claim: Type.String(),
  board: Type.String(),
  platform: Type.String(),
  state: Word(STATES),
  /** ISO 8601 */
  started: Type.String(),
  /** once it has ended */
  outcome: nullable(OutcomeSchema),
  /** of a LAVA job that has ended: where its result goes, and its definition, which the result quotes */
  callback: Type.Optional(Type.Object({ url: Type.String(), definition: Type.String() })),
  /** where the log can be read, once it is uploaded */
  logUrl: nullable(Type.String()),
})

type Schema = Static<typeof ClaimedJobSchema>

export interface ClaimedJob extends Readonly<Omit<Schema, 'outcome' | 'state'>> {
  readonly state: (typeof STATES)[number]
  readonly outcome: JobOutcome | null
}

/** Of a record without one. */
export function unknownOutcome(): JobOutcome {
  const message = 'the job has no outcome'
  return { result: 'incomplete', errorCode: 'Infrastructure', errorMessage: message, tests: [], excerpt: [] }
}

/** @returns null for what is none */
export function readClaimedJob(value: unknown): ClaimedJob | null {
  // The schema holds the words of the enumerations; the type of an `enum` is just a string.
  return Value.Check(ClaimedJobSchema, value) ? (value as ClaimedJob) : null
}
