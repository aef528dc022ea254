/**
 * A pull lab: asks KernelCI's API for jobs of its boards, claims them, runs one per board at a time, and posts what
 * came of them.
 */

import { randomBytes } from 'node:crypto'
import { asFault, fault } from '../../agent/errors.js'
import { pause, unlessAborted } from '../../agent/transfer/abort.js'
import { claimNode } from './claim.js'
import type { ClaimedJob } from './claimed-job.js'
import { runClaimedJob } from './claimed-run.js'
import { EventQueue } from './event-queue.js'
import { EVENT_LIMIT, type KernelciApi } from './kernelci-api.js'
import type { LabLog } from './lab-log.js'
import { apiTime, type KernelciNode } from './node.js'
import { incomplete, type JobOutcome } from './outcome.js'
import type { PullBoardConfig, PullConfig } from './pull-config.js'
import { type OutboxOptions, type Posted, postResult } from './result-outbox.js'
import type { JobRunResult, RunSession } from './run-job.js'
import type { StateDir } from './state-dir.js'

/** A job that has ended. */
export interface EndedJob {
  readonly claimed: ClaimedJob
  readonly outcome: JobOutcome
  readonly run: JobRunResult
  /** null for a job of an earlier run */
  readonly node: KernelciNode | null
  readonly posted: Posted
}

export interface PullLabOptions {
  readonly config: PullConfig
  readonly api: KernelciApi
  readonly state: StateDir
  readonly runSession: RunSession
  readonly outbox: OutboxOptions
  readonly log: LabLog
  /** called with each job when it has ended and its result was tried to post */
  readonly onEnded: (job: EndedJob) => void | Promise<void>
  /** ask once, run the jobs, and end */
  readonly once: boolean
  readonly signal: AbortSignal
}

/** A node that is not finished in this time was given up by KernelCI: kernelci-core, `Node.timeout`. */
const NODE_LIFETIME_MS = 6 * 3600_000
/** The longest wait between two polls of an API that does not answer, seconds. */
const LONGEST_POLL_SECONDS = 600
/** Attempts to claim a job while the API does not answer. */
const CLAIM_ATTEMPTS = 5
/** Attempts to post a result with `once`: later ones are the next start's. */
const ONCE_ATTEMPTS = 3

export class PullLab {
  readonly #options: PullLabOptions
  readonly #busy = new Set<string>()
  readonly #tasks = new Set<Promise<void>>()
  /** an error of the lab itself, such as a full state directory */
  #failure: unknown = null
  readonly #stop = new AbortController()
  /** fires when the lab is stopped, from outside or by a failure of its own */
  readonly #signal: AbortSignal
  #queue = new EventQueue('')
  #freed: () => void = () => undefined

  constructor(options: PullLabOptions) {
    this.#options = options
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal])
  }

  /**
   * Run until the signal fires, or once. Jobs that run then are ended and posted before this returns.
   *
   * @throws PULL_STATE; with `once` also PULL_API and FETCH_NETWORK for a poll that failed; the signal's reason
   */
  async run(): Promise<void> {
    const { state, signal } = this.#options
    this.#queue = new EventQueue((await state.cursor()) ?? firstCursor(new Date()))
    try {
      await this.#recover()
      await this.#loop()
    } catch (thrown) {
      this.#fail(thrown)
    } finally {
      // A job that ends now leaves the task of posting its result.
      while (this.#tasks.size > 0) await Promise.all(this.#tasks)
    }
    if (this.#failure !== null) throw this.#failure
    signal.throwIfAborted()
  }

  /** Nothing can be promised any more: jobs are ended, results get one more attempt. */
  #fail(thrown: unknown): void {
    this.#failure ??= thrown
    this.#stop.abort(thrown)
  }

  async #loop(): Promise<void> {
    const { once, config } = this.#options
    const signal = this.#signal
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#poll()
        failures = 0
      } catch (thrown) {
        if (signal.aborted) return
        if (once || asFault(thrown, 'polling').code === 'PULL_STATE') throw thrown
        failures += 1
        this.#options.log({ level: 'warning', message: asFault(thrown, 'polling').message })
      }
      const wait = Math.min(LONGEST_POLL_SECONDS, config.api.pollSeconds * 2 ** Math.min(failures, 10))
      const next = performance.now() + wait * 1000
      do {
        const freed = new Promise<void>(resolve => {
          this.#freed = resolve
        })
        await this.#dispatch()
        // A board may have become free since the jobs were given out: then a job still waits.
        if (once && this.#busy.size === 0 && this.#queue.waiting.length === 0) return
        if (signal.aborted) return
        // A board that has become free takes a job that waits at once.
        const pausing = once ? freed : Promise.race([freed, pause(Math.max(0, next - performance.now()), signal)])
        await unlessAborted(pausing, signal).catch(() => undefined)
      } while (!signal.aborted && (once || performance.now() < next))
    }
  }

  /** Ask until nothing new comes. */
  async #poll(): Promise<void> {
    const { api, config, log } = this.#options
    for (;;) {
      const from = this.#queue.seen
      const events = await api.events(from, this.#signal)
      for (const { id, platform } of this.#queue.add(events, node => isWanted(node, config))) {
        log({ job: id, message: `a job for ${platform}` })
      }
      if (events.length < EVENT_LIMIT || this.#queue.seen === from) break
    }
    await this.#saveCursor()
  }

  async #saveCursor(): Promise<void> {
    await this.#options.state.saveCursor(this.#queue.cursor)
  }

  /** Give jobs that wait to boards that are free. */
  async #dispatch(): Promise<void> {
    const { config } = this.#options
    for (const { node } of this.#queue.waiting) {
      const board = config.boards.find(({ name, platform }) => platform === node.platform && !this.#busy.has(name))
      if (board === undefined) continue
      if (this.#signal.aborted) return
      this.#busy.add(board.name)
      this.#queue.remove(node.id)
      this.#start(this.#work(node, board), () => this.#busy.delete(board.name))
    }
    await this.#saveCursor()
  }

  #start(work: Promise<void>, done: () => void): void {
    const task = work
      .catch((thrown: unknown) => {
        this.#fail(thrown)
      })
      .finally(() => {
        done()
        this.#tasks.delete(task)
        this.#freed()
      })
    this.#tasks.add(task)
  }

  async #work(node: KernelciNode, board: PullBoardConfig): Promise<void> {
    const { state, log, config } = this.#options
    const note = (message: string) => log({ board: board.name, job: node.id, message })
    let claimed: ClaimedJob = {
      version: 1,
      nodeId: node.id,
      claim: `${config.runtime}:${randomBytes(16).toString('hex')}`,
      board: board.name,
      platform: board.platform,
      state: 'claiming',
      started: new Date().toISOString(),
      outcome: null,
      logUrl: null,
    }
    // Written down before it is claimed: a claim that is made and forgotten would never be posted.
    await state.saveJob(claimed)
    const owned = await this.#claim(claimed, note)
    if (owned === null) return
    note('claimed')
    claimed = { ...claimed, state: 'running' }
    await state.saveJob(claimed)
    const run = await runClaimedJob(claimed, owned, board, { ...this.#options, note, signal: this.#signal })
    await state.removeFiles(node.id)
    if (run === null) {
      await state.removeJob(node.id)
      return
    }
    claimed = { ...claimed, state: 'ended', outcome: run.outcome, callback: run.callback }
    await state.saveJob(claimed)
    // The board is free while the result is posted.
    this.#start(this.#post(claimed, run, owned), () => undefined)
  }

  /** @returns the node; null if the job is left alone, or if the claim could not be confirmed */
  async #claim(claimed: ClaimedJob, note: (message: string) => void): Promise<KernelciNode | null> {
    const { api, state, outbox, config } = this.#options
    const signal = this.#signal
    const claim = { id: claimed.claim, device: claimed.board, jobState: config.api.jobState }
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await claimNode(api, claimed.nodeId, claim, signal)
        if (result.claimed) return result.node
        note(`left alone: ${result.reason}`)
        await state.removeJob(claimed.nodeId)
        return null
      } catch (thrown) {
        const { code, message } = asFault(thrown, 'claiming')
        if (code === 'PULL_STATE') throw thrown
        if (signal.aborted || attempt === CLAIM_ATTEMPTS) {
          this.#settleLater(claimed, signal.aborted ? 'the lab was stopped' : message)
          return null
        }
        note(`not claimed yet: ${message}`)
        await pause(outbox.retryMs, signal).catch(() => undefined)
      }
    }
  }

  /** It is unknown whether the claim arrived: find out later, then post the job as incomplete or forget it. */
  #settleLater(claimed: ClaimedJob, reason: string): void {
    const outcome = incomplete('Infrastructure', `the claim was not confirmed: ${reason}`)
    const run = { outcome, session: null }
    this.#start(this.#post({ ...claimed, outcome }, run, null), () => undefined)
  }

  /** Jobs of an earlier run: ended ones are posted; running ones were interrupted. */
  async #recover(): Promise<void> {
    const { state, log } = this.#options
    const { jobs, corrupt } = await state.jobs()
    for (const name of corrupt) log({ level: 'warning', message: `${name} of the state directory cannot be read` })
    for (const job of jobs) {
      const interrupted = fault('PULL_INTERRUPTED', { id: job.nodeId, state: job.state })
      const outcome = job.outcome ?? incomplete('Infrastructure', interrupted.message)
      log({ board: job.board, job: job.nodeId, message: `left by an earlier start, ${job.state}` })
      const ended: ClaimedJob = { ...job, state: 'ended', outcome }
      await state.saveJob(ended)
      this.#start(this.#post(ended, { outcome, session: null }, null), () => undefined)
    }
  }

  async #post(claimed: ClaimedJob, run: JobRunResult, node: KernelciNode | null): Promise<void> {
    const { once, outbox, onEnded, log } = this.#options
    const subject = { board: claimed.board, job: claimed.nodeId }
    const note = (message: string) => log({ ...subject, message })
    const attempts = once ? ONCE_ATTEMPTS : Number.POSITIVE_INFINITY
    const { posted, job } = await postResult(claimed, { ...this.#options, note }, outbox, attempts, this.#signal)
    const { outcome } = run
    const { result, errorMessage, tests } = outcome
    const words = `${result}${errorMessage === null ? '' : `: ${errorMessage}`}`
    log({ ...subject, message: `${words} (${posted})`, details: { result, posted, tests, error: errorMessage } })
    await onEnded({ claimed: job, outcome, run, node, posted })
  }
}

/** Where a lab begins that has never polled: jobs older than a node lives are not waited for. */
const firstCursor = (now: Date): string => apiTime(new Date(now.getTime() - NODE_LIFETIME_MS))

/** Whether a node is a free job for one of the boards. */
function isWanted(node: KernelciNode, { api, runtime, boards }: PullConfig): boolean {
  const { kind, state, claim, platform, definition } = node
  if (kind !== 'job' || state !== api.jobState || claim !== null || definition === null) return false
  return node.runtime === runtime && boards.some(board => board.platform === platform)
}

/** The jobs that a lab would run if it started now. Nothing is claimed. @throws PULL_API, FETCH_NETWORK */
export async function jobsFor(config: PullConfig, api: KernelciApi, signal: AbortSignal): Promise<KernelciNode[]> {
  const events = await api.events(firstCursor(new Date()), signal)
  const jobs = new Map<string, KernelciNode>()
  // An event holds the node of that time, so the present one is fetched.
  for (const { node } of events) if (node !== null && isWanted(node, config)) jobs.set(node.id, node)
  const now = await Promise.all([...jobs.keys()].map(id => api.node(id, signal)))
  return now.filter(node => isWanted(node, config))
}
