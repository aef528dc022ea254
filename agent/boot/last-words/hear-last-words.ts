/** The job whose target ran before this first stage comes back, with what its kernel said. */

import { fault } from '../../errors.js'
import type { KnownJobs } from '../jobs/known-jobs.js'
import type { LastWordsMemory } from './last-words.js'

interface Log {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** @param jobs gets the job, unless it knows it: then it jumped from this very first stage, or meant to */
export async function hearLastWords(memory: LastWordsMemory, jobs: KnownJobs, log: Log): Promise<void> {
  try {
    const words = memory.take()
    if (words === null || jobs.has(words.record.view.id)) return
    const job = jobs.restore(words.record)
    const { lines, panic } = words
    job.log(
      'info',
      lines.length === 0 ? 'the board is back; the target left no messages' : 'the board is back; the target said:',
    )
    job.noteLastWords(lines, panic)
    if (panic !== null) job.enter('failed', fault('JOB_TARGET_PANIC', { id: job.id, reason: panic }))
    job.events.end()
    log.info({ job: job.id, lines: lines.length, panic }, 'last words of a target')
    await jobs.save(job)
  } catch (thrown) {
    log.error({ reason: String(thrown) }, 'last words cannot be read')
  }
}
