/**
 * Device tree overlays, as `dtc -@` makes them and libfdt applies them (dtc `Documentation/dt-object-internal.txt`).
 *
 * An overlay is a separate tree: its phandles start from 1 again, its references to its own nodes are listed in
 * `__local_fixups__`, and its references to labels of the base in `__fixups__`. Each `fragment` names the node of the base
 * into which its `__overlay__` is merged.
 */
import { fault } from '../../errors.js'
import type { Fdt, FdtNode } from './fdt.js'
import { FDT_MAX_BYTES, FDT_MAX_ITEMS } from './fdt-format.js'
import {
  encodeCells,
  encodeString,
  ensureNode,
  exactChild,
  findNode,
  propCells,
  propString,
  propStrings,
} from './fdt-query.js'

const CELL_BYTES = 4
/** 0 and 0xffffffff are not valid phandles (Devicetree Specification v0.4, section 2.3.3). */
const MAX_PHANDLE = 0xffff_fffe
/** `linux,phandle` is the older name. A node may have both, with the same value. */
const PHANDLE_NAMES = ['phandle', 'linux,phandle'] as const

/** A part of the overlay that is merged into one node of the base. */
interface Fragment {
  readonly path: string
  readonly node: FdtNode
  readonly content: FdtNode
}

function cloneNode(node: FdtNode): FdtNode {
  return { name: node.name, properties: new Map(node.properties), children: node.children.map(cloneNode) }
}

function phandleOf(node: FdtNode): number | null {
  for (const name of PHANDLE_NAMES) {
    const phandle = propCells(node, name)?.[0]
    if (phandle !== undefined) return phandle
  }
  return null
}

/** Every node of a tree with its path, parents first. The root's path is empty. */
function* walk(node: FdtNode, path = ''): Generator<{ node: FdtNode; path: string }> {
  yield { node, path }
  for (const child of node.children) yield* walk(child, `${path}/${child.name}`)
}

/** Applies one overlay. Both trees are copies, which it modifies. */
class OverlayMerge {
  readonly #what: string
  readonly #base: Fdt
  readonly #overlay: Fdt
  /** added to the overlay's own phandles, so that none collides with the base */
  readonly #delta: number
  readonly #fragments: readonly Fragment[]
  /** the base's nodes, including merged ones */
  readonly #paths = new Map<FdtNode, string>()
  readonly #byPhandle = new Map<number, FdtNode>()
  /** values that were already copied, so they can be modified */
  readonly #patched = new WeakSet<Uint8Array>()

  constructor(base: Fdt, overlay: Fdt, what: string) {
    this.#what = what
    this.#base = { ...base, root: cloneNode(base.root) }
    this.#overlay = { ...overlay, root: cloneNode(overlay.root) }
    this.#index(this.#base.root, '')
    this.#delta = [...this.#byPhandle.keys()].reduce((most, phandle) => Math.max(most, phandle), 0)
    this.#fragments = this.#overlay.root.children.flatMap(node => {
      const content = exactChild(node, '__overlay__')
      return content === null ? [] : [{ path: `/${node.name}`, node, content }]
    })
  }

  apply(): Fdt {
    if (this.#fragments.length === 0)
      throw this.#fail('/', 'it has no fragment; maybe it is not an overlay but a device tree')
    this.#renumber()
    this.#fixReferencesToBase()
    this.#fixReferencesToItself(this.#keptPhandles())
    const targets = new Map<string, string>()
    for (const fragment of this.#fragments) {
      const target = this.#target(fragment)
      if (target === null) throw this.#missing(fragment.path, 'such target')
      const path = this.#paths.get(target) ?? ''
      targets.set(fragment.path, path)
      this.#merge(target, fragment.content, path)
    }
    this.#addSymbols(targets)
    this.#checkSize()
    return this.#base
  }

  /** Many overlays must not make what one tree may not be. */
  #checkSize(): void {
    let [items, bytes] = [0, 0]
    for (const { node } of walk(this.#base.root)) {
      items += 1 + node.properties.size
      for (const value of node.properties.values()) bytes += value.length
    }
    const merged = (size: string, most: string) =>
      this.#fail('/', `the merged tree has ${size}, at most ${most} are possible`)
    if (items > FDT_MAX_ITEMS) throw merged(`${items}`, `${FDT_MAX_ITEMS} nodes and properties`)
    if (bytes > FDT_MAX_BYTES) throw merged(`${bytes}`, `${FDT_MAX_BYTES} bytes`)
  }

  #missing(where: string, missing: string) {
    return fault('FDT_OVERLAY_BASE', { what: this.#what, where, missing })
  }

  #fail(where: string, reason: string) {
    return fault('FDT_OVERLAY', { what: this.#what, where, reason })
  }

  /** Index a subtree of the base by path and by phandle. The root's path is empty, so that children append to it. */
  #index(top: FdtNode, path: string): void {
    for (const { node, path: below } of walk(top, path)) {
      this.#paths.set(node, below)
      const phandle = phandleOf(node)
      if (phandle !== null) this.#byPhandle.set(phandle, node)
    }
  }

  /** Give the overlay's nodes phandles that the base does not use. */
  #renumber(): void {
    for (const { node, path } of walk(this.#overlay.root)) {
      const phandle = phandleOf(node)
      if (phandle === null) continue
      if (phandle === 0 || phandle + this.#delta > MAX_PHANDLE) {
        throw this.#fail(
          path || '/',
          `phandle ${phandle} cannot be raised by ${this.#delta}, the highest phandle of the base`,
        )
      }
      for (const name of PHANDLE_NAMES) {
        if (node.properties.has(name)) node.properties.set(name, encodeCells([phandle + this.#delta]))
      }
    }
  }

  /** Replace one cell of one property. `offset` is in bytes. */
  #patch(path: string, name: string, offset: number, change: (cell: number) => number): void {
    const node = findNode(this.#overlay, path)
    const value = node?.properties.get(name)
    if (node === null || value === undefined)
      throw this.#fail(path, `a fixup names the property ${name}, which does not exist`)
    if (offset + CELL_BYTES > value.length) {
      throw this.#fail(
        `${path} ${name}`,
        `a fixup at byte ${offset} lies outside the ${value.length} bytes of the property`,
      )
    }
    const patched = this.#patched.has(value) ? value : new Uint8Array(value)
    const view = new DataView(patched.buffer, patched.byteOffset, patched.length)
    view.setUint32(offset, change(view.getUint32(offset)))
    this.#patched.add(patched)
    node.properties.set(name, patched)
  }

  /** `__fixups__`: for each label of the base, where to write its phandle in the overlay (`path:property:offset`). */
  #fixReferencesToBase(): void {
    const fixups = exactChild(this.#overlay.root, '__fixups__')
    if (fixups === null) return
    const symbols = exactChild(this.#base.root, '__symbols__')
    if (symbols === null) throw this.#missing('/__fixups__', '__symbols__; compile it with `dtc -@`')
    for (const label of fixups.properties.keys()) {
      const path = propString(symbols, label)
      const target = path === null ? null : findNode(this.#base, path)
      const phandle = target && phandleOf(target)
      if (phandle === null) throw this.#missing(`/__fixups__ ${label}`, 'such label with a phandle')
      for (const place of propStrings(fixups, label) ?? []) {
        const [, at, name, offset] = /^(\/[^:]*):([^:]+):(\d{1,9})$/.exec(place) ?? []
        if (at === undefined || name === undefined) {
          throw this.#fail(`/__fixups__ ${label}`, `${JSON.stringify(place)} is not PATH:PROPERTY:OFFSET`)
        }
        this.#patch(at, name, Number(offset), () => phandle)
      }
    }
  }

  /**
   * Phandles of overlay nodes that are merged into base nodes which already have a phandle. The base's phandle stays,
   * because the base refers to it.
   */
  #keptPhandles(): Map<number, number> {
    const kept = new Map<number, number>()
    const pair = (target: FdtNode, source: FdtNode) => {
      const [own, base] = [phandleOf(source), phandleOf(target)]
      if (own !== null && base !== null) kept.set(own, base)
      for (const child of source.children) {
        const existing = exactChild(target, child.name)
        if (existing !== null) pair(existing, child)
      }
    }
    for (const fragment of this.#fragments) {
      const target = this.#target(fragment)
      if (target !== null) pair(target, fragment.content)
    }
    return kept
  }

  /** `__local_fixups__`: a tree like the overlay's whose properties list the offsets of phandles. */
  #fixReferencesToItself(kept: ReadonlyMap<number, number>): void {
    const fixups = exactChild(this.#overlay.root, '__local_fixups__')
    if (fixups === null) return
    for (const { node, path } of walk(fixups)) {
      for (const name of node.properties.keys()) {
        for (const offset of propCells(node, name) ?? []) {
          this.#patch(path || '/', name, offset, cell => kept.get(cell + this.#delta) ?? (cell + this.#delta) >>> 0)
        }
      }
    }
  }

  /** The node into which a fragment is merged: `target` is a phandle, `target-path` a path. */
  #target({ node, path }: Fragment): FdtNode | null {
    const phandle = propCells(node, 'target')?.[0]
    if (phandle !== undefined) return this.#byPhandle.get(phandle) ?? null
    const targetPath = propString(node, 'target-path')
    if (targetPath === null) throw this.#fail(path, 'it has neither target nor target-path')
    return findNode(this.#base, targetPath)
  }

  /** Properties replace those of the same name, children are merged recursively. */
  #merge(target: FdtNode, source: FdtNode, path: string): void {
    const kept = phandleOf(target)
    for (const [name, value] of source.properties) {
      if (kept === null || !PHANDLE_NAMES.some(phandle => phandle === name)) target.properties.set(name, value)
    }
    const phandle = phandleOf(target)
    if (phandle !== null) this.#byPhandle.set(phandle, target)
    const children = new Map(target.children.map(child => [child.name, child]))
    for (const child of source.children) {
      const existing = children.get(child.name)
      if (existing === undefined) {
        target.children.push(child)
        this.#index(child, `${path}/${child.name}`)
      } else {
        this.#merge(existing, child, `${path}/${child.name}`)
      }
    }
  }

  /** The overlay's labels become labels of the base, so that the next overlay can refer to them. */
  #addSymbols(targets: ReadonlyMap<string, string>): void {
    const symbols = exactChild(this.#overlay.root, '__symbols__')
    if (symbols === null) return
    const merged = ensureNode(this.#base, '/__symbols__')
    for (const label of symbols.properties.keys()) {
      const path = propString(symbols, label) ?? ''
      const [, fragment = '', rest = ''] = /^(\/[^/]+)\/__overlay__(\/.*)?$/.exec(path) ?? []
      const target = targets.get(fragment)
      // A label on the fragment itself, or outside all fragments, has no node in the base.
      if (target === undefined) continue
      merged.properties.set(label, encodeString(target + rest || '/'))
    }
  }
}

/**
 * Apply an overlay to a device tree. Neither is modified.
 *
 * @param base compiled with symbols (`dtc -@`) if the overlay refers to its labels
 * @param overlay a tree of fragments
 * @param what name of the overlay, for errors
 * @throws FDT_OVERLAY, FDT_OVERLAY_BASE if it does not fit, FORMAT_VALUE if a property of either is malformed
 */
export function applyOverlay(base: Fdt, overlay: Fdt, what = 'overlay'): Fdt {
  return new OverlayMerge(base, overlay, what).apply()
}
