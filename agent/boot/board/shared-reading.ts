/** A reading that is expensive, and may be a little old: it serves all who ask within some time. */

/**
 * @param lastsMs milliseconds, from the end of a reading, in which it is not repeated
 * @returns reads, or waits for the reading that is under way, or gives the last one; a failed reading counts as one
 */
export function sharedReading<T>(lastsMs: number, read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | null = null
  const forget = (): void => {
    reading = null
  }
  return () => {
    reading ??= read().finally(() => setTimeout(forget, lastsMs).unref())
    return reading
  }
}
