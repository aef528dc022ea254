/** Asks the agent itself once, soon after its start, so that the first request and the first download of others find compiled code. */

import type { BootLog } from './boot/pipeline/boot-deps.js'
import { fetchHttp } from './transfer/http/fetch.js'
import type { Sink } from './transfer/sink.js'

/** The countdown is over by then, and systemd has started the rest, milliseconds. */
const IDLE_MS = 6000

/** Bytes, far more than a board has to say. */
const LIMIT = 1024 ** 2

const NOWHERE: Sink = {
  async write() {},
  async reset() {},
}

/**
 * Read the board's own view over HTTP, later, without keeping the process alive.
 *
 * @param url where the agent listens
 * @param then called at the end: the agent is idle
 */
export function askLater(url: string, log: Pick<BootLog, 'info'>, then: () => void): void {
  const ask = (): void => {
    fetchHttp(`${url}/v1/board`, NOWHERE, { limit: LIMIT, retries: 0 })
      .catch((err: unknown) =>
        // With tokenForReads, it is refused; that warms up, too.
        log.info({ reason: String(err) }, 'the agent did not answer itself'),
      )
      .then(then)
  }
  setTimeout(ask, IDLE_MS).unref()
}
