/** The board: what it is, how it is, and what prevents a boot on it. */

import type { BoardView } from '../../boot/board/board.js'
import { formatSize } from '../../kexec/layout/ranges.js'
import { messageOf } from './api/api.js'
import { Cell, type Child, facts, h, table } from './parts/dom.js'
import { findingList } from './parts/findings.js'
import { type App, repeat, type View } from './parts/view.js'

const POLL_MS = 3000

/** Seconds since the kernel started at which the start came to each point; an agent that does not know them has none. */
interface StartTimes {
  readonly systemd: number | null
  readonly agent: number
  readonly countdown: number | null
  readonly ready: number | null
}

/** What `GET /v1/board` answers; agents differ in whether they know their start. */
type ShownBoard = BoardView & { readonly start?: StartTimes | null }

/** Parts of the view, from the top; each is made again when its data has changed. */
const PARTS: readonly (readonly [
  title: string,
  data: (board: ShownBoard) => unknown,
  make: (board: ShownBoard) => Child,
])[] = [
  ['Can it boot?', ({ findings, owner, queued }) => [findings, owner, queued], readiness],
  [
    'Machine',
    ({ model, compatible, machine, kernel, cpus, start }) => [model, compatible, machine, kernel, cpus, start],
    machine,
  ],
  ['Memory', ({ memory, artifacts }) => [memory, artifacts], memory],
  ['Network', ({ links }) => links, links],
  ['Watchdogs', ({ watchdogs }) => watchdogs, watchdogs],
  ['Serial line', ({ serialLine }) => serialLine, serialLine],
]

export function createBoardView({ api }: App): View {
  const problem = h('p', { class: 'problem', hidden: true })
  const board: { view: ShownBoard | null } = { view: null }
  const cells = PARTS.map(([title, data, make]) => ({
    title,
    data,
    cell: new Cell<unknown>(h('div'), () => (board.view === null ? null : make(board.view))),
  }))
  const element = h(
    'div',
    {},
    problem,
    h(
      'div',
      { class: 'cards' },
      cells.map(({ title, cell }) => h('section', { class: 'card' }, h('h3', {}, title), cell.element)),
    ),
  )
  return {
    title: 'Board',
    element,
    enter: (_, left) =>
      repeat(POLL_MS, left, async () => {
        try {
          const view = await api.get<ShownBoard>('/v1/board')
          board.view = view
          problem.hidden = true
          for (const { cell, data } of cells) cell.show(data(view))
        } catch (thrown) {
          problem.hidden = false
          problem.textContent = messageOf(thrown)
        }
      }),
  }
}

function readiness({ findings, owner, queued }: BoardView): Child {
  return [
    owner === null
      ? h('p', {}, 'The board is free.')
      : h('p', {}, 'The board works on job ', jobLink(owner), queued.length > 0 && `, and ${queued.length} wait`, '.'),
    findingList(findings, 'Nothing on this board prevents a boot.'),
  ]
}

const jobLink = (id: string): HTMLElement => h('a', { href: `#/jobs/${id}` }, id)

function startText({ systemd, agent, countdown, ready }: StartTimes): string {
  const points = [
    ['systemd', systemd],
    ['agent', agent],
    ['prompt', countdown],
    ['HTTP', ready],
  ] as const
  return points.flatMap(([name, seconds]) => (seconds === null ? [] : `${name} ${seconds.toFixed(1)} s`)).join(', ')
}

function machine(board: ShownBoard): Child {
  const { model, compatible, kernel, cpus, start = null } = board
  return facts([
    ['Model', model ?? 'unknown'],
    ['Compatible', compatible.length === 0 ? null : h('code', {}, compatible.join(', '))],
    ['First-stage kernel', `${kernel} (${board.machine})`],
    ['CPUs', String(cpus.possible)],
    ['Start, after the kernel', start === null ? null : startText(start)],
  ])
}

function memory({ memory, artifacts }: BoardView): Child {
  const { total, available, ram } = memory
  return [
    facts([
      ['Total', formatSize(total)],
      ['Available', formatSize(available)],
      ['Files of jobs', `${artifacts.count}, ${formatSize(artifacts.stored)}`],
      ['Room for files', formatSize(artifacts.limit)],
      [
        'RAM',
        ram.length === 0
          ? 'cannot be read'
          : ram.map(({ first, last }) => h('div', {}, h('code', {}, `${first}-${last}`))),
      ],
    ]),
    h('meter', {
      min: 0,
      max: total,
      value: total - available,
      'aria-label': `Memory in use: ${formatSize(total - available)} of ${formatSize(total)}`,
    }),
  ]
}

function links({ links }: BoardView): Child {
  if (links.length === 0) return h('p', {}, 'There is no network link.')
  return table(
    'Network links',
    ['Link', 'State', 'Addresses', 'MAC', 'At the jump'],
    links.map(({ name, up, addresses, mac, kept }) => [
      name,
      up ? 'up' : 'down',
      addresses.length === 0 ? '–' : addresses.map(address => h('div', {}, address)),
      mac ?? '–',
      kept ? 'stays up' : 'goes down',
    ]),
  )
}

function watchdogs({ watchdogs }: BoardView): Child {
  if (watchdogs.length === 0) return h('p', {}, 'There is no watchdog: a target that hangs needs a power cycle.')
  return table(
    'Watchdogs',
    ['Device', 'Driver', 'State', 'Timeout', 'At the jump'],
    watchdogs.map(({ name, identity, state, timeout, stopsOnReboot }) => [
      name,
      identity ?? '–',
      state ?? '–',
      timeout === null ? '–' : `${timeout} s`,
      stopsOnReboot === null ? 'its driver decides' : stopsOnReboot ? 'stops' : 'runs on',
    ]),
  )
}

function serialLine({ serialLine: line }: BoardView): Child {
  if (line === null) return h('p', {}, 'No serial line is set up for the U-Boot console.')
  const { tty, baud, damage } = line
  return facts([
    ['Line', `/dev/${tty}${baud === null ? '' : `, ${baud} bit/s`}`],
    [
      'Damaged input',
      damage === null
        ? 'not counted by its driver'
        : `${damage.overrun} overruns, ${damage.frame} framing errors, ${damage.parity} parity errors, ${damage.break} breaks`,
    ],
  ])
}
