/** The board's page: its frame, and which view is shown. The address after `#/` names the view and what it shows. */

import { Api } from './api/api.js'
import { Connection, type ConnectionState } from './api/connection.js'
import { createBoardView } from './board-view.js'
import { createBootView } from './boot/boot-view.js'
import { createExplainView } from './explain-view.js'
import { createJobsView } from './jobs/jobs-view.js'
import { fill, h } from './parts/dom.js'
import { createTokenDialog } from './parts/token-dialog.js'
import type { App, View } from './parts/view.js'

/** The console loads xterm.js when it is first shown. */
const VIEWS: Readonly<Record<string, (app: App) => View | Promise<View>>> = {
  board: createBoardView,
  boot: createBootView,
  console: async app => (await import('./console-view.js')).createConsoleView(app),
  jobs: createJobsView,
  explain: () => createExplainView(),
}
const FIRST = 'board'

const CONNECTION: Readonly<Record<ConnectionState, string>> = {
  connecting: 'Connecting to the board.',
  online: 'The board answers.',
  lost: 'The board does not answer: it starts, a target runs on it, or the network is gone. This page tries again every 2 s.',
  back: 'The board answers again.',
  restarted: 'The agent has started again.',
}

const askToken = createTokenDialog()
const api = new Api(askToken)
const connection = new Connection(api)
const spoken = h('p', { class: 'unseen', role: 'status' })
const app: App = {
  api,
  connection,
  announce: text => {
    spoken.textContent = text
  },
}

const state = h('p', { id: 'connection', role: 'status' }, CONNECTION.connecting)
const heading = h('h2', { tabindex: -1 })
const place = h('div')
const links = new Map(
  Object.keys(VIEWS).map(name => [name, h('a', { href: `#/${name}` }, name.slice(0, 1).toUpperCase() + name.slice(1))]),
)
const token = h('button', { type: 'button', onclick: () => void changeToken() })

document.body.append(
  h('a', { class: 'skip', href: '#main', onclick: skip }, 'Skip to the content'),
  h('header', {}, h('h1', {}, 'fauxboot'), h('nav', { 'aria-label': 'Views' }, [...links.values()]), token),
  h('div', { class: 'status' }, state),
  h('main', { id: 'main', tabindex: -1 }, heading, place),
  spoken,
)

const made = new Map<string, View | Promise<View>>()
let left = new AbortController()

async function show(): Promise<void> {
  const [name = FIRST, rest = ''] = location.hash.replace(/^#\//, '').split('/')
  const known = name in VIEWS ? name : FIRST
  left.abort()
  left = new AbortController()
  const { signal } = left
  for (const [other, link] of links) {
    if (other === known) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  const making = made.get(known) ?? VIEWS[known]?.(app)
  if (making === undefined) return
  made.set(known, making)
  const view = await making
  if (signal.aborted) return
  document.title = `${view.title} – ${location.host} – fauxboot`
  heading.textContent = view.title
  fill(place, view.element)
  view.enter(rest, signal)
}

function showToken(): void {
  token.textContent = api.token === null ? 'Enter the token' : 'Forget the token'
}

async function changeToken(): Promise<void> {
  api.token = api.token === null ? await askToken('Changes need the token of the board.') : null
}

function skip(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

api.onToken(showToken)
connection.listen(now => {
  state.textContent = CONNECTION[now]
  state.className = now
})
window.addEventListener('hashchange', async () => {
  await show()
  heading.focus()
})
showToken()
void show()
void connection.watch()
