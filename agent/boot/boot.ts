/** The one way into the pipeline: every front end calls this class and no other of this folder. */

import { once } from 'node:events'
import { asFault, type FauxbootError, fault } from '../errors.js'
import type { PlanJson } from '../kexec/render/plan-json.js'
import { ArtifactStore } from './artifacts/artifact-store.js'
import type { BoardView } from './board/board.js'
import { readBoard } from './board/read-board.js'
import { sharedReading } from './board/shared-reading.js'
import type { JobEvent, JobOrigin, JobRequest, JobView } from './jobs/job.js'
import { type Job, type JobRecord, referencesOf } from './jobs/job-record.js'
import { JobStore } from './jobs/job-store.js'
import { interruption, KnownJobs } from './jobs/known-jobs.js'
import { BootCounters, type BootMetrics } from './jobs/metrics.js'
import { hearLastWords } from './last-words/hear-last-words.js'
import { LastWordsMemory } from './last-words/last-words.js'
import type { BootDeps } from './pipeline/boot-deps.js'
import { runPipeline } from './pipeline/pipeline.js'

/** A job that waits for the board or owns it. */
interface QueuedJob {
  readonly job: Job
  readonly request: JobRequest
  readonly abort: AbortController
  /** artifacts that are deleted with the job */
  readonly consume: readonly string[]
  /** resolves when the job is done with the board */
  done: Promise<void>
  /** fires when the job jumps */
  readonly jump: AbortController
}

/** What a board keeps over the agent's restarts. */
interface Kept {
  readonly artifacts: ArtifactStore
  readonly jobs: KnownJobs
  readonly lastWords: LastWordsMemory | null
  /** of the running kernel */
  readonly bootId: string | null
}

export interface SubmitOptions {
  readonly signal?: AbortSignal
  readonly consume?: readonly string[]
}

/** They load when a client first asks for one. */
const PLAN_RENDERERS = {
  svg: async (plan: PlanJson) => (await import('../kexec/render/plan-svg.js')).renderPlanSvg(plan),
  text: async (plan: PlanJson) => (await import('../kexec/render/plan-text.js')).renderPlanText(plan, { color: false }),
}

/** Milliseconds for which a reading of the board serves all who ask: it reads dozens of files. */
const BOARD_READING_MS = 1000

export class Boot {
  /** Artifacts kept on the board: uploads, and files of jobs. */
  readonly artifacts: ArtifactStore
  readonly #deps: BootDeps
  readonly #jobs: KnownJobs
  readonly #lastWords: LastWordsMemory | null
  /** of the running kernel */
  readonly #bootId: string | null
  readonly #counters = new BootCounters()
  readonly #readBoard = sharedReading(BOARD_READING_MS, () => {
    const { host, kexec, config, startTimes } = this.#deps
    const { keepLinksUp, serial, watchdog: watchdogSeconds } = config
    const settings = { keepLinksUp, serial, watchdogSeconds }
    return readBoard({ host, kexec, artifacts: this.artifacts, startTimes, ...settings, ...this.#occupation() })
  })
  readonly #queue: QueuedJob[] = []
  #owner: QueuedJob | null = null
  #withoutJobs = false
  #closed = false

  private constructor(deps: BootDeps, { artifacts, jobs, lastWords, bootId }: Kept) {
    this.#deps = deps
    this.#lastWords = lastWords
    this.artifacts = artifacts
    this.#jobs = jobs
    this.#bootId = bootId
  }

  /**
   * Start the pipeline. Jobs that an earlier run of the agent left unfinished become failed (JOB_INTERRUPTED), and what it
   * left loaded is dropped.
   *
   * @throws CONFIG_INVALID when the directory of artifacts cannot be used; without that of jobs it starts, and logs why
   */
  static async open(deps: BootDeps): Promise<Boot> {
    const { config, host } = deps
    const artifacts = await usable('artifactDir', config.artifactDir, () =>
      ArtifactStore.open({
        directory: config.artifactDir,
        reserve: config.memoryReserve,
        available: async () => (await host.memory()).available,
        lent: () => deps.lent?.() ?? 0,
        mapFile: (path, part) => deps.mapFile(path, part),
      }),
    )
    const { store, records, corrupt, problems } = await JobStore.open(config.stateDir)
    for (const reason of problems) deps.log.error({ stateDir: config.stateDir, reason }, 'jobs may not be remembered')
    for (const file of corrupt) deps.log.warn({ file }, 'moved aside: it is not a job')
    const lastWords =
      config.lastWords && deps.memory !== undefined
        ? await LastWordsMemory.find(host, deps.memory, reason =>
            deps.log.error({ reason }, 'there are no last words of targets'),
          )
        : null
    const jobs = new KnownJobs({ store, kept: config.keptJobs, now: deps.now ?? Date.now, log: deps.log })
    const boot = new Boot(deps, { artifacts, jobs, lastWords, bootId: await host.bootId() })
    const interrupted = records.map(record => boot.#restore(record)).filter(job => job !== null)
    await jobs.failInterrupted(interrupted)
    await boot.#dropImage()
    if (lastWords !== null) await hearLastWords(lastWords, jobs, deps.log)
    await jobs.forget()
    return boot
  }

  /**
   * Take a job. It runs at once, or waits when `options.queue` is set and another one owns the board. Uploads that the
   * request names (`artifacts.receiveForJob`) belong to the job from here on, also when this throws.
   *
   * @param options.signal cancels the job, from the start: it runs before this resolves
   * @param options.consume artifacts that are deleted when the job has ended and the board is free of it; those in use
   *   by then stay. A job that jumps consumes nothing
   * @throws JOB_BUSY with the owner's id; ARTIFACT_UNKNOWN; ARTIFACT_BUSY for one that is incomplete
   */
  async submit(request: JobRequest, origin: JobOrigin, { signal, consume = [] }: SubmitOptions = {}): Promise<JobView> {
    const names = referencesOf(request).flatMap(({ reference }) => reference.artifact ?? [])
    const job = this.#jobs.create(request, origin, this.#bootId)
    try {
      this.#checkFree(request)
      for (const name of names) this.artifacts.hold(name, job.id)
    } catch (thrown) {
      await this.artifacts.releaseAll(job.id)
      await this.artifacts.discard(names)
      throw thrown
    }
    this.#jobs.add(job)
    this.#counters.jobsSubmitted++
    this.#deps.log.info({ job: job.id, origin, name: request.name }, 'job taken')
    const saved = this.#jobs.save(job)
    const [abort, jump] = [new AbortController(), new AbortController()]
    this.#queue.push({ job, request, consume, abort, done: Promise.resolve(), jump })
    // A job that has ended cannot be cancelled, which is no error here.
    signal?.addEventListener('abort', () => void this.cancel(job.id).catch(() => undefined))
    this.#runNext()
    await saved
    return job.view()
  }

  /** @throws JOB_UNKNOWN */
  get(id: string): JobView {
    return this.#jobs.get(id).view()
  }

  /** The newest remembered job of a front end that has this name. */
  latest(origin: JobOrigin, name: string): JobView | null {
    return this.list().find(job => job.origin === origin && job.name === name) ?? null
  }

  /** Every job that is remembered, the newest first. */
  list(): JobView[] {
    return this.#jobs
      .list()
      .reverse()
      .map(job => job.view())
  }

  /**
   * End a job; resolves when it has ended and the board is free of it.
   *
   * @throws JOB_UNKNOWN; JOB_ENDED when it is in a final state
   */
  async cancel(id: string): Promise<JobView> {
    const job = this.#jobs.get(id)
    if (job.ended) throw fault('JOB_ENDED', { id, state: job.state })
    await this.#stop(job, fault('JOB_CANCELLED', { id, state: job.state }))
    return job.view()
  }

  /**
   * Resolves when the board is free of the job that owns it; a job that jumped is never done. For others, at once.
   *
   * @throws JOB_UNKNOWN at once
   */
  async settled(id: string): Promise<JobView> {
    const job = this.#jobs.get(id)
    if (this.#owner?.job === job) await this.#owner.done
    return job.view()
  }

  /**
   * The events of a job after `afterSeq` (0: all), those to come too; ends after the final state, or when `signal` fires.
   *
   * @throws JOB_UNKNOWN at once, not at the first step of the iteration
   */
  events(id: string, afterSeq: number, signal?: AbortSignal): AsyncIterable<JobEvent> {
    return this.#jobs.get(id).events.follow(afterSeq, signal)
  }

  /**
   * The job's log: one line for each event that is not progress, each ended by a newline.
   *
   * @throws JOB_UNKNOWN
   */
  log(id: string): string {
    return this.#jobs.get(id).events.text
  }

  /** @throws JOB_UNKNOWN; JOB_NO_PLAN before the plan is made */
  plan(id: string): PlanJson {
    const { plan, state } = this.#jobs.get(id)
    if (plan === null) throw fault('JOB_NO_PLAN', { id, state })
    return plan
  }

  /**
   * The plan as a document: a picture of memory, or tables for a terminal.
   *
   * @throws JOB_UNKNOWN; JOB_NO_PLAN before the plan is made
   */
  async renderPlan(id: string, format: keyof typeof PLAN_RENDERERS): Promise<string> {
    return PLAN_RENDERERS[format](this.plan(id))
  }

  /** The board; what its files say may be a second old. */
  async board(): Promise<BoardView> {
    const { artifacts, ...view } = await this.#readBoard()
    return {
      ...view,
      artifacts: { ...artifacts, count: this.artifacts.count, stored: this.artifacts.stored },
      ...this.#occupation(),
    }
  }

  /** The device tree of the running kernel; null if it was started without one. */
  runningDtb(): Promise<Uint8Array | null> {
    return this.#deps.host.runningDtb()
  }

  metrics(): BootMetrics {
    const { jobsSubmitted, jobsEnded, jobsFailed, stateSeconds, fetchedBytes } = this.#counters
    const followers = this.#jobs.list().reduce((count, { events }) => count + events.followers, 0)
    return {
      jobsSubmitted,
      jobsEnded: { ...jobsEnded },
      jobsFailed: { ...jobsFailed },
      jobsQueued: this.#queue.length,
      jobsActive: this.#owner === null ? 0 : 1,
      stateSeconds: { ...stateSeconds },
      fetchedBytes,
      uploadedBytes: this.artifacts.uploaded,
      artifacts: this.artifacts.count,
      artifactBytes: this.artifacts.stored,
      followers,
    }
  }

  /**
   * Do something while no job has the board; until it is done, no job is taken.
   *
   * @throws JOB_BUSY if one has the board, UPDATE_BUSY if something else is being done
   */
  async withoutJobs<T>(work: () => Promise<T>): Promise<T> {
    if (this.#owner !== null) throw fault('JOB_BUSY', { owner: this.#owner.job.id })
    if (this.#withoutJobs) throw fault('UPDATE_BUSY', {})
    this.#withoutJobs = true
    try {
      return await work()
    } finally {
      this.#withoutJobs = false
    }
  }

  /**
   * Fail running and waiting jobs (JOB_INTERRUPTED), refuse new ones, and save the state of every job. A job that is
   * `booting` jumps: its links may be down already, and only a reset brings them up again.
   */
  async close(): Promise<void> {
    this.#closed = true
    const open = this.#jobs.list().filter(job => !job.ended)
    await Promise.all(open.map(job => this.#stop(job, interruption(job))))
    const leaving = this.#owner
    if (leaving !== null) await Promise.race([leaving.done, fired(leaving.jump.signal)])
    await this.#jobs.settled()
  }

  /** Who has the board, and who waits for it. */
  #occupation(): Pick<BoardView, 'owner' | 'queued'> {
    return { owner: this.#owner?.job.id ?? null, queued: this.#queue.map(({ job }) => job.id) }
  }

  #checkFree({ options }: JobRequest): void {
    if (this.#closed) throw fault('INTERNAL', { doing: 'taking a job', reason: 'the agent is stopping' })
    if (this.#withoutJobs) throw fault('UPDATE_BUSY', {})
    if (this.#owner === null) return
    if (!options.queue || this.#queue.length >= this.#deps.config.maxQueued) {
      throw fault('JOB_BUSY', { owner: this.#owner.job.id })
    }
  }

  /** End a job with an error, whatever its state; resolves when the board is free of it. */
  async #stop(job: Job, error: FauxbootError): Promise<void> {
    const waiting = this.#queue.findIndex(entry => entry.job === job)
    if (waiting >= 0) {
      const [queued] = this.#queue.splice(waiting, 1)
      if (queued !== undefined) await this.#free(queued)
      await this.#end(job, error)
    } else if (this.#owner?.job === job) {
      this.#owner.abort.abort(error)
      await this.#owner.done
    }
  }

  #runNext(): void {
    if (this.#owner !== null) return
    const entry = this.#queue.shift()
    if (entry === undefined) return
    this.#owner = entry
    entry.done = this.#run(entry)
  }

  /** Run a job to its end. Never rejects: every error is the job's. */
  async #run(queued: QueuedJob): Promise<void> {
    const { job, request, abort, jump } = queued
    let error: FauxbootError | null = null
    try {
      await runPipeline({
        job,
        request,
        signal: abort.signal,
        artifacts: this.artifacts,
        counters: this.#counters,
        deps: this.#deps,
        lastWords: this.#lastWords,
        save: () => this.#jobs.save(job),
        onJump: () => jump.abort(),
      })
    } catch (thrown) {
      // Errors after an abort are consequences of the abort.
      error = asFault(abort.signal.aborted ? abort.signal.reason : thrown, `the job was ${job.state}`)
    }
    await this.#free(queued)
    // A client that sees the end may submit the next job at once.
    this.#owner = null
    await this.#end(job, error)
  }

  /** Release what a job holds, and delete what it consumes. */
  async #free({ job, consume }: QueuedJob): Promise<void> {
    try {
      await this.#deps.collectGarbage?.()
      await this.artifacts.releaseAll(job.id)
      for (const name of consume) await this.artifacts.deleteUnused(name)
    } catch (thrown) {
      this.#deps.log.error({ job: job.id, reason: String(thrown) }, 'files of the job could not be removed')
    }
  }

  /** Record that a job has ended, and start the next one. */
  async #end(job: Job, error: FauxbootError | null): Promise<void> {
    const state = error === null ? 'planned' : error.code === 'JOB_CANCELLED' ? 'cancelled' : 'failed'
    this.#counters.spent(job.state, job.enter(state, error ?? undefined))
    this.#counters.ended(state, error?.code)
    job.events.end()
    this.#deps.log.info({ job: job.id, state, error: error?.toJSON() }, 'job ended')
    this.#runNext()
    await Promise.all([this.#jobs.save(job), this.#jobs.forget()])
  }

  /** @returns the job when it was under way, and null when it had ended: a jump ends the kernel that it leaves */
  #restore(record: JobRecord): Job | null {
    const job = this.#jobs.restore(record)
    const isHere = job.state === 'booting' && job.bootId !== null && job.bootId === this.#bootId
    return job.ended && !isHere ? null : job
  }

  /** An image that is loaded now has no job any more, whether one was written down or not. */
  async #dropImage(): Promise<void> {
    const { kexec } = this.#deps
    try {
      if (await kexec.loaded()) await kexec.unload()
    } catch (thrown) {
      this.#deps.log.error({ reason: String(thrown) }, 'an image may still be loaded')
    }
  }
}

/** Resolves when a signal fires. */
const fired = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort')
}

/** @throws CONFIG_INVALID when the directory that a setting names cannot be used */
async function usable<T>(name: string, directory: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (thrown) {
    const reason = `the directory cannot be used (${thrown instanceof Error ? thrown.message : String(thrown)})`
    throw fault('CONFIG_INVALID', { name, reason, found: directory }, thrown)
  }
}
