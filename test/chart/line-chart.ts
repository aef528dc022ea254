/** Figures along one axis (time, the boots of a run), in panels one above the other. */

import { at, LINE_STYLES, line, svg, text } from './svg.js'

interface Line {
  readonly name: string
  /** one for each place on the axis; null where there is none */
  readonly values: readonly (number | null)[]
  /** what the others should stay below */
  readonly limit?: boolean
}

export interface Panel {
  /** with the unit: `memory, MiB` */
  readonly title: string
  readonly lines: readonly Line[]
}

export interface Axis {
  /** places, rising */
  readonly places: readonly number[]
  readonly label: (place: number) => string
}

const WIDTH = 920
const PLOT = { left: 64, right: 236, top: 26, height: 150 }
const PANEL = 216
const HEADER = 52
const ROW = 19
const TICKS = 4
const COLUMNS = 5
/** More are drawn as the greatest of each stretch, so that no peak is lost. */
const MOST_POINTS = 400
/** Fewer get a dot each. */
const DOTTED = 60

export function lineChart(title: string, axis: Axis, panels: readonly Panel[]): string {
  return svg(title, WIDTH, HEADER + panels.length * PANEL, [
    text(PLOT.left, 30, title, 'title'),
    ...panels.flatMap((panel, index) => drawPanel(panel, axis, HEADER + index * PANEL)),
  ])
}

function drawPanel({ title, lines }: Panel, { places, label }: Axis, top: number): string[] {
  const [first, last] = [places[0] ?? 0, places.at(-1) ?? 0]
  const step = roundStep(Math.max(1, ...lines.map(({ values }) => greatest(values) ?? 0)) / TICKS)
  const [right, bottom] = [WIDTH - PLOT.right, top + PLOT.top + PLOT.height]
  const x = (place: number): number => PLOT.left + ((place - first) / (last - first || 1)) * (right - PLOT.left)
  const y = (value: number): number => bottom - (value / (step * TICKS)) * PLOT.height
  const rows = Array.from({ length: TICKS + 1 }, (_, index) => index * step)
  const columns = Array.from({ length: COLUMNS + 1 }, (_, index) => first + ((last - first) * index) / COLUMNS)
  const labels = new Map(columns.map(place => [label(place), place]))
  return [
    text(PLOT.left, top + 12, title, 'panel'),
    ...rows.flatMap(value => [
      line('grid', PLOT.left, y(value), right, y(value)),
      text(PLOT.left - 8, y(value) + 4, String(Number(value.toPrecision(6))), 'faint', 'end'),
    ]),
    ...[...labels].map(([words, place]) => text(x(place), bottom + 16, words, 'faint', 'middle')),
    ...lines.flatMap((drawn, index) => {
      const kind = `line ${drawn.limit === true ? 'limit' : `s${index % LINE_STYLES}`}`
      const row = top + PLOT.top + 8 + index * ROW
      return [
        ...curve(drawn.values, kind, place => x(places[place] ?? first), y),
        line(kind, right + 16, row, right + 46, row),
        text(right + 54, row + 4, drawn.name),
      ]
    }),
  ]
}

/** A line that is broken where a value is missing. */
function curve(
  values: readonly (number | null)[],
  kind: string,
  x: (index: number) => number,
  y: (value: number) => number,
): string[] {
  const stretch = Math.ceil(values.length / MOST_POINTS) || 1
  const points: (string | null)[] = []
  for (let start = 0; start < values.length; start += stretch) {
    const value = greatest(values.slice(start, start + stretch))
    points.push(value === null ? null : `${at(x(start))} ${at(y(value))}`)
  }
  const path = points.map((point, index) => (point === null ? '' : `${points[index - 1] ? 'L' : 'M'}${point}`)).join('')
  // A path of no length with round ends is a dot.
  const dots = points.length > DOTTED ? [] : points.filter(point => point !== null).map(point => `M${point}h0`)
  return [
    `<path class="${kind}" d="${path}"/>`,
    ...(dots.length === 0
      ? []
      : [
          `<path class="${kind}" style="stroke-width:5;stroke-linecap:round;stroke-dasharray:none" d="${dots.join('')}"/>`,
        ]),
  ]
}

const greatest = (values: readonly (number | null)[]): number | null =>
  values.reduce((most, value) => (value !== null && value > (most ?? Number.NEGATIVE_INFINITY) ? value : most), null)

/** 1, 2, 2.5 or 5 times a power of ten: the least of them that is not below `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return (([1, 2, 2.5, 5].find(factor => factor * power >= least) ?? 10) as number) * power
}
