/** Memory cut into strips at every boundary in a plan. The text and SVG pictures are drawn from these. */

import { PAGE_TABLE_SIZE } from '../layout/decompressor.js'
import { overlap, type Range } from '../layout/ranges.js'
import { type PlanJson, rangeFromJson } from './plan-json.js'

type OccupantKind = 'kernel' | 'ramdisk' | 'dtb' | 'unpacked' | 'scratch' | 'conflict'

/** Something in memory, at any time from the load to the start of the target. */
interface Occupant {
  readonly label: string
  readonly kind: OccupantKind
  readonly range: Range
}

export interface Strip extends Range {
  readonly ram: boolean
  readonly occupants: readonly Occupant[]
  /** the decompressor, or the early kernel, overwrites it */
  readonly dies: boolean
  /** two things want it, or one thing wants memory that is not RAM */
  readonly collides: boolean
}

/** The strips in order of address; memory that is neither RAM nor wanted has none. */
export function memoryStrips(plan: PlanJson): Strip[] {
  const ram = plan.ram.map(([first, last]) => ({ start: Number(first), end: Number(last) + 1 }))
  const occupants = occupantsOf(plan)
  const doomed = doomedRange(plan)
  const edges = [...ram, ...occupants.map(({ range }) => range)].flatMap(({ start, end }) => [start, end])
  const cuts = [...new Set(edges)].sort((a, b) => a - b)

  const strips: Strip[] = []
  for (const [index, start] of cuts.slice(0, -1).entries()) {
    const strip = { start, end: cuts[index + 1] ?? start }
    const inRam = ram.some(range => overlap(range, strip) !== null)
    const here = occupants.filter(({ range }) => overlap(range, strip) !== null)
    if (!inRam && here.length === 0) continue
    const dies = doomed !== null && overlap(doomed, strip) !== null
    strips.push({ ...strip, ram: inRam, occupants: here, dies, collides: collides(here, inRam, dies) })
  }
  return strips
}

function occupantsOf(plan: PlanJson): Occupant[] {
  const { prediction } = plan
  const pieces = plan.segments.filter(segment => segment.kind === 'ramdisk').length
  let piece = 0
  const segments = plan.segments.map((segment): Occupant => {
    if (segment.kind === 'ramdisk') piece++
    const number = segment.kind === 'ramdisk' && pieces > 1 ? ` ${piece}` : ''
    const names = { kernel: plan.arch === 'arm' ? 'zImage' : 'Image', ramdisk: 'ramdisk', dtb: 'device tree' }
    const range = { start: Number(segment.mem), end: Number(segment.end) }
    return { label: `${names[segment.kind]}${number}`, kind: segment.kind, range }
  })
  const conflicts = plan.segments.length > 0 ? [] : plan.findings.flatMap(({ ranges = [] }) => ranges)
  const wanted = conflicts.map((range, index): Occupant => {
    return { label: index === 0 ? 'wanted' : 'in the way', kind: 'conflict', range: rangeFromJson(range) }
  })
  if (prediction === null) return [...segments, ...wanted]

  const at = Number(prediction.kernelAddress)
  const kernelEnd = Number(prediction.kernelEnd)
  const loaded = segments.find(({ kind }) => kind === 'kernel')?.range.end ?? kernelEnd
  const phases: Occupant[] = [
    { label: 'page table', kind: 'scratch', range: { start: at - PAGE_TABLE_SIZE, end: at } },
    { label: 'unpacked kernel', kind: 'unpacked', range: { start: at, end: kernelEnd } },
    { label: 'kernel bss', kind: 'unpacked', range: { start: kernelEnd, end: Number(prediction.kernelBssEnd) } },
    {
      label: 'stack and heap of the decompressor',
      kind: 'scratch',
      range: { start: loaded, end: Number(prediction.workspace.end) },
    },
  ]
  return [...segments, ...phases.filter(({ range }) => range.start < range.end)]
}

/** All memory that is overwritten: the workspace, and the bss that the early kernel clears. */
function doomedRange({ prediction }: PlanJson): Range | null {
  if (prediction === null) return null
  const { start, end } = rangeFromJson(prediction.workspace)
  return { start, end: Math.max(end, Number(prediction.kernelBssEnd)) }
}

const SEGMENTS: readonly OccupantKind[] = ['kernel', 'ramdisk', 'dtb']

function collides(here: readonly Occupant[], ram: boolean, dies: boolean): boolean {
  const segments = here.filter(({ kind }) => SEGMENTS.includes(kind))
  const conflicts = here.filter(({ kind }) => kind === 'conflict')
  const victim = segments.some(({ kind }) => kind !== 'kernel')
  return segments.length > 1 || (dies && victim) || (segments.length > 0 && !ram) || conflicts.length > 1
}
