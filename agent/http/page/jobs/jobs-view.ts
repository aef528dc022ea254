/** Jobs: the list, and one of them. */

import type { JobView } from '../../../boot/jobs/job.js'
import { messageOf } from '../api/api.js'
import { Cell, fill, h, table } from '../parts/dom.js'
import { type App, repeat, type View } from '../parts/view.js'
import { followJob } from './job-follower.js'
import { stateBadge, timeOf } from './job-words.js'

const POLL_MS = 3000

export function createJobsView(app: App): View {
  const element = h('div')
  return {
    title: 'Jobs',
    element,
    enter(id, left) {
      if (id === '') showList(app, element, left)
      else fill(element, h('p', {}, h('a', { href: '#/jobs' }, 'All jobs')), followJob(app, id, left))
    },
  }
}

function showList({ api }: App, element: HTMLElement, left: AbortSignal): void {
  const problem = h('p', { class: 'problem', hidden: true })
  const list = new Cell<readonly JobView[]>(h('div'), jobs =>
    jobs.length === 0
      ? h('p', {}, 'No job yet. ', h('a', { href: '#/boot' }, 'Boot a kernel.'))
      : table('Jobs of this board, the newest first', ['Job', 'Name', 'State', 'Sent', 'By'], jobs.map(row)),
  )
  fill(element, problem, list.element)
  repeat(POLL_MS, left, async () => {
    try {
      list.show((await api.get<{ jobs: readonly JobView[] }>('/v1/jobs')).jobs)
      problem.hidden = true
    } catch (thrown) {
      problem.hidden = false
      problem.textContent = messageOf(thrown)
    }
  })
}

const row = ({ id, name, state, created, origin, lastWords, error }: JobView) => [
  h('a', { href: `#/jobs/${id}` }, id),
  name ?? '–',
  [
    stateBadge(state),
    ' ',
    lastWords?.panic ? 'its target panicked' : error !== null && state === 'failed' ? error.code : null,
  ],
  h('time', { datetime: created }, timeOf(created)),
  origin,
]
