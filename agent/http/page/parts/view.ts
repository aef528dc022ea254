/** What the views of the page have in common. */

import type { Api } from '../api/api.js'
import type { Connection } from '../api/connection.js'

export interface App {
  readonly api: Api
  readonly connection: Connection
  /** Say something to a screen reader. */
  announce(text: string): void
}

export interface View {
  /** of the page, while the view is shown */
  readonly title: string
  readonly element: HTMLElement
  /**
   * It is shown now.
   *
   * @param rest what follows its name in the address
   * @param left fires when it is left
   */
  enter(rest: string, left: AbortSignal): void
}

/** Run at once and then every so many milliseconds, until the signal fires. A run that is late delays the next. */
export function repeat(milliseconds: number, left: AbortSignal, work: () => Promise<void>): void {
  const next = async (): Promise<void> => {
    await work()
    if (!left.aborted) setTimeout(() => left.aborted || void next(), milliseconds)
  }
  void next()
}
