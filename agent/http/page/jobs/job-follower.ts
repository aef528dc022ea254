/** One job, followed until its end: state, files, findings, picture, log. */

import { FINAL_STATES, type JobEvent, type JobView } from '../../../boot/jobs/job.js'
import { formatSize } from '../../../kexec/layout/ranges.js'
import type { PlanJson } from '../../../kexec/render/plan-json.js'
import { ApiError, messageOf } from '../api/api.js'
import type { ConnectionState } from '../api/connection.js'
import { Cell, type Child, facts, h } from '../parts/dom.js'
import { planParts } from '../parts/plan-parts.js'
import type { App } from '../parts/view.js'
import { stateBadge, timeOf } from './job-words.js'

const RETRY_MS = 1000
const BACK: readonly ConnectionState[] = ['back', 'restarted']

/** Show a job and follow it, through restarts of the agent, until the signal fires. */
export function followJob(app: App, id: string, left: AbortSignal): HTMLElement {
  return new JobFollower(app, id, left).element
}

class JobFollower {
  readonly element: HTMLElement
  readonly #app: App
  readonly #id: string
  readonly #left: AbortSignal
  readonly #head: Cell<JobView>
  readonly #files: Cell<JobView['artifacts']>
  readonly #plan: Cell<PlanJson | null>
  readonly #log = h('pre', { tabindex: 0, role: 'log', 'aria-label': 'Log of the job' })
  readonly #problem = h('p', { class: 'problem', hidden: true })
  readonly #note = h('p', { class: 'note', role: 'status', hidden: true })
  #lastEvent = 0
  #following = false
  #job: JobView | null = null

  constructor(app: App, id: string, left: AbortSignal) {
    this.#app = app
    this.#id = id
    this.#left = left
    this.#head = new Cell(h('div'), job => this.#headOf(job))
    this.#files = new Cell(h('div'), fileBars)
    this.#plan = new Cell(h('div'), plan => plan !== null && planParts(plan))
    this.element = h(
      'article',
      {},
      this.#problem,
      this.#note,
      this.#head.element,
      this.#files.element,
      this.#plan.element,
      h('h3', {}, 'Log'),
      this.#log,
    )
    void this.#follow()
    // A job that had ended may have more to tell: what became of its target.
    app.connection.listen(state => BACK.includes(state) && void this.#follow(), left)
  }

  async #follow(): Promise<void> {
    if (this.#following) return
    this.#following = true
    await this.#followToItsEnd()
    this.#following = false
  }

  async #followToItsEnd(): Promise<void> {
    while (!this.#left.aborted) {
      try {
        await this.#refresh()
        for await (const event of this.#app.api.events(this.#id, this.#lastEvent, this.#left)) await this.#take(event)
        await this.#refresh()
        this.#problem.hidden = true
        if (this.#job !== null && FINAL_STATES.includes(this.#job.state)) return
      } catch (thrown) {
        if (this.#left.aborted) return
        this.#show(thrown)
        // The board will never know this job.
        if (thrown instanceof ApiError && thrown.status === 404) return
      }
      await new Promise(resolve => setTimeout(resolve, RETRY_MS))
    }
  }

  async #take(event: JobEvent): Promise<void> {
    this.#lastEvent = event.seq
    if (event.type === 'progress') {
      this.#progress(event)
      return
    }
    this.#log.append(`${logLine(event)}\n`)
    if (event.type !== 'state') return
    this.#app.announce(`Job ${this.#id}: ${event.state}`)
    await this.#refresh()
  }

  #progress({ role, received, size }: Extract<JobEvent, { type: 'progress' }>): void {
    if (this.#job === null) return
    const artifacts = this.#job.artifacts.map(file => (file.role === role ? { ...file, received, size } : file))
    this.#job = { ...this.#job, artifacts }
    this.#files.show(artifacts)
  }

  async #refresh(): Promise<void> {
    const job = await this.#app.api.get<JobView>(`/v1/jobs/${this.#id}`)
    this.#job = job
    this.#head.show(job)
    this.#files.show(job.artifacts)
    this.#note.hidden = job.state !== 'booting'
    this.#note.textContent =
      job.state === 'booting'
        ? 'The board has jumped into the target, and the agent is gone with the first stage. What the target prints is on the serial line, and nowhere else: read it with the lab’s console. This page sees the board again when it is back in the first stage.'
        : ''
    try {
      this.#plan.show(await this.#app.api.get<PlanJson>(`/v1/jobs/${this.#id}/plan`))
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || thrown.code !== 'JOB_NO_PLAN') throw thrown
    }
  }

  #headOf(job: JobView): Child {
    const { name, state, origin, created, error, durations, lastWords, request } = job
    const spent = Object.entries(durations).map(([of, ms]) => `${of} ${(ms / 1000).toFixed(1)} s`)
    return [
      h('h3', {}, `Job ${this.#id} `, stateBadge(state)),
      error !== null && h('p', { class: 'problem' }, error.message, ' ', h('small', {}, error.code)),
      lastWords !== null && h('p', { class: 'note' }, wordsOf(lastWords)),
      !FINAL_STATES.includes(state) &&
        h(
          'p',
          {},
          h('button', { type: 'button', id: 'cancel', onclick: () => void this.#cancel() }, 'Cancel this job'),
        ),
      facts([
        ['Name', name],
        ['Sent', [h('time', { datetime: created }, timeOf(created)), ` over ${origin}`]],
        ['Command line', h('code', {}, request.cmdline || '(empty)')],
        ['Time', spent.join(', ')],
      ]),
    ]
  }

  async #cancel(): Promise<void> {
    const { api } = this.#app
    try {
      await api.withToken(() => api.fetch(`/v1/jobs/${this.#id}`, { method: 'DELETE' }))
      await this.#refresh()
    } catch (thrown) {
      this.#show(thrown)
    }
  }

  #show(thrown: unknown): void {
    this.#problem.hidden = false
    this.#problem.textContent = messageOf(thrown)
  }
}

function wordsOf({ panic, lines }: NonNullable<JobView['lastWords']>): string {
  const said = `The target left ${lines} messages, which are at the end of the log`
  return panic === null ? `${said}.` : `The target’s kernel panicked: ${panic}. ${said}.`
}

function fileBars(files: JobView['artifacts']): Child {
  if (files.length === 0) return null
  return h(
    'ul',
    { class: 'files' },
    files.map(({ role, source, received, size, sha256 }) =>
      h(
        'li',
        {},
        h('b', {}, role),
        ' ',
        h('span', { class: 'source' }, source),
        h('progress', { max: size ?? 1, value: size === null ? null : received, 'aria-label': `${role} received` }),
        h('small', {}, `${formatSize(received)}${size === null ? '' : ` of ${formatSize(size)}`}`),
        sha256 !== null && h('small', {}, ' sha256 ', h('code', {}, sha256)),
      ),
    ),
  )
}

function logLine(event: Exclude<JobEvent, { type: 'progress' }>): string {
  const time = event.time.slice(11, 23)
  switch (event.type) {
    case 'state':
      return `${time} ${event.state}${event.error === undefined ? '' : `: ${event.error.message}`}`
    case 'finding':
      return `${time} ${event.severity}: ${event.message}${event.remedy === '' ? '' : `; ${event.remedy}`}`
    case 'log':
      return `${time} ${event.level === 'info' ? '' : `${event.level}: `}${event.message}`
  }
}
