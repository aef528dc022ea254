/** Whether the agent answers, and whether it is still the same process. */

import type { Api } from './api.js'

const POLL_MS = 2000
const TIMEOUT_MS = 5000

interface Health {
  /** seconds */
  readonly uptime: number
}

/** `back`: it answers again. `restarted`: it does, but is another process. Both become `online` after a while. */
export type ConnectionState = 'connecting' | 'online' | 'lost' | 'back' | 'restarted'

/** Questions without an answer, one after the other, after which it is lost: a board that loads a kernel is slow. */
const MOST_MISSED = 2
/** Milliseconds for which a return is news. */
const NEWS_MS = 20_000
/** Seconds by which the start of one process may seem to differ: an answer may be late by the time-out. */
const SAME_START = 1 + TIMEOUT_MS / 1000

export class Connection {
  readonly #api: Api
  readonly #listeners = new Set<(state: ConnectionState) => void>()
  #started: number | null = null
  #missed = 0
  /** when the state was entered */
  #since = 0
  state: ConnectionState = 'connecting'

  constructor(api: Api) {
    this.#api = api
  }

  /**
   * @param listener is called after each change, and when the agent has started again
   * @param left ends that; default: never
   */
  listen(listener: (state: ConnectionState) => void, left?: AbortSignal): void {
    this.#listeners.add(listener)
    left?.addEventListener('abort', () => this.#listeners.delete(listener), { once: true })
  }

  /** Ask for as long as the page is open. */
  async watch(): Promise<never> {
    for (;;) {
      await this.#ask()
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
  }

  async #ask(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const { uptime } = await this.#api.get<Health>('/healthz', signal)
      this.#answered(performance.now() / 1000 - uptime)
    } catch {
      // Whatever the reason is, the page asks again.
      this.#missed++
      if (this.#missed === MOST_MISSED) this.#enter('lost')
    }
  }

  /** @param started when the process did, seconds */
  #answered(started: number): void {
    this.#missed = 0
    const isSame = this.#started === null || Math.abs(started - this.#started) < SAME_START
    this.#started = started
    if (!isSame) this.#enter('restarted')
    else if (this.state === 'lost') this.#enter('back')
    else if (this.state === 'connecting' || performance.now() - this.#since > NEWS_MS) this.#enter('online')
  }

  #enter(state: ConnectionState): void {
    this.#since = performance.now()
    if (state === this.state && state !== 'restarted') return
    this.state = state
    for (const listener of this.#listeners) listener(state)
  }
}
