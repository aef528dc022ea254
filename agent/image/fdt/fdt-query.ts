/** Reads and edits a device tree: nodes by path, properties by type (Devicetree Specification v0.4, chapter 2). */
import { fault } from '../../errors.js'
import { hex } from '../byte-reader.js'
import type { Fdt, FdtNode } from './fdt.js'

/** A range in `reg`. */
export interface FdtReg {
  /** physical address, or address on the parent bus */
  readonly address: bigint
  /** bytes; 0n if sizes have no cells */
  readonly size: bigint
}

/** Defaults for a node without these properties (section 2.3.5). */
const DEFAULT_CELLS = { addressCells: 2, sizeCells: 1 } as const
const CELL_BYTES = 4
/** Cells of a 64-bit number; PCI's three cells are not a plain address. A tree may claim billions. */
const MAX_CELLS = 2
/** Cells that an address, and a size, may have. */
const POSSIBLE_CELLS = { '#address-cells': [1, MAX_CELLS], '#size-cells': [0, MAX_CELLS] } as const

function malformed(node: FdtNode, name: string, expected: string, found: string) {
  return fault('FORMAT_VALUE', { what: 'device tree', where: `${node.name || '/'} ${name}`, expected, found })
}

/** Children by name, and by name without the unit address; the null of a name that several have. */
interface ChildIndex {
  /** children that it has; more may have come since, none ever goes */
  size: number
  readonly byName: Map<string, FdtNode>
  readonly byStem: Map<string, FdtNode | null>
}

const INDEXES = new WeakMap<FdtNode, ChildIndex>()

/** An index, because a search would make the work for an overlay grow with the square of its nodes. */
function indexOf(node: FdtNode): ChildIndex {
  const index = INDEXES.get(node) ?? { size: 0, byName: new Map(), byStem: new Map() }
  INDEXES.set(node, index)
  for (; index.size < node.children.length; index.size++) {
    const child = node.children[index.size] as FdtNode
    if (!index.byName.has(child.name)) index.byName.set(child.name, child)
    const at = child.name.indexOf('@')
    const stem = child.name.slice(0, at)
    if (at !== -1) index.byStem.set(stem, index.byStem.has(stem) ? null : child)
  }
  return index
}

/** The child of exactly this name. */
export const exactChild = (node: FdtNode, name: string): FdtNode | null => indexOf(node).byName.get(name) ?? null

/**
 * The child of this name. The unit address may be omitted if only one child has the name.
 *
 * @param name `memory@40000000`, or `memory`
 */
export function childNode(node: FdtNode, name: string): FdtNode | null {
  return exactChild(node, name) ?? indexOf(node).byStem.get(name) ?? null
}

const segments = (path: string) => path.split('/').filter(segment => segment !== '')

const descend = (from: FdtNode, names: readonly string[]) =>
  names.reduce<FdtNode | null>((node, name) => node && childNode(node, name), from)

/**
 * The node at a path.
 *
 * @param path `/`, `/soc/serial@1c28000`; unit addresses may be omitted if the name is unique. Without a leading
 *   slash, the first name is an alias (section 3.3).
 */
export function findNode(fdt: Fdt, path: string): FdtNode | null {
  const names = segments(path)
  if (path.startsWith('/')) return descend(fdt.root, names)
  const aliases = childNode(fdt.root, 'aliases')
  const target = aliases && propString(aliases, names[0] ?? '')
  const aliased = target?.startsWith('/') ? descend(fdt.root, segments(target)) : null
  return aliased && descend(aliased, names.slice(1))
}

/** The node at a path. It and its parents are created if they are missing. */
export function ensureNode(fdt: Fdt, path: string): FdtNode {
  let node = fdt.root
  for (const name of segments(path)) {
    let child = childNode(node, name)
    if (child === null) {
      child = { name, properties: new Map(), children: [] }
      node.children.push(child)
    }
    node = child
  }
  return node
}

/** Set or add a property. `bytes` is kept, not copied. */
export function setProperty(node: FdtNode, name: string, bytes: Uint8Array): void {
  node.properties.set(name, bytes)
}

/** Remove a property. @returns false if there was none */
export function removeProperty(node: FdtNode, name: string): boolean {
  return node.properties.delete(name)
}

/**
 * A list of strings, null if the property is missing. An empty property is an empty list.
 *
 * @throws FORMAT_VALUE if the last string does not end with a NUL
 */
export function propStrings(node: FdtNode, name: string): string[] | null {
  const bytes = node.properties.get(name)
  if (bytes === undefined) return null
  if (bytes.length === 0) return []
  if (bytes.at(-1) !== 0) throw malformed(node, name, 'a string that ends with a NUL', 'none')
  return Buffer.from(bytes.subarray(0, -1)).toString('utf8').split('\0')
}

/**
 * A string, or the first one of a list; null if the property is missing or empty.
 *
 * @throws FORMAT_VALUE if it does not end with a NUL
 */
export function propString(node: FdtNode, name: string): string | null {
  return propStrings(node, name)?.[0] ?? null
}

/**
 * 32-bit cells, null if the property is missing.
 *
 * @throws FORMAT_VALUE if the length is not a multiple of four
 */
export function propCells(node: FdtNode, name: string): number[] | null {
  const bytes = node.properties.get(name)
  if (bytes === undefined) return null
  if (bytes.length % CELL_BYTES !== 0) throw malformed(node, name, 'whole cells', `${hex(bytes.length)} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / CELL_BYTES }, (_, i) => view.getUint32(i * CELL_BYTES))
}

/**
 * One 32-bit cell, null if the property is missing.
 *
 * @throws FORMAT_VALUE if it is not exactly one cell
 */
export function propU32(node: FdtNode, name: string): number | null {
  const cells = propCells(node, name)
  if (cells === null) return null
  const [cell, ...more] = cells
  if (cell === undefined || more.length > 0) throw malformed(node, name, 'one cell', `${cells.length}`)
  return cell
}

function cellCount(node: FdtNode, name: keyof typeof POSSIBLE_CELLS, missing: number): number {
  const cells = propU32(node, name) ?? missing
  const [least, most] = POSSIBLE_CELLS[name]
  if (cells >= least && cells <= most) return cells
  throw malformed(node, name, `${least} to ${most} cells`, `${cells}`)
}

/**
 * The numbers of cells in the addresses and sizes of a node's children (section 2.3.5).
 *
 * @throws FORMAT_VALUE if it is not 1 or 2 for addresses, 0 to 2 for sizes
 */
export function cellsOf(node: FdtNode): { addressCells: number; sizeCells: number } {
  return {
    addressCells: cellCount(node, '#address-cells', DEFAULT_CELLS.addressCells),
    sizeCells: cellCount(node, '#size-cells', DEFAULT_CELLS.sizeCells),
  }
}

/** A number of up to two cells, the most significant first. `at` counts cells. */
function joinCells(view: DataView, at: number, cells: number): bigint {
  if (cells === MAX_CELLS) return view.getBigUint64(at * CELL_BYTES)
  return cells === 0 ? 0n : BigInt(view.getUint32(at * CELL_BYTES))
}

/**
 * The ranges of `reg`, none if the property is missing.
 *
 * @param addressCells cells of an address, from the parent (`cellsOf`)
 * @param sizeCells cells of a size, likewise
 * @throws FORMAT_VALUE if the last range is incomplete, or a number has more than 64 bits
 */
export function readRegs(node: FdtNode, addressCells: number, sizeCells: number): FdtReg[] {
  if (addressCells < 1 || addressCells > MAX_CELLS || sizeCells > MAX_CELLS) {
    throw malformed(node, 'reg', 'addresses of 1 or 2 cells, sizes of 0 to 2', `${addressCells} and ${sizeCells}`)
  }
  const bytes = node.properties.get('reg') ?? new Uint8Array()
  const step = addressCells + sizeCells
  if (bytes.length % CELL_BYTES !== 0) throw malformed(node, 'reg', 'whole cells', `${hex(bytes.length)} bytes`)
  const count = bytes.length / CELL_BYTES
  if (count % step !== 0) throw malformed(node, 'reg', `a multiple of ${step} cells`, `${count} cells`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: count / step }, (_, i) => ({
    address: joinCells(view, i * step, addressCells),
    size: joinCells(view, i * step + addressCells, sizeCells),
  }))
}

/** Cells in the form of a property. */
export function encodeCells(cells: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(cells.length * CELL_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [i, cell] of cells.entries()) view.setUint32(i * CELL_BYTES, cell)
  return bytes
}

/**
 * A number as `cells` cells, the most significant first, such as an address in the root's number of cells.
 *
 * @throws FORMAT_VALUE if it does not fit, or if `cells` is not 0, 1 or 2
 */
export function encodeNumber(value: number | bigint, cells: number): Uint8Array {
  const whole = BigInt(value)
  const possible = cells === 0 || cells === 1 || cells === MAX_CELLS
  if (!possible || whole < 0n || whole >> BigInt(cells * 32) !== 0n) {
    throw fault('FORMAT_VALUE', { what: 'device tree', where: 'cells', expected: `${cells} cells`, found: hex(whole) })
  }
  return encodeCells(
    Array.from({ length: cells }, (_, i) => Number((whole >> BigInt((cells - 1 - i) * 32)) & 0xffff_ffffn)),
  )
}

/** A string in the form of a property, with its NUL. */
export function encodeString(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(`${text}\0`, 'utf8'))
}
