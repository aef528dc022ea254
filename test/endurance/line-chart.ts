/** Figures over the boots of a run as a self-contained SVG: one panel for each unit, one line for each figure. */

interface Series {
  readonly name: string
  /** one for each boot; null where there is none */
  readonly values: readonly (number | null)[]
}

export interface Panel {
  /** what the vertical axis counts */
  readonly unit: string
  readonly series: readonly Series[]
}

const WIDTH = 860
const LEFT = 60
const RIGHT = 250
const PANEL = { top: 40, height: 240, gap: 60 }
const ROW = 18
const TICKS = 4
const COLOURS = ['#4c78a8', '#f2a65a', '#54a24b', '#b279a2', '#d62728', '#72b7b2', '#9aa0a6'] as const

export function renderLineCharts(title: string, panels: readonly Panel[]): string {
  const height = PANEL.top + panels.length * (PANEL.height + PANEL.gap)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(LEFT, 24, title, 'font-size="16" font-weight="bold"'),
    ...panels.flatMap((panel, index) => draw(panel, PANEL.top + index * (PANEL.height + PANEL.gap))),
    '</svg>',
    '',
  ].join('\n')
}

function draw({ unit, series }: Panel, top: number): string[] {
  const count = Math.max(1, ...series.map(({ values }) => values.length))
  const step = roundStep(Math.max(0, ...series.flatMap(({ values }) => values.map(value => value ?? 0))) / TICKS)
  const width = WIDTH - LEFT - RIGHT
  const bottom = top + PANEL.height
  // The first boot is at the axis, the last one at the right edge.
  const x = (index: number): number => round(LEFT + (width * index) / Math.max(1, count - 1))
  const y = (value: number): number => round(bottom - (PANEL.height * value) / (step * TICKS))
  const body: string[] = []
  for (let tick = 0; tick <= TICKS; tick++) {
    const at = y(tick * step)
    body.push(`<path d="M${LEFT} ${at}H${LEFT + width}" stroke="#ddd"/>`)
    body.push(text(LEFT - 8, at + 4, String(round(tick * step)), 'text-anchor="end"'))
  }
  body.push(text(LEFT, top - 8, unit), text(LEFT, bottom + 20, 'boot 1'))
  body.push(text(LEFT + width, bottom + 20, String(count), 'text-anchor="end"'))
  for (const [index, { name, values }] of series.entries()) {
    const colour = COLOURS[index % COLOURS.length]
    const points = values.flatMap((value, boot) => (value === null ? [] : [{ x: x(boot), y: y(value) }]))
    body.push(`<path d="${pathOf(values, x, y)}" fill="none" stroke="${colour}" stroke-width="1.5"/>`)
    body.push(...points.map(point => `<circle cx="${point.x}" cy="${point.y}" r="2" fill="${colour}"/>`))
    const row = top + 12 + index * ROW
    body.push(`<rect x="${LEFT + width + 16}" y="${row - 9}" width="10" height="10" fill="${colour}"/>`)
    body.push(text(LEFT + width + 32, row, name))
  }
  return body
}

/** A line that is broken where a value is missing. */
function pathOf(values: Series['values'], x: (index: number) => number, y: (value: number) => number): string {
  let path = ''
  for (const [index, value] of values.entries()) {
    if (value === null) continue
    const continues = index > 0 && values[index - 1] !== null
    path += `${continues ? 'L' : 'M'}${x(index)} ${y(value)}`
  }
  return path
}

/** The least of 1, 2 and 5 with a power of ten that is not below `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 0.1)))
  return ([1, 2, 5].find(factor => factor * power >= least) ?? 10) * power
}

const round = (value: number): number => Math.round(value * 100) / 100

function text(x: number, y: number, words: string, attributes = ''): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x}" y="${y}" fill="#333" ${attributes}>${escaped}</text>`
}
