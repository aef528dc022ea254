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
import { overlap, type Range } from './ranges.js'

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
  const [job, ramoops] = [JOB, RAMOOPS].map(compatible => {
    const node = reservedNode(fdt, compatible)
    const range = node === null ? null : rangeOf(fdt, node)
    return node === null || range === null || !node.properties.has('no-map') ? null : { node, range }
  })
  if (job == null || ramoops == null) return null
  const size = (name: string): number => propU32(ramoops.node, name) ?? 0
  const sizes = { recordSize: size('record-size'), consoleSize: size('console-size') }
  return { job: job.range, ramoops: { ...ramoops.range, ...sizes } }
}

/**
 * Reserve the kept memory of the running tree in the target's, so that its kernel leaves its messages there.
 *
 * @param fdt modified in place
 * @param running the tree of the first stage
 * @throws FORMAT_VALUE if a property is damaged
 */
export function addKeptMemory(fdt: Fdt, running: Fdt): KeptMemoryOutcome {
  const kept = keptMemory(running)
  if (kept === null) return 'none'
  const there = keptMemory(fdt)
  if (there !== null && there.ramoops.start === kept.ramoops.start && there.job.start === kept.job.start) return 'kept'
  if (reservedNode(fdt, RAMOOPS) !== null) return 'own'
  const taken = reservedMemory(fdt)
  if ([kept.job, kept.ramoops].some(range => taken.some(other => overlap(range, other) !== null))) return 'taken'
  const { addressCells, sizeCells } = cellsOf(fdt.root)
  const parent = reservedMemoryNode(fdt)
  for (const [compatible, { start, end }] of [
    [JOB, kept.job],
    [RAMOOPS, kept.ramoops],
  ] as const) {
    const node = reservedNode(running, compatible)
    if (node === null) continue
    const reg = Buffer.concat([encodeNumber(start, addressCells), encodeNumber(end - start, sizeCells)])
    const properties = new Map([...node.properties].filter(([name]) => !/phandle$/.test(name)))
    parent.children.push({ name: node.name, properties: properties.set('reg', new Uint8Array(reg)), children: [] })
  }
  return 'kept'
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
