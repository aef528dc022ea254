/** What the agent says of a job, kept: it is gone after the jump, and its log with it. */

import type { JobEvent, JobView } from '../../agent/boot/jobs/job.js'
import { FauxbootError } from '../../agent/errors.js'
import type { PlanJson } from '../../agent/kexec/render/plan-json.js'
import type { BoardClient } from '../client/board-client.js'
import type { BootWatcher } from '../client/boot-job.js'
import { eventLine } from '../client/event-line.js'

/** For the plan, milliseconds: the jump does not wait for it. */
const PLAN_MS = 5000

/** Passes on what it hears. */
export class JobRecord implements BootWatcher {
  readonly #client: BoardClient
  readonly #watcher: BootWatcher
  readonly #onLoaded: () => void
  #id: string | null = null
  #log = ''
  #plan: Promise<PlanJson | null> = Promise.resolve(null)

  /** @param onLoaded called when nothing but the jump remains, and again at the jump */
  constructor(client: BoardClient, watcher: BootWatcher, onLoaded: () => void) {
    this.#client = client
    this.#watcher = watcher
    this.#onLoaded = onLoaded
  }

  /** The job's id; null before there is a job. */
  get id(): string | null {
    return this.#id
  }

  /** Each event with its time by the board's clock. */
  get log(): string {
    return this.#log
  }

  /** Null if none was made, or if the board jumped too early to send it. */
  get plan(): Promise<PlanJson | null> {
    return this.#plan
  }

  uploads(files: readonly { readonly role: string; readonly size: number }[]): void {
    this.#watcher.uploads(files)
  }

  uploaded(role: string, received: number): void {
    this.#watcher.uploaded(role, received)
  }

  uploadEnded(role: string, sent: number): void {
    this.#watcher.uploadEnded(role, sent)
  }

  submitted(job: JobView): void {
    this.#id = job.id
    this.#watcher.submitted(job)
  }

  event(event: JobEvent): void {
    const line = eventLine(event)
    if (line !== null) this.#log += `${event.time} ${line}\n`
    if (event.type === 'state') {
      if (event.state === 'loaded' || event.state === 'failed') this.#plan = this.#readPlan()
      if (event.state === 'loaded' || event.state === 'booting') this.#onLoaded()
    }
    this.#watcher.event(event)
  }

  cancelled(id: string, problem: Error | null): void {
    this.#watcher.cancelled(id, problem)
  }

  async #readPlan(): Promise<PlanJson | null> {
    const late = AbortSignal.timeout(PLAN_MS)
    try {
      return await this.#client.plan(this.#id ?? '', late)
    } catch (thrown) {
      if (thrown instanceof FauxbootError || late.aborted) return null
      throw thrown
    }
  }
}
