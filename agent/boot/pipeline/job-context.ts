/** What every step of the pipeline works with. */

import type { ArtifactStore } from '../artifacts/artifact-store.js'
import type { JobRequest } from '../jobs/job.js'
import type { Job } from '../jobs/job-record.js'
import type { BootCounters } from '../jobs/metrics.js'
import type { LastWordsMemory } from '../last-words/last-words.js'
import type { BootDeps } from './boot-deps.js'

export interface JobContext {
  readonly job: Job
  readonly request: JobRequest
  /** fires when the job is cancelled or the agent stops; its reason is the error that ends the job */
  readonly signal: AbortSignal
  readonly artifacts: ArtifactStore
  readonly counters: BootCounters
  readonly deps: BootDeps
  /** null if last words are not asked for, or there is no memory for them */
  readonly lastWords: LastWordsMemory | null
  /** writes the job down in its present state; never rejects */
  save(): Promise<void>
  /** the next step is the jump */
  onJump(): void
}
