/** Long work runs in slices, so that the agent goes on answering and a cancel is noticed. */

import { setImmediate as nextIteration } from 'node:timers/promises'

/**
 * Let the event loop run everything that waits for it.
 *
 * @throws the reason of `signal` if it has been aborted by then
 */
export async function yieldToEventLoop(signal?: AbortSignal): Promise<void> {
  await nextIteration()
  signal?.throwIfAborted()
}
