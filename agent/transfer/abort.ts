/** Waiting for something, but not longer than a signal allows. */

/**
 * The promise, unless the signal fires first. The underlying work continues; its outcome is ignored then.
 *
 * @throws the signal's reason
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/**
 * Wait.
 *
 * @param milliseconds how long
 * @throws the signal's reason, as soon as it fires
 */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const elapsed = new Promise<void>(resolve => {
    timer = setTimeout(resolve, milliseconds)
  })
  return unlessAborted(elapsed, signal).finally(() => clearTimeout(timer))
}
