/** One figure of the benchmark: ours beside its peer's, measured in the same run. */

export interface Figure {
  readonly what: string
  /** what the peer is, with its version */
  readonly peer: string
  readonly unit: 'ms' | 's' | 'MiB' | 'us'
  readonly ours: readonly number[]
  readonly theirs: readonly number[]
  /** the most that the ratio of the medians, ours to theirs, should be; null: it is measured, and has no target */
  readonly target: number | null
  /** why the target is missed, as far as is known; printed only then */
  readonly reason: string
  /** where the time goes, or what else a reader should know of it; printed below the table */
  readonly detail?: string
  /** the size that this is one of several for: they make a picture */
  readonly growth?: { readonly of: string; readonly at: number; readonly unit: string }
  /** milliseconds of CPU time, for each MiB where the figure is a transfer */
  readonly cpu?: {
    readonly ours: readonly number[]
    readonly theirs: readonly number[]
    readonly unit: 'ms' | 'ms/MiB'
  }
  /** the longest time that our event loop was blocked in each run, milliseconds */
  readonly blocked?: readonly number[]
}

/** Our event loop may be blocked for so long at most, milliseconds: then other requests still get quick answers. */
export const LONGEST_BLOCK_MS = 20

/** The value in the middle; the mean of the two in the middle where there are two. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

/** The ratio of the medians, ours to theirs. */
export const ratioOf = ({ ours, theirs }: Pick<Figure, 'ours' | 'theirs'>): number => median(ours) / median(theirs)

export const isMissed = (figure: Figure): boolean => figure.target !== null && !(ratioOf(figure) <= figure.target)
