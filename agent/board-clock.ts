/** The clock of a board that has no battery: it starts at the time of the image. */

import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { BoardClock } from './boot/pipeline/boot-deps.js'
import { fault } from './errors.js'

/** systemd-timesyncd makes this file when a time server has set the clock. */
const SYNCHRONIZED = '/run/systemd/timesync/synchronized'

/** The socket of `fauxboot-set-clock@.service`, which may set the clock; the agent may not. */
const SETTER = '/run/fauxboot-set-clock'

/** The setter is a shell that reads one line, so it takes no longer, even on a board that is busy. */
const PATIENCE_MS = 10_000

/** No first stage is older, milliseconds: 20 years. The setter has the same limit. */
const FARTHEST_MS = 20 * 365.25 * 86_400_000

/** A clock that is only ever set forward, by {@link FARTHEST_MS} at most, and only until a time server has set it. */
export function createBoardClock(
  { synchronized, setter } = { synchronized: SYNCHRONIZED, setter: SETTER },
): BoardClock {
  return {
    async advance(to) {
      const ahead = to.getTime() - Date.now()
      if (!(ahead > 0 && ahead <= FARTHEST_MS) || existsSync(synchronized)) return false
      const answer = await ask(setter, String(Math.floor(to.getTime() / 1000)))
      if (answer === 'set') return true
      if (answer === 'kept') return false
      throw fault('INTERNAL', { doing: 'setting the clock', reason: answer === '' ? 'no answer' : answer })
    },
  }
}

/** Send a request to a Unix socket. @returns the answer. @throws the error of the socket, or that of the timeout */
async function ask(path: string, request: string): Promise<string> {
  const socket = connect({ path, allowHalfOpen: true, signal: AbortSignal.timeout(PATIENCE_MS) })
  try {
    await once(socket, 'connect')
    socket.end(`${request}\n`)
    return (await text(socket)).trim()
  } finally {
    socket.destroy()
  }
}
