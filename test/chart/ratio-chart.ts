/** Samples beside those of a peer, as their ratio: one row for each figure, on a logarithmic axis. */

import { at, line, svg, text } from './svg.js'

export interface RatioRow {
  readonly name: string
  readonly ours: readonly number[]
  /** the ratio of the medians, ours to the peer's */
  readonly ratio: number
  /** the most that it should be */
  readonly target: number
}

const WIDTH = 920
const PLOT = { left: 420, right: 110 }
const HEADER = 66
const ROW = 26
const FOOTER = 40
const LEGEND =
  'How many times as much as the peer, whose median is the dotted line. Dot: ratio of the medians, open if it misses the target (short line). Bar: spread.'

export function ratioChart(title: string, rows: readonly RatioRow[]): string {
  const ratios = rows.map(row => ({ ...row, range: rangeOf(row) }))
  const seen = [1, ...ratios.flatMap(({ range, ratio, target }) => [...range, ratio, target])]
  const [low, high] = [Math.floor(Math.log2(Math.min(...seen))), Math.ceil(Math.log2(Math.max(...seen)))]
  const [right, bottom] = [WIDTH - PLOT.right, HEADER + rows.length * ROW]
  const x = (ratio: number): number => PLOT.left + ((Math.log2(ratio) - low) / (high - low || 1)) * (right - PLOT.left)
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 2 ** (low + index))
  return svg(title, WIDTH, bottom + FOOTER, [
    text(16, 30, title, 'title'),
    text(16, 52, LEGEND, 'faint'),
    ...ticks.flatMap(tick => [
      line('grid', x(tick), HEADER - 8, x(tick), bottom),
      text(x(tick), bottom + 16, tick < 1 ? `1/${1 / tick}` : String(tick), 'faint', 'middle'),
    ]),
    line('line s4', x(1), HEADER - 8, x(1), bottom),
    ...ratios.flatMap(({ name, range: [least, most], ratio, target }, index) => {
      const y = HEADER + index * ROW + ROW / 2
      const met = ratio <= target
      return [
        text(PLOT.left - 12, y + 4, name.slice(0, 62), 'faint', 'end'),
        line('line s0', x(least), y, x(most), y),
        line('target', x(target), y - 9, x(target), y + 9),
        `<circle class="${met ? 'dot' : 'open'}" cx="${at(x(ratio))}" cy="${at(y)}" r="5"/>`,
        text(right + 14, y + 4, `${ratio.toFixed(2)} ${met ? 'met' : 'missed'}`),
      ]
    }),
  ])
}

/** The least and the greatest of ours, by the value of the peer that the ratio goes by. */
function rangeOf({ ours, ratio }: RatioRow): readonly [number, number] {
  const sorted = [...ours].sort((a, b) => a - b)
  const middle = ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2
  const peer = middle / ratio
  return [(sorted[0] ?? 0) / peer, (sorted.at(-1) ?? 0) / peer]
}
