/** A reading that is expensive, and may be a little old: it serves all who ask within some time. */

/**
 * Has no timer: V8's snapshot of the agent would keep it (see `agent/bundle/snapshot.ts`).
 *
 * @param lastsMs milliseconds, from the end of a reading, in which it is not repeated
 * @param now milliseconds on a clock that never goes back
 * @returns reads, or waits for the reading that is under way, or gives the last one; a failed reading counts as one
 */
export function sharedReading<T>(
  lastsMs: number,
  read: () => Promise<T>,
  now: () => number = () => performance.now(),
): () => Promise<T> {
  let reading: Promise<T> | null = null
  let staleAt = Number.POSITIVE_INFINITY
  return () => {
    if (reading === null || now() >= staleAt) {
      staleAt = Number.POSITIVE_INFINITY
      reading = read().finally(() => {
        staleAt = now() + lastsMs
      })
    }
    return reading
  }
}
