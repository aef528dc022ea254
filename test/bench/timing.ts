/** Taking times. */

/** How long an emulated board may take to anything on a busy machine. */
export const PATIENCE = { timeoutMs: 600_000 } as const

/** @returns milliseconds */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** What busybox `time` says: `real	0m 0.31s`; milliseconds. */
export function elapsedOnBoard(output: string): number {
  const [, minutes, seconds] = /real\s+(\d+)m\s*([\d.]+)s/.exec(output) ?? []
  return Number(minutes) * 60_000 + Number(seconds) * 1000
}
