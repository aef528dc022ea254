/** A plan as a picture: a column of memory with low addresses at the top, not to scale, so that every label fits. */

import { formatSize } from '../layout/ranges.js'
import { memoryStrips, type OccupantKind, type Strip } from './memory-picture.js'
import type { PlanJson } from './plan-json.js'

const WIDTH = 860
const MARGIN = 24
const COLUMN = { x: 170, width: 440 }
const HEADER = 96
const STRIP = { least: 26, most: 96, perDoubling: 7, gap: 34 }
const SMALLEST = 0x4000
const LINE = 18
const CHARS_PER_LINE = 112

const FILLS: Readonly<Record<OccupantKind | 'free' | 'doomed' | 'collides', string>> = {
  kernel: '#4c78a8',
  ramdisk: '#54a24b',
  dtb: '#b279a2',
  unpacked: '#f2a65a',
  scratch: '#f7d6a3',
  conflict: '#9aa0a6',
  free: '#f4f5f7',
  doomed: '#fbe9cf',
  collides: '#d62728',
}

const DARK: ReadonlySet<string> = new Set([FILLS.kernel, FILLS.ramdisk, FILLS.dtb, FILLS.collides])

const LEGEND: readonly (readonly [string, string])[] = [
  [FILLS.kernel, 'kernel as loaded'],
  [FILLS.ramdisk, 'ramdisk'],
  [FILLS.dtb, 'device tree'],
  [FILLS.unpacked, 'unpacked kernel, bss'],
  [FILLS.scratch, 'used by the decompressor'],
  [FILLS.collides, 'collision'],
]

/**
 * A plan as a self-contained SVG, without scripts, fonts or linked pictures.
 */
export function renderPlanSvg(plan: PlanJson): string {
  const strips = memoryStrips(plan)
  const body: string[] = []
  let y = HEADER
  for (const [index, strip] of strips.entries()) {
    const previous = strips[index - 1]
    if (previous !== undefined && previous.end !== strip.start) {
      body.push(address(y, previous.end), label(COLUMN.x + COLUMN.width / 2, y + STRIP.gap / 2 + 5, 'not RAM', 'gap'))
      y += STRIP.gap
    }
    const height = heightOf(strip)
    body.push(...draw(strip, y, height))
    y += height
  }
  const end = strips.at(-1)?.end
  if (end !== undefined) body.push(address(y, end))
  y += 40

  const notes = plan.findings
    .filter(finding => finding.severity !== 'info')
    .flatMap(finding => wrap(`${finding.severity}: ${finding.message}`).map(text => ({ text, of: finding.severity })))
  for (const { text, of } of notes) {
    body.push(label(MARGIN, y, text, of))
    y += LINE
  }

  const height = y + MARGIN
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13">`,
    '<style>.address{font-family:DejaVu Sans Mono,monospace;font-size:12px;text-anchor:end;fill:#333}.size{font-size:12px;fill:#555}.title{font-size:18px;font-weight:bold}.gap{fill:#888;text-anchor:middle;font-style:italic}.fatal{fill:#b00020}.warning{fill:#8a5a00}.small{font-size:12px;fill:#444}</style>',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...header(plan),
    ...body,
    ...LEGEND.map(([fill, text], index) => legendRow(fill, text, index)),
    '</svg>',
    '',
  ].join('\n')
}

function header(plan: PlanJson): string[] {
  const { kernel, prediction } = plan
  const move =
    prediction === null
      ? 'no prediction'
      : prediction.relocates
        ? `the decompressor moves itself: ${prediction.line ?? ''}`
        : 'the decompressor stays in place'
  const verdict = plan.survivable ? 'survivable' : 'NOT survivable'
  return [
    label(MARGIN, 34, `Memory of the plan: ${verdict}`, plan.survivable ? 'title' : 'title fatal'),
    label(
      MARGIN,
      58,
      `${kernel.format}, TEXT_OFFSET ${kernel.textOffset} (${kernel.textOffsetSource}); ${move}`,
      'small',
    ),
    label(MARGIN, 76, `entry ${plan.entry}, flags ${plan.flags}; not to scale`, 'small'),
  ]
}

/** Larger strips are taller, by the logarithm of their size. */
function heightOf(strip: Strip): number {
  const doublings = Math.log2(Math.max(1, (strip.end - strip.start) / SMALLEST))
  return Math.round(Math.min(STRIP.most, STRIP.least + doublings * STRIP.perDoubling))
}

function draw(strip: Strip, y: number, height: number): string[] {
  const top = strip.occupants[0]
  const fill = strip.collides
    ? FILLS.collides
    : top === undefined
      ? strip.dies
        ? FILLS.doomed
        : FILLS.free
      : FILLS[top.kind]
  const names = strip.occupants.map(occupant => occupant.label).join(' + ')
  const text = `${names || (strip.dies ? 'overwritten' : 'free')}${strip.ram ? '' : ' (not RAM)'}`
  const ink = DARK.has(fill) ? '#fff' : '#222'
  const middle = y + height / 2 + 5
  return [
    `<rect x="${COLUMN.x}" y="${y}" width="${COLUMN.width}" height="${height}" fill="${fill}" stroke="#666" stroke-width="0.7"/>`,
    address(y, strip.start),
    `<text x="${COLUMN.x + 12}" y="${middle}" fill="${ink}">${xmlText(text)}</text>`,
    label(COLUMN.x + COLUMN.width + 12, middle, formatSize(strip.end - strip.start), 'size'),
  ]
}

function address(y: number, value: number): string {
  return label(COLUMN.x - 10, y + 5, `0x${value.toString(16).padStart(8, '0')}`, 'address')
}

function legendRow(fill: string, text: string, index: number): string {
  const x = COLUMN.x + COLUMN.width + 84
  const y = HEADER + index * 22
  return `<rect x="${x}" y="${y}" width="14" height="14" fill="${fill}" stroke="#666" stroke-width="0.5"/>${label(x + 20, y + 12, text, 'small')}`
}

function label(x: number, y: number, text: string, of: string): string {
  return `<text x="${x}" y="${y}" class="${of}">${xmlText(text)}</text>`
}

/** Text wrapped to the width of the picture. */
function wrap(text: string): string[] {
  return text.match(new RegExp(`.{1,${CHARS_PER_LINE}}(?:\\s|$)|.{${CHARS_PER_LINE}}`, 'g')) ?? []
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text escaped for XML; control characters, which XML cannot hold, become boxes. */
function xmlText(text: string): string {
  return [...text].map(char => ENTITIES[char] ?? (char < ' ' || char === '\u007f' ? '\u25a1' : char)).join('')
}
