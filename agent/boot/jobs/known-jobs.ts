/** The jobs that the agent knows: in memory, and written down for its next run. */

import { randomBytes } from 'node:crypto'
import { type FauxbootError, fault } from '../../errors.js'
import type { JobOrigin, JobRequest } from './job.js'
import { Job, type JobRecord } from './job-record.js'
import type { JobStore } from './job-store.js'

export interface KnownJobsOptions {
  readonly store: JobStore
  /** ended jobs that are remembered */
  readonly kept: number
  /** milliseconds since the epoch */
  readonly now: () => number
  readonly log: {
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
}

export class KnownJobs {
  readonly #options: KnownJobsOptions
  /** by id, the oldest first */
  readonly #jobs = new Map<string, Job>()
  #lastNumber = 0

  constructor(options: KnownJobsOptions) {
    this.#options = options
  }

  /** A new job, which is not known before it is added. */
  create(request: JobRequest, origin: JobOrigin, bootId: string | null): Job {
    return Job.create(randomBytes(5).toString('hex'), ++this.#lastNumber, request, origin, this.#options.now, bootId)
  }

  /** From now on, a job is known. */
  add(job: Job): void {
    this.#jobs.set(job.id, job)
  }

  /** A job of an earlier run, or of the first stage before this one, is known again. */
  restore(record: JobRecord): Job {
    const job = Job.restore(record, this.#options.now)
    this.add(job)
    this.#lastNumber = Math.max(this.#lastNumber, job.number)
    return job
  }

  has(id: string): boolean {
    return this.#jobs.has(id)
  }

  /** @throws JOB_UNKNOWN */
  get(id: string): Job {
    const job = this.#jobs.get(id)
    if (job === undefined) throw fault('JOB_UNKNOWN', { id })
    return job
  }

  /** The oldest first. */
  list(): Job[] {
    return [...this.#jobs.values()]
  }

  /** Jobs that were under way when the agent died have failed. */
  async failInterrupted(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) {
      job.enter('failed', interruption(job))
      this.#options.log.warn({ job: job.id }, 'the job was under way when the agent stopped')
    }
    await Promise.all(jobs.map(job => this.save(job)))
  }

  /** Write a job down. That this fails is no reason for the job to fail. */
  async save(job: Job): Promise<void> {
    await this.#tryTo('the job could not be written down', job.id, () => this.#options.store.save(job.record()))
  }

  /** Forget the oldest of too many ended jobs. */
  async forget(): Promise<void> {
    const ended = this.list().filter(job => job.ended)
    const tooMany = ended.slice(0, Math.max(0, ended.length - this.#options.kept))
    for (const { id } of tooMany) this.#jobs.delete(id)
    await Promise.all(
      tooMany.map(({ id }) => this.#tryTo('the job could not be removed', id, () => this.#options.store.remove(id))),
    )
  }

  /** Resolves when everything is written down. */
  async settled(): Promise<void> {
    await this.#options.store.settled()
  }

  async #tryTo(failure: string, job: string, change: () => Promise<void>): Promise<void> {
    try {
      await change()
    } catch (thrown) {
      this.#options.log.error({ job, reason: String(thrown) }, failure)
    }
  }
}

/** What ends a job that the agent does not see to its end. */
export const interruption = ({ id, state }: Job): FauxbootError => fault('JOB_INTERRUPTED', { id, state })
