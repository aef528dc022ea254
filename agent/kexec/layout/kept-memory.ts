/**
 * Memory that outlives a reset: no kernel uses it, because the device tree reserves it with `no-map`. The first stage's tree
 * has two such nodes in `/reserved-memory`: `ramoops` (Linux `Documentation/devicetree/bindings/reserved-memory/ramoops.yaml`),
 * where the target's kernel leaves its messages, and `fauxboot,job`, where the agent notes which job that target belongs to.
 */

import type { Fdt, FdtNode } from '../../image/fdt/fdt.js'
import {
  cellsOf,
  childNode,
  encodeCells,
  encodeNumber,
  ensureNode,
  propStrings,
  propU32,
  readRegs,
  setProperty,
} from '../../image/fdt/fdt-query.js'
import type { RamoopsSizes } from '../../image/pstore/ramoops.js'
import { reservedMemory } from './dtb.js'
import { lengthOf, overlap, type Range } from './ranges.js'

/** `compatible` of the two nodes. */
const RAMOOPS = 'ramoops'
const JOB = 'fauxboot,job'

export interface KeptMemory {
  readonly job: Range
  readonly ramoops: Range & RamoopsSizes
}

/**
 * What became of a target's tree: `kept` if it has both nodes now, `own` if it has another ramoops region, of which a
 * kernel accepts only one, `taken` if it reserves the same memory for something else, and `none` without any to pass on.
 */
export type KeptMemoryOutcome = 'kept' | 'own' | 'taken' | 'none'

/**
 * The kept memory of a tree.
 *
 * @returns null if the tree does not have both nodes, each with one region and `no-map`
 * @throws FORMAT_VALUE if a property is damaged
 */
export function keptMemory(fdt: Fdt): KeptMemory | null {
  const regions = keptRegions(fdt)
  if (regions === null) return null
  const { job, ramoops } = regions
  const size = (name: string): number => propU32(ramoops.node, name) ?? 0
  return {
    job: job.range,
    ramoops: { ...ramoops.range, recordSize: size('record-size'), consoleSize: size('console-size') },
  }
}

/**
 * Reserve the kept memory of the running tree in the target's, so that its kernel leaves its messages there.
 *
 * @param fdt modified in place
 * @param running the tree of the first stage
 * @throws FORMAT_VALUE if a property is damaged
 */
export function addKeptMemory(fdt: Fdt, running: Fdt): KeptMemoryOutcome {
  const kept = keptRegions(running)
  if (kept === null) return 'none'
  const there = keptRegions(fdt)
  const isThere = (which: keyof typeof kept): boolean => there?.[which].range.start === kept[which].range.start
  if (isThere('job') && isThere('ramoops')) return 'kept'
  if (reservedNode(fdt, RAMOOPS) !== null) return 'own'
  const taken = reservedMemory(fdt)
  const regions = [kept.job, kept.ramoops]
  if (regions.some(({ range }) => taken.some(other => overlap(range, other) !== null))) return 'taken'
  const { addressCells, sizeCells } = cellsOf(fdt.root)
  const parent = reservedMemoryNode(fdt)
  for (const { node, range } of regions) {
    const reg = Buffer.concat([encodeNumber(range.start, addressCells), encodeNumber(lengthOf(range), sizeCells)])
    const properties = new Map([...node.properties].filter(([name]) => !/phandle$/.test(name)))
    parent.children.push({ name: node.name, properties: properties.set('reg', new Uint8Array(reg)), children: [] })
  }
  return 'kept'
}

interface Region {
  readonly node: FdtNode
  readonly range: Range
}

function keptRegions(fdt: Fdt): { readonly job: Region; readonly ramoops: Region } | null {
  const [job, ramoops] = [keptRegion(fdt, JOB), keptRegion(fdt, RAMOOPS)]
  return job === null || ramoops === null ? null : { job, ramoops }
}

function keptRegion(fdt: Fdt, compatible: string): Region | null {
  const node = reservedNode(fdt, compatible)
  if (node === null || !node.properties.has('no-map')) return null
  const range = rangeOf(fdt, node)
  return range === null ? null : { node, range }
}

function reservedNode(fdt: Fdt, compatible: string): FdtNode | null {
  const nodes = childNode(fdt.root, 'reserved-memory')?.children ?? []
  return nodes.find(node => propStrings(node, 'compatible')?.includes(compatible)) ?? null
}

function rangeOf(fdt: Fdt, node: FdtNode): Range | null {
  const { addressCells, sizeCells } = cellsOf(childNode(fdt.root, 'reserved-memory') ?? fdt.root)
  const [reg, ...more] = readRegs(node, addressCells, sizeCells)
  if (reg === undefined || more.length > 0) return null
  const range = { start: Number(reg.address), end: Number(reg.address + reg.size) }
  return range.start < range.end && Number.isSafeInteger(range.end) ? range : null
}

/** The kernel ignores `/reserved-memory` unless it has the root's cells and `ranges`. */
function reservedMemoryNode(fdt: Fdt): FdtNode {
  const { addressCells, sizeCells } = cellsOf(fdt.root)
  const node = ensureNode(fdt, '/reserved-memory')
  if (node.children.length > 0) return node
  setProperty(node, '#address-cells', encodeCells([addressCells]))
  setProperty(node, '#size-cells', encodeCells([sizeCells]))
  setProperty(node, 'ranges', new Uint8Array())
  return node
}
