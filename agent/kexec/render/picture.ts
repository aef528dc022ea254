/** What a picture of memory shows: scenes side by side, each with what one loader puts into RAM and what becomes of it. */

import { PAGE_TABLE_SIZE, parseMove, predictDecompressor } from '../layout/decompressor.js'
import { kexecToolsLayout } from '../layout/kexec-tools.js'
import { formatRange, formatSize, lengthOf, overlap, type Range } from '../layout/ranges.js'
import { type PlanJson, type PredictionJson, predictionToJson, rangeFromJson } from './plan-json.js'

type PictureKind = 'kernel' | 'ramdisk' | 'dtb' | 'unpacked' | 'scratch' | 'conflict'

/** Lanes of a scene, from left to right: what is loaded, where the kernel will run, what its decompressor uses. */
export const LANES = ['loaded', 'kernel', 'decompressor'] as const
type Lane = (typeof LANES)[number]

export interface PictureItem {
  readonly label: string
  readonly kind: PictureKind
  readonly lane: Lane
  readonly range: Range
}

/** Memory that two things want, or that is no RAM. */
export interface Collision {
  readonly range: Range
  /** a sentence without its range */
  readonly what: string
}

export interface Scene {
  readonly title: string
  /** in a few words, without the collisions */
  readonly verdict: string
  readonly items: readonly PictureItem[]
  readonly collisions: readonly Collision[]
}

export interface Picture {
  readonly title: string
  readonly lines: readonly string[]
  readonly ram: readonly Range[]
  readonly scenes: readonly Scene[]
  readonly notes: readonly { readonly severity: 'fatal' | 'warning'; readonly text: string }[]
}

/** The picture of a plan; beside it what kexec-tools would have done with the same files on 32-bit ARM. */
export function planPicture(plan: PlanJson): Picture {
  const { kernel, prediction, findings } = plan
  const ram = plan.ram.map(([first, last]) => ({ start: Number(first), end: Number(last) + 1 }))
  const loaded = loadedItems(plan)
  const own = {
    title: 'fauxboot',
    verdict: loaded.length === 0 ? 'no layout' : plan.survivable ? 'survives' : 'does not survive',
    ...withCollisions(ram, [...loaded, ...wantedItems(plan), ...(prediction === null ? [] : fateItems(prediction))]),
  }
  const other = kexecToolsScene(plan, ram)
  return {
    title: `Memory of the plan: ${plan.survivable ? 'survivable' : 'NOT survivable'}`,
    lines: [
      `${kernel.format}, TEXT_OFFSET ${kernel.textOffset} (${kernel.textOffsetSource}); ${moveOf(prediction)}`,
      `entry ${plan.entry}, flags ${plan.flags}; not to scale`,
    ],
    ram,
    scenes: other === null ? [own] : [own, other],
    notes: findings.flatMap(({ severity, message }) => (severity === 'info' ? [] : [{ severity, text: message }])),
  }
}

function moveOf(prediction: PredictionJson | null): string {
  if (prediction === null) return 'no prediction'
  return prediction.relocates
    ? `the decompressor moves itself: ${prediction.line ?? ''}`
    : 'the decompressor stays in place'
}

function loadedItems({ segments, arch }: PlanJson): PictureItem[] {
  const pieces = segments.filter(({ kind }) => kind === 'ramdisk').length
  let piece = 0
  return segments.map(({ kind, mem, end }) => {
    if (kind === 'ramdisk') piece++
    const names = {
      kernel: arch === 'arm' ? 'zImage' : 'Image',
      ramdisk: pieces > 1 ? `ramdisk ${piece}` : 'ramdisk',
      dtb: 'device tree',
    }
    return { label: names[kind], kind, lane: 'loaded', range: { start: Number(mem), end: Number(end) } }
  })
}

/** Where there is no layout: what was wanted, and what is in the way. */
function wantedItems({ segments, findings }: PlanJson): PictureItem[] {
  if (segments.length > 0) return []
  return findings
    .flatMap(({ ranges = [] }) => ranges)
    .map((range, index) => ({
      label: index === 0 ? 'wanted' : 'in the way',
      kind: 'conflict',
      lane: index === 0 ? 'loaded' : 'kernel',
      range: rangeFromJson(range),
    }))
}

/** What a decompressor makes of memory. */
export function fateItems(
  prediction: Pick<PredictionJson, 'kernelAddress' | 'kernelEnd' | 'kernelBssEnd' | 'line' | 'workspace'>,
): PictureItem[] {
  const at = Number(prediction.kernelAddress)
  const kernelEnd = Number(prediction.kernelEnd)
  const { start, end } = rangeFromJson(prediction.workspace)
  const copy = prediction.line === null ? null : (parseMove(prediction.line)?.to ?? null)
  const item = (lane: Lane, label: string, kind: PictureKind, from: number, to: number): PictureItem => ({
    label,
    kind,
    lane,
    range: { start: from, end: to },
  })
  const items = [
    item('kernel', 'page table', 'scratch', at - PAGE_TABLE_SIZE, at),
    item('kernel', 'kernel', 'unpacked', at, kernelEnd),
    item('kernel', 'bss', 'unpacked', kernelEnd, Number(prediction.kernelBssEnd)),
    ...(copy === null
      ? [item('decompressor', 'workspace', 'scratch', start, end)]
      : [
          item('decompressor', 'moved zImage', 'kernel', copy.start, copy.end),
          item('decompressor', 'stack and heap', 'scratch', copy.end, end),
        ]),
  ]
  return items.filter(({ range }) => range.start < range.end)
}

/** `the kernel, the bss and the workspace` */
function names(items: readonly PictureItem[]): string {
  const all = [...new Set(items.map(({ label }) => `the ${label}`))]
  return [all.slice(0, -1).join(', '), ...all.slice(-1)].filter(Boolean).join(' and ')
}

/** What later overwrites `item`; the kernel as loaded is done with by then. */
function attackersOf({ kind, lane, range }: PictureItem, items: readonly PictureItem[]): PictureItem[] {
  const isVictim = lane === 'loaded' && kind !== 'kernel'
  return isVictim ? items.filter(other => other.lane !== 'loaded' && overlap(other.range, range) !== null) : []
}

/** Items with what collides among them: a loaded file that is overwritten, two in one place, or one outside RAM. */
function withCollisions(ram: readonly Range[], items: readonly PictureItem[]): Pick<Scene, 'items' | 'collisions'> {
  const collisions: Collision[] = []
  for (const [index, item] of items.entries()) {
    const attackers = attackersOf(item, items)
    const hits = attackers.flatMap(({ range }) => overlap(range, item.range) ?? [])
    if (hits.length > 0) {
      const range = { start: Math.min(...hits.map(hit => hit.start)), end: Math.max(...hits.map(hit => hit.end)) }
      const verb = attackers.length > 1 ? 'overwrite' : 'overwrites'
      const what =
        item.kind === 'conflict' ? 'something is in the way' : `${names(attackers)} ${verb} the ${item.label}`
      collisions.push({ range, what })
    }
    for (const other of items.slice(index + 1)) {
      const shared = item.lane === 'loaded' && other.lane === 'loaded' ? overlap(item.range, other.range) : null
      if (shared !== null) collisions.push({ range: shared, what: `the ${item.label} and the ${other.label} overlap` })
    }
    const inRam = ram.reduce((sum, range) => sum + lengthOf(overlap(range, item.range) ?? { start: 0, end: 0 }), 0)
    if (item.lane === 'loaded' && inRam < lengthOf(item.range))
      collisions.push({ range: item.range, what: `the ${item.label} is not in RAM` })
  }
  return { items, collisions }
}

/** The same files as kexec-tools would load them; null where its layout is not modelled, or finds no room. */
function kexecToolsScene({ arch, kernel, segments, prediction }: PlanJson, ram: readonly Range[]): Scene | null {
  if (arch !== 'arm' || segments.length === 0 || prediction === null) return null
  const bytesOf = (wanted: string): number | null => {
    const sizes = segments.filter(({ kind }) => kind === wanted).map(({ bufsz }) => bufsz)
    return sizes.length === 0 ? null : sizes.reduce((sum, size) => sum + size, 0)
  }
  const { size, edata, bss, exact } = kernel
  const placed = kexecToolsLayout({
    ram,
    size,
    edata: exact ? edata : null,
    bss: exact ? bss : null,
    initrdSize: bytesOf('ramdisk'),
    dtbSize: bytesOf('dtb'),
    paddedBuffer: false,
  })
  if (placed.kernel === null || placed.notFound !== null) return null
  const { textOffset, code } = kernel
  const fate = predictDecompressor({
    loadAddress: placed.kernel.address,
    ramBase: Number(prediction.ramBase),
    size,
    edata,
    bss,
    textOffset: Number(textOffset),
    code: code && {
      restart: Number(code.restart),
      gap: Number(code.gap),
      wontOverwrite: Number(code.wontOverwrite),
      stackEnd: code.stackEnd === null ? null : Number(code.stackEnd),
      checksMemory: code.checksMemory,
    },
  })
  const kinds = [
    ['zImage', 'kernel', placed.kernel.address],
    ['ramdisk', 'ramdisk', placed.initrd],
    ['device tree', 'dtb', placed.dt],
  ] as const
  const loaded = kinds.flatMap(([label, kind, address]): PictureItem[] => {
    const segment = placed.segments.find(({ mem }) => mem === address)
    if (address === null || segment === undefined) return []
    return [{ label, kind, lane: 'loaded', range: { start: address, end: address + segment.memsz } }]
  })
  const scene = withCollisions(ram, [...loaded, ...fateItems(predictionToJson(fate))])
  return {
    title: 'kexec-tools',
    verdict: scene.collisions.length === 0 ? 'would survive' : fate.exact ? 'would die' : 'would probably die',
    ...scene,
  }
}

/** A collision as one line, with its addresses. */
export const collisionText = ({ title }: Scene, { range, what }: Collision): string =>
  `${title}: ${what}, ${formatRange(range)} (${formatSize(lengthOf(range))})`
