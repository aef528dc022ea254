/** Taking times. */

/** How long an emulated board may take to anything on a busy machine. */
export const PATIENCE = { timeoutMs: 600_000 } as const

/** @returns milliseconds */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}
