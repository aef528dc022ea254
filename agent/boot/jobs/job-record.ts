/** A job while the agent knows it: its state, its files, its events, and how it is remembered. */

import type { FauxbootError } from '../../errors.js'
import type { PlanJson } from '../../kexec/render/plan-json.js'
import { showUrl } from '../../transfer/url.js'
import { EventLog } from './event-log.js'
import {
  type ArtifactReference,
  FINAL_STATES,
  type JobArtifact,
  type JobEvent,
  type JobOrigin,
  type JobRequest,
  type JobState,
  type JobView,
} from './job.js'

/** A job as the job store writes it down. */
export interface JobRecord {
  readonly version: 1
  /** a counter, because a board's clock does not say which job came first */
  readonly number: number
  readonly view: JobView
  readonly plan: PlanJson | null
  /** without progress */
  readonly events: readonly JobEvent[]
  /** of the kernel that the job was taken on */
  readonly bootId?: string | null
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** A reference as it may be shown: a URL may hold secrets. */
const shown = (reference: ArtifactReference): ArtifactReference =>
  reference.url === undefined ? reference : { ...reference, url: showUrl(reference.url) }

function shownRequest(request: JobRequest): JobRequest {
  const { kernel, ramdisk, dtb, overlays, modules } = request
  return {
    ...request,
    kernel: shown(kernel),
    overlays: overlays.map(shown),
    ...(ramdisk && { ramdisk: shown(ramdisk) }),
    ...(dtb && { dtb: shown(dtb) }),
    ...(modules && { modules: shown(modules) }),
  }
}

/** The files of a request with their roles, in the order in which they are fetched. */
export function referencesOf(request: JobRequest): { readonly role: string; readonly reference: ArtifactReference }[] {
  const { kernel, ramdisk, dtb, overlays, modules } = request
  const named = [
    { role: 'kernel', reference: kernel },
    { role: 'ramdisk', reference: ramdisk },
    { role: 'dtb', reference: dtb },
    ...overlays.map((reference, index) => ({ role: `overlay${index}`, reference })),
    { role: 'modules', reference: modules },
  ]
  return named.flatMap(({ role, reference }) => (reference === undefined ? [] : [{ role, reference }]))
}

export class Job {
  readonly number: number
  readonly events: EventLog
  plan: PlanJson | null
  /** of the kernel that the job was taken on; null if it is not known */
  readonly bootId: string | null
  readonly #view: Writable<JobView>
  readonly #artifacts: Writable<JobArtifact>[]
  readonly #durations: Partial<Record<JobState, number>>
  readonly #now: () => number
  /** by `performance.now()`: the clock may be set while the job runs */
  #entered: number

  private constructor(record: Omit<JobRecord, 'version'>, now: () => number) {
    this.number = record.number
    this.plan = record.plan
    this.bootId = record.bootId ?? null
    this.events = new EventLog(now, record.events)
    this.#artifacts = record.view.artifacts.map(artifact => ({ ...artifact }))
    this.#durations = { ...record.view.durations }
    this.#view = { ...record.view }
    this.#now = now
    this.#entered = performance.now()
  }

  /**
   * A new job, in the state `queued`.
   *
   * @param now milliseconds since the epoch
   * @param bootId of the running kernel
   */
  static create(
    id: string,
    number: number,
    request: JobRequest,
    origin: JobOrigin,
    now: () => number,
    bootId: string | null = null,
  ): Job {
    const created = new Date(now()).toISOString()
    const view: JobView = {
      id,
      name: request.name ?? null,
      origin,
      state: 'queued',
      created,
      updated: created,
      request: shownRequest(request),
      artifacts: [],
      error: null,
      durations: {},
      lastWords: null,
    }
    const job = new Job({ number, view, plan: null, events: [], bootId }, now)
    job.events.append({ type: 'state', state: 'queued' })
    return job
  }

  /** A job that an earlier run of the agent saved. */
  static restore(record: JobRecord, now: () => number): Job {
    return new Job(record, now)
  }

  get id(): string {
    return this.#view.id
  }

  get state(): JobState {
    return this.#view.state
  }

  get ended(): boolean {
    return FINAL_STATES.includes(this.#view.state)
  }

  view(): JobView {
    const durations = { ...this.#durations }
    if (!this.ended) durations[this.state] = this.#elapsed()
    return { ...this.#view, artifacts: this.#artifacts.map(artifact => ({ ...artifact })), durations }
  }

  /** As it is written down. */
  record(): JobRecord {
    const { number, plan, bootId, events } = this
    return { version: 1, number, view: this.view(), plan, events: events.lasting, bootId }
  }

  /**
   * Enter another state; followers of the job receive an event.
   *
   * @param error why, for `failed` and `cancelled`
   * @returns milliseconds spent in the state that is left
   */
  enter(state: JobState, error?: FauxbootError): number {
    const spent = this.#elapsed()
    this.#durations[this.state] = spent
    this.#entered = performance.now()
    this.#view.state = state
    this.#view.updated = new Date(this.#now()).toISOString()
    this.#view.error = error?.toJSON() ?? null
    this.events.append({ type: 'state', state, ...(error && { error: error.toJSON() }) })
    return spent
  }

  /** What the target's kernel said, a line each, goes to the log. */
  noteLastWords(lines: readonly string[], panic: string | null): void {
    for (const line of lines) this.log('info', `target: ${line}`)
    this.#view.lastWords = { lines: lines.length, panic }
  }

  log(level: 'info' | 'warning' | 'error', message: string): void {
    this.events.append({ type: 'log', level, message })
  }

  /** Update facts about one of its files; other facts stay. */
  noteArtifact(role: string, facts: Partial<Omit<JobArtifact, 'role'>>): void {
    const known = this.#artifacts.find(artifact => artifact.role === role)
    if (known !== undefined) Object.assign(known, facts)
    else this.#artifacts.push({ role, source: '', received: 0, size: null, sha256: null, ...facts })
  }

  #elapsed(): number {
    return (this.#durations[this.state] ?? 0) + Math.round(performance.now() - this.#entered)
  }
}
