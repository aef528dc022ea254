/** Figures over time as a self-contained SVG: panels one above the other, with the same time axis. */

interface Curve {
  readonly name: string
  /** class of the style below */
  readonly kind: 'measured' | 'second' | 'limit'
  /** one for each time */
  readonly values: readonly number[]
}

export interface Panel {
  readonly title: string
  readonly curves: readonly Curve[]
}

const WIDTH = 900
const PLOT = { left: 70, right: 24, height: 150 }
const PANEL = 220
const HEADER = 56
const MOST_POINTS = 400
const TICKS = 4

/** The reader's colours, and two hues that can be told apart on both backgrounds, and without colours by their dashes. */
const STYLE = `
:root{--paper:#fff;--ink:#1f2328;--faint:#59636e;--grid:#d8dee4;--measured:#0969da;--second:#8250df;--limit:#cf222e}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--faint:#9198a1;--grid:#30363d;--measured:#58a6ff;--second:#bc8cff;--limit:#ff7b72}}
.paper{fill:var(--paper)}text{fill:var(--ink)}.tick{fill:var(--faint);font-size:11px}.title{font-size:18px;font-weight:bold}.panel{font-weight:bold}
.grid{stroke:var(--grid)}path,.key{fill:none;stroke-width:1.6}
.measured{stroke:var(--measured)}.second{stroke:var(--second);stroke-dasharray:2 3}.limit{stroke:var(--limit);stroke-dasharray:7 4}`

/**
 * @param seconds time of each value, from the first to the last
 */
export function timelineSvg(title: string, seconds: readonly number[], panels: readonly Panel[]): string {
  const height = HEADER + panels.length * PANEL
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13">`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}"/>`,
    text(PLOT.left, 32, title, 'title'),
    ...panels.flatMap((panel, index) => drawPanel(panel, seconds, HEADER + index * PANEL)),
    '</svg>',
    '',
  ].join('\n')
}

function drawPanel({ title, curves }: Panel, seconds: readonly number[], top: number): string[] {
  const end = seconds.at(-1) ?? 1
  const step = niceStep(Math.max(...curves.flatMap(({ values }) => greatest(values)), 1))
  const most = step * TICKS
  const bottom = top + 24 + PLOT.height
  const x = (second: number): number => PLOT.left + (second / end) * (WIDTH - PLOT.left - PLOT.right)
  const y = (value: number): number => bottom - (value / most) * PLOT.height
  const rows = Array.from({ length: TICKS + 1 }, (_, index) => index * step)
  const columns = Array.from({ length: 6 }, (_, index) => (index * end) / 5)
  return [
    text(PLOT.left, top + 12, title, 'panel'),
    ...rows.flatMap(value => [
      `<line class="grid" x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${at(y(value))}" y2="${at(y(value))}"/>`,
      text(PLOT.left - 8, y(value) + 4, String(Number(value.toPrecision(6))), 'tick', 'end'),
    ]),
    ...columns.map(second => text(x(second), bottom + 16, clock(second), 'tick', 'middle')),
    ...curves.map(({ kind, values }) => `<path class="${kind}" d="${pathOf(values, seconds, x, y)}"/>`),
    ...curves.flatMap(({ name, kind }, index) =>
      legend(WIDTH - PLOT.right - 190 * (curves.length - index), top, kind, name),
    ),
  ]
}

/** A path through the greatest value of each stretch, so that no peak is lost. */
function pathOf(
  values: readonly number[],
  seconds: readonly number[],
  x: (second: number) => number,
  y: (value: number) => number,
): string {
  const stretch = Math.ceil(values.length / MOST_POINTS)
  const points: string[] = []
  for (let start = 0; start < values.length; start += stretch) {
    const value = greatest(values.slice(start, start + stretch))
    points.push(`${at(x(seconds[start] ?? 0))} ${at(y(value))}`)
  }
  return points.length === 0 ? '' : `M${points.join('L')}`
}

const greatest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0)

/** 1, 2, 2.5 or 5 times a power of ten, so that some of them reach a value. */
function niceStep(most: number): number {
  const least = most / TICKS
  const power = 10 ** Math.floor(Math.log10(least))
  return (([1, 2, 2.5, 5].find(factor => factor * power >= least) ?? 10) as number) * power
}

function legend(x: number, top: number, kind: Curve['kind'], name: string): string[] {
  return [
    `<line class="key ${kind}" x1="${x}" x2="${x + 26}" y1="${top + 8}" y2="${top + 8}"/>`,
    text(x + 32, top + 12, name, 'tick'),
  ]
}

/** `1:05` */
function clock(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

const at = (pixels: number): string => pixels.toFixed(1)

function text(x: number, y: number, content: string, kind: string, anchor = 'start'): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text class="${kind}" x="${at(x)}" y="${at(y)}" text-anchor="${anchor}">${escaped}</text>`
}
