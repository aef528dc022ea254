/** One figure of the benchmark: ours beside its peer's, measured in the same run. */

import type { RatioRow } from '../chart/ratio-chart.js'

export interface Figure {
  readonly what: string
  /** what the peer is, with its version */
  readonly peer: string
  readonly unit: 'ms' | 's' | 'MiB'
  readonly ours: readonly number[]
  readonly theirs: readonly number[]
  /** the most that the ratio of the medians, ours to theirs, should be */
  readonly target: number
  /** why the target is missed, as far as is known; printed only then */
  readonly reason: string
}

/** The value in the middle; the mean of the two in the middle where there are two. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

const number = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)

/** `min / median / max` */
function spread(samples: readonly number[]): string {
  return [Math.min(...samples), median(samples), Math.max(...samples)].map(number).join(' / ')
}

const ratioOf = ({ ours, theirs }: Figure): number => median(ours) / median(theirs)

/** The figure as a row of a chart. */
export function ratioRow(figure: Figure): RatioRow {
  const { what, unit, ours, target } = figure
  return { name: `${what}, ${unit}`, ours, ratio: ratioOf(figure), target }
}

/** The figures as a Markdown table, and below it the reasons of those that miss their target. */
export function renderFigures(figures: readonly Figure[]): string {
  const rows = figures.map(figure => {
    const ratio = ratioOf(figure)
    const met = ratio <= figure.target
    const cells = [
      `${figure.what} (${figure.unit}, n=${figure.ours.length})`,
      spread(figure.ours),
      `${spread(figure.theirs)} ${figure.peer}`,
      ratio.toFixed(2),
      `${figure.target.toFixed(2)} ${met ? 'met' : '**missed**'}`,
    ]
    return { row: `| ${cells.join(' | ')} |`, note: met ? null : `- ${figure.what}: ${figure.reason}` }
  })
  const notes = rows.flatMap(({ note }) => note ?? [])
  return [
    '| figure | fauxboot: min / median / max | peer: min / median / max | ratio | target, at most |',
    '|---|---|---|---|---|',
    ...rows.map(({ row }) => row),
    ...(notes.length === 0 ? [] : ['', 'What misses its target, and why:', '', ...notes]),
  ].join('\n')
}
