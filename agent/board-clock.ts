/** The clock of a board that has no battery: it starts at the time of the image. */

import { existsSync } from 'node:fs'
import { setClock } from '../native/index.js'
import type { BoardClock } from './boot/pipeline/boot-deps.js'

/** systemd-timesyncd makes this file when a time server has set the clock. */
const SYNCHRONIZED = '/run/systemd/timesync/synchronized'

/** No first stage is older, milliseconds: 20 years. */
const FARTHEST_MS = 20 * 365.25 * 86_400_000

interface ClockParts {
  readonly synchronized: string
  /** @param seconds since 1970 */
  readonly set: (seconds: number) => void
}

/** A clock that is only ever set forward, by {@link FARTHEST_MS} at most, and only until a time server has set it. */
export function createBoardClock(
  { synchronized, set }: ClockParts = { synchronized: SYNCHRONIZED, set: setClock },
): BoardClock {
  return {
    advance(to) {
      const ahead = to.getTime() - Date.now()
      if (!(ahead > 0 && ahead <= FARTHEST_MS) || existsSync(synchronized)) return false
      set(Math.floor(to.getTime() / 1000))
      return true
    },
  }
}
