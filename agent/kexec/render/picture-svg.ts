/** Draws a picture of memory: low addresses at the top, all scenes on one scale, not to scale so that every label fits. */

import { formatSize, lengthOf } from '../layout/ranges.js'
import { collisionText, LANES, type Picture, type PictureItem, type Scene } from './picture.js'

const MARGIN = 20
const AXIS = 98
const LANE = { alone: 210, beside: 124, gap: 6 }
const SCENE_GAP = 34
const STRIP = { least: 22, most: 84, perDoubling: 5, gap: 34 }
const SMALLEST = 0x4000
const LINE = 18
/** Width of a character, at most: digits and capitals of DejaVu Sans at 12 pixels. */
const CHARACTER = 7.3
const HATCH = 9

const COLOURS = {
  light: {
    paper: '#ffffff',
    ink: '#1d2329',
    faint: '#5b6570',
    line: '#c9d0d6',
    free: '#f4f6f8',
    red: '#b3001b',
    amber: '#7a4b00',
    kernel: ['#bdd5ef', '#2b5c93'],
    ramdisk: ['#c0e4c8', '#2a7038'],
    dtb: ['#e5d0ee', '#774590'],
    unpacked: ['#ffdcae', '#95540a'],
    scratch: ['#f6eccb', '#7d6716'],
    conflict: ['#dde1e5', '#555d66'],
  },
  dark: {
    paper: '#14181c',
    ink: '#e8edf2',
    faint: '#a3adb8',
    line: '#3a434c',
    free: '#1d2328',
    red: '#ff7b87',
    amber: '#f0b860',
    kernel: ['#1f3f63', '#7fb1e6'],
    ramdisk: ['#1d4a29', '#7fcb91'],
    dtb: ['#482a58', '#cf9fe6'],
    unpacked: ['#5d3a0c', '#f2b264'],
    scratch: ['#453a12', '#d9c36a'],
    conflict: ['#3a4148', '#b6bfc8'],
  },
} as const

const KINDS = ['kernel', 'ramdisk', 'dtb', 'unpacked', 'scratch', 'conflict'] as const

function rules(of: (typeof COLOURS)['light' | 'dark']): string {
  const kinds = KINDS.map(kind => `.fb-${kind}{fill:${of[kind][0]};stroke:${of[kind][1]}}`)
  return [
    `.fb-paper{fill:${of.paper}}.fb-free{fill:${of.free};stroke:${of.line}}.fb-rule{stroke:${of.line}}`,
    `.fb-picture text{fill:${of.ink}}.fb-label{stroke:${of.paper}}.fb-picture .fb-faint{fill:${of.faint}}`,
    `.fb-picture .fb-bad{fill:${of.red}}.fb-picture .fb-amber{fill:${of.amber}}.fb-hit{stroke:${of.red}}`,
    ...kinds,
  ].join('')
}

/** The style of every picture. A page that shows several includes it once. */
export const PICTURE_STYLE = [
  '.fb-picture{font:12px DejaVu Sans,Verdana,sans-serif}.fb-title{font-size:17px;font-weight:bold}',
  '.fb-address{font-family:DejaVu Sans Mono,monospace;font-size:11px;text-anchor:end}.fb-strong{font-weight:bold}',
  '.fb-label{stroke-width:3;stroke-opacity:.8;paint-order:stroke;stroke-linejoin:round;pointer-events:none}.fb-rule{stroke-dasharray:1 3}.fb-hit{fill:none;stroke-width:2}.fb-scratch{stroke-dasharray:4 3}',
  '.fb-item:focus{outline:none}.fb-item:focus rect,.fb-item:hover rect{stroke-width:3}',
  rules(COLOURS.light),
  `@media screen and (prefers-color-scheme:dark){${rules(COLOURS.dark)}}`,
].join('')

interface Scale {
  /** every address where something begins or ends */
  readonly marks: readonly { readonly address: number; readonly y: number }[]
  readonly gaps: readonly { readonly y: number }[]
  readonly bottom: number
  at(address: number): number
}

/**
 * A picture as an SVG, without scripts, fonts or linked pictures.
 *
 * @param options.style leave the style out where the page has it; default: it is in the SVG
 */
export function renderPictureSvg(picture: Picture, options: { readonly style?: boolean } = {}): string {
  const { scenes, lines } = picture
  const lane = scenes.length > 1 ? LANE.beside : LANE.alone
  const sceneWidth = LANES.length * (lane + LANE.gap) - LANE.gap
  const sceneAt = (index: number): number => MARGIN + AXIS + index * (sceneWidth + SCENE_GAP)
  const width = sceneAt(scenes.length) - SCENE_GAP + MARGIN
  const top = 62 + lines.length * LINE
  const scale = scaleOf(picture, top + 44)
  const columns = Math.floor((width - 2 * MARGIN) / CHARACTER)

  const notes = [
    ...scenes.flatMap(scene => scene.collisions.map(hit => ({ text: collisionText(scene, hit), of: 'fb-bad' }))),
    ...picture.notes.map(({ severity, text }) => ({
      text: `${severity}: ${text}`,
      of: severity === 'fatal' ? 'fb-bad' : 'fb-amber',
    })),
  ].flatMap(({ text, of }) => wrap(text, columns).map(line => ({ text: line, of })))
  const height = scale.bottom + 30 + notes.length * LINE + MARGIN

  const hits = scenes.flatMap(({ collisions }) => collisions.flatMap(({ range }) => [range.start, range.end]))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="fb-picture" role="group" aria-label="${xmlText(summaryOf(picture))}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    ...(options.style === false ? [] : [`<style>${PICTURE_STYLE}</style>`]),
    `<rect class="fb-paper" width="${width}" height="${height}"/>`,
    text(MARGIN, 34, picture.title, 'fb-title'),
    ...lines.map((line, index) => text(MARGIN, 58 + index * LINE, line, 'fb-faint')),
    ...scenes.flatMap((_, index) =>
      picture.ram.map(({ start, end }) =>
        box('fb-free', sceneAt(index), scale.at(start), sceneWidth, scale.at(end) - scale.at(start)),
      ),
    ),
    ...scale.marks.map(
      ({ y }) => `<line class="fb-rule" x1="${MARGIN + AXIS}" x2="${width - MARGIN}" y1="${y}" y2="${y}"/>`,
    ),
    ...scale.marks.map(({ address, y }) =>
      text(
        MARGIN + AXIS - 8,
        y + 4,
        addressText(address),
        `fb-address${hits.includes(address) ? ' fb-bad fb-strong' : ''}`,
      ),
    ),
    ...(picture.ram.length === 0 ? [] : scale.gaps).map(({ y }) =>
      text(MARGIN + AXIS + 4, y + STRIP.gap / 2 + 4, 'not RAM', 'fb-faint'),
    ),
    ...scenes.flatMap((scene, index) => sceneSvg(scene, scale, { x: sceneAt(index), top, width: sceneWidth, lane })),
    ...notes.map((note, index) => text(MARGIN, scale.bottom + 34 + index * LINE, note.text, note.of)),
    '</svg>',
    '',
  ].join('\n')
}

/** What a screen reader says first. */
function summaryOf({ title, scenes }: Picture): string {
  const told = scenes.flatMap(scene => [
    `${scene.title} ${scene.verdict}`,
    ...scene.collisions.map(hit => collisionText(scene, hit)),
  ])
  return [title, ...told].join('. ')
}

/** Heights grow with the logarithm of the size. */
function scaleOf({ ram, scenes }: Picture, top: number): Scale {
  const ranges = [
    ...ram,
    ...scenes.flatMap(({ items, collisions }) => [...items, ...collisions].map(({ range }) => range)),
  ]
  const cuts = [...new Set(ranges.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b)
  const marks: { address: number; y: number }[] = []
  const gaps: { y: number }[] = []
  let y = top
  for (const [index, address] of cuts.entries()) {
    marks.push({ address, y })
    const next = cuts[index + 1]
    if (next === undefined) break
    const isUsed = ranges.some(({ start, end }) => start <= address && next <= end)
    if (!isUsed) gaps.push({ y })
    y += isUsed ? heightOf(next - address) : STRIP.gap
  }
  const places = new Map(marks.map(mark => [mark.address, mark.y]))
  return { marks, gaps, bottom: y, at: address => places.get(address) ?? y }
}

function heightOf(bytes: number): number {
  const doublings = Math.log2(Math.max(1, bytes / SMALLEST))
  return Math.round(Math.min(STRIP.most, STRIP.least + doublings * STRIP.perDoubling))
}

const LANE_NAMES = { loaded: 'loaded', kernel: 'kernel runs', decompressor: 'decompressor' } as const

function sceneSvg(
  scene: Scene,
  scale: Scale,
  { x, top, width, lane }: { readonly x: number; readonly top: number; readonly width: number; readonly lane: number },
): string[] {
  const laneAt = (index: number): number => x + index * (lane + LANE.gap)
  const head = `${scene.title}: ${scene.verdict}`
  const verdictClass = scene.collisions.length > 0 ? 'fb-strong fb-bad' : 'fb-strong'
  const placed = LANES.flatMap((name, index) => {
    const items = scene.items.filter(item => item.lane === name)
    return items.map(item => ({ item, column: columnOf(item, items, laneAt(index), lane) }))
  })
  return [
    text(x, top + 14, head, verdictClass),
    ...LANES.map((name, index) => text(laneAt(index), top + 34, LANE_NAMES[name], 'fb-faint')),
    ...placed.map(({ item, column }) => itemSvg(item, scene, scale, column)),
    ...scene.collisions.map(hit => {
      const [from, to] = [scale.at(hit.range.start), scale.at(hit.range.end)]
      return `<g role="img" aria-label="${xmlText(`Collision. ${collisionText(scene, hit)}`)}"><title>${xmlText(collisionText(scene, hit))}</title>${box('fb-hit', x - 3, from, width + 6, to - from)}<path class="fb-hit" d="${hatch(x - 3, from, width + 6, to - from)}" stroke-opacity="0.45" pointer-events="none"/></g>`
    }),
    // Over the collisions, whose lines would strike them out. A screen reader gets each item's exact range instead.
    '<g aria-hidden="true">',
    ...placed.flatMap(({ item, column }) => labelSvg(item, scale, column)),
    '</g>',
  ]
}

/** Where an item is from left to right. */
interface Column {
  readonly x: number
  readonly width: number
}

/** Items of a lane that share memory stand side by side. */
function columnOf(item: PictureItem, items: readonly PictureItem[], x: number, width: number): Column {
  const sharing = items.filter(({ range }) => range.start < item.range.end && item.range.start < range.end)
  const each = width / sharing.length
  return { x: x + sharing.indexOf(item) * each, width: each }
}

function itemSvg(item: PictureItem, scene: Scene, scale: Scale, { x, width }: Column): string {
  const { start, end } = item.range
  const exact = `${item.label}, ${addressText(start)} to ${addressText(end - 1)}, ${formatSize(lengthOf(item.range))}`
  return [
    `<g class="fb-item" tabindex="0" role="img" aria-label="${xmlText(`${scene.title}: ${exact}`)}"><title>${xmlText(exact)}</title>`,
    box(`fb-${item.kind}`, x, scale.at(start), width, scale.at(end) - scale.at(start)),
    '</g>',
  ].join('')
}

/** An item's label, in one row or two. */
function labelSvg(item: PictureItem, scale: Scale, { x, width }: Column): string[] {
  const [from, to] = [scale.at(item.range.start), scale.at(item.range.end)]
  const size = formatSize(lengthOf(item.range))
  const most = Math.floor((width - 8) / CHARACTER)
  const fits = (content: string): boolean => content.length <= most
  const one = `${item.label}, ${size}`
  const rows = fits(one) ? [one] : to - from > 2 * LINE ? [item.label, size] : [item.label]
  const middle = (from + to) / 2 + 4 - ((rows.length - 1) * LINE) / 2
  return rows.map((row, index) =>
    text(x + 5, middle + index * LINE, fits(row) ? row : `${row.slice(0, most - 1)}…`, 'fb-label'),
  )
}

const box = (of: string, x: number, y: number, width: number, height: number): string =>
  `<rect class="${of}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(Math.max(0, height))}"/>`

const round = (value: number): number => Math.round(value * 10) / 10

/** Diagonal lines in a rectangle: a collision is seen without its colour, too. */
function hatch(x: number, y: number, width: number, height: number): string {
  const lines: string[] = []
  for (let offset = HATCH; offset < width + height; offset += HATCH) {
    const [fromX, fromY] = offset <= height ? [0, offset] : [offset - height, height]
    const [toX, toY] = offset <= width ? [offset, 0] : [width, offset - width]
    lines.push(`M${round(x + fromX)} ${round(y + fromY)}L${round(x + toX)} ${round(y + toY)}`)
  }
  return lines.join('')
}

const addressText = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`

const text = (x: number, y: number, content: string, of: string): string =>
  `<text x="${round(x)}" y="${round(y)}" class="${of}">${xmlText(content)}</text>`

/** Text in lines of so many characters. */
function wrap(content: string, columns: number): string[] {
  return content.match(new RegExp(`.{1,${columns}}(?:\\s|$)|.{${columns}}`, 'g')) ?? []
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text escaped for XML; control characters, which XML cannot hold, become boxes. */
function xmlText(content: string): string {
  return [...content].map(char => ENTITIES[char] ?? (char < ' ' || char === '\u007f' ? '\u25a1' : char)).join('')
}
