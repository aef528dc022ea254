/** Long commands run in pieces, so that the console stays alive and ^C is noticed. */

import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Let other work have its turn.
 *
 * @throws the reason of `signal` when it was aborted
 */
export async function turn(signal: AbortSignal): Promise<void> {
  await nextTurn()
  signal.throwIfAborted()
}
