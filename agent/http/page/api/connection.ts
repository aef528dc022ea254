/** Whether the agent answers, and whether it is still the same process. */

import type { Api } from './api.js'

const POLL_MS = 2000
const TIMEOUT_MS = 5000

interface Health {
  readonly version: string
  /** seconds */
  readonly uptime: number
}

/** `back`: it was lost, or has started again, and answers now. */
export type ConnectionState = 'connecting' | 'online' | 'lost' | 'back'

export class Connection {
  readonly #api: Api
  readonly #listeners = new Set<(state: ConnectionState) => void>()
  #uptime: number | null = null
  state: ConnectionState = 'connecting'
  version = ''

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
      const { version, uptime } = await this.#api.get<Health>('/healthz', signal)
      const again = this.#uptime !== null && uptime < this.#uptime
      this.#uptime = uptime
      this.version = version
      if (again || this.state === 'lost') this.#enter('back')
      else if (this.state === 'connecting') this.#enter('online')
    } catch {
      // Whatever the reason is, the page asks again.
      if (this.state !== 'lost') this.#enter('lost')
    }
  }

  #enter(state: ConnectionState): void {
    this.state = state
    for (const listener of this.#listeners) listener(state)
  }
}
