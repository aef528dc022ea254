/**
 * Device tree overlays, as `dtc -@` makes them and libfdt applies them (dtc `Documentation/dt-object-internal.txt`).
 *
 * An overlay is a tree of its own: its phandles start from 1 again, its references to itself are listed in
 * `__local_fixups__`, its references to labels of the base in `__fixups__`. Each `fragment` says where in the base its
 * `__overlay__` goes.
 */
import { fault } from '../../errors.js'
import type { Fdt, FdtNode } from './fdt.js'
import { encodeCells, encodeString, ensureNode, findNode, propCells, propString, propStrings } from './fdt-query.js'

const CELL_BYTES = 4
/** 0 and 0xffffffff are no phandles (Devicetree Specification v0.4, section 2.3.3). */
const MAX_PHANDLE = 0xffff_fffe
/** `linux,phandle` is the older name; both may be there, with one value. */
const PHANDLE_NAMES = ['phandle', 'linux,phandle'] as const

/** One place of the overlay that goes into one node of the base. */
interface Fragment {
  readonly path: string
  readonly node: FdtNode
  readonly content: FdtNode
}

function cloneNode(node: FdtNode): FdtNode {
  return { name: node.name, properties: new Map(node.properties), children: node.children.map(cloneNode) }
}

const exactChild = (node: FdtNode, name: string) => node.children.find(child => child.name === name)

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

/** The work on one overlay: both trees are copies that may be changed. */
class OverlayMerge {
  readonly #what: string
  readonly #base: Fdt
  readonly #overlay: Fdt
  /** what is added to the overlay's own phandles, so that none is taken by the base */
  readonly #delta: number
  readonly #fragments: readonly Fragment[]
  /** the base's nodes, those merged into it too */
  readonly #paths = new Map<FdtNode, string>()
  readonly #byPhandle = new Map<number, FdtNode>()
  /** values that are copies already and may be written into */
  readonly #patched = new WeakSet<Uint8Array>()

  constructor(base: Fdt, overlay: Fdt, what: string) {
    this.#what = what
    this.#base = { ...base, root: cloneNode(base.root) }
    this.#overlay = { ...overlay, root: cloneNode(overlay.root) }
    this.#index(this.#base.root, '')
    this.#delta = [...this.#byPhandle.keys()].reduce((most, phandle) => Math.max(most, phandle), 0)
    this.#fragments = this.#overlay.root.children.flatMap(node => {
      const content = exactChild(node, '__overlay__')
      return content === undefined ? [] : [{ path: `/${node.name}`, node, content }]
    })
  }

  apply(): Fdt {
    if (this.#fragments.length === 0) throw this.#fail('/', 'it has no fragment: is it a whole device tree?')
    this.#renumber()
    this.#fixReferencesToBase()
    this.#fixReferencesToItself(this.#keptPhandles())
    const targets = new Map<string, string>()
    for (const fragment of this.#fragments) {
      const target = this.#target(fragment)
      if (target === null) throw this.#fail(fragment.path, 'the base has no such target')
      const path = this.#paths.get(target) ?? ''
      targets.set(fragment.path, path)
      this.#merge(target, fragment.content, path)
    }
    this.#addSymbols(targets)
    return this.#base
  }

  #fail(where: string, reason: string) {
    return fault('FDT_OVERLAY', { what: this.#what, where, reason })
  }

  /** Know a subtree of the base by path and by phandle. The root's path is empty, so that children append to it. */
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
        throw this.#fail(path || '/', `phandle ${phandle} plus ${this.#delta} of the base is none`)
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
      throw this.#fail(path, `a fixup names property ${name}, which is not there`)
    if (offset + CELL_BYTES > value.length) {
      throw this.#fail(`${path} ${name}`, `a fixup at byte ${offset} lies outside its ${value.length} bytes`)
    }
    const patched = this.#patched.has(value) ? value : new Uint8Array(value)
    const view = new DataView(patched.buffer, patched.byteOffset, patched.length)
    view.setUint32(offset, change(view.getUint32(offset)))
    this.#patched.add(patched)
    node.properties.set(name, patched)
  }

  /** `__fixups__`: for each label of the base, where in the overlay its phandle belongs (`path:property:offset`). */
  #fixReferencesToBase(): void {
    const fixups = exactChild(this.#overlay.root, '__fixups__')
    if (fixups === undefined) return
    const symbols = exactChild(this.#base.root, '__symbols__')
    if (symbols === undefined) throw this.#fail('/__fixups__', 'the base has no __symbols__: build it with `dtc -@`')
    for (const label of fixups.properties.keys()) {
      const path = propString(symbols, label)
      const target = path === null ? null : findNode(this.#base, path)
      const phandle = target && phandleOf(target)
      if (phandle === null) throw this.#fail(`/__fixups__ ${label}`, 'the base has no such label with a phandle')
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
   * Phandles of the overlay, renumbered, whose node lands on a node of the base that has a phandle already. The base's
   * stays, for the base refers to it.
   */
  #keptPhandles(): Map<number, number> {
    const kept = new Map<number, number>()
    const pair = (target: FdtNode, source: FdtNode) => {
      const [own, base] = [phandleOf(source), phandleOf(target)]
      if (own !== null && base !== null) kept.set(own, base)
      for (const child of source.children) {
        const existing = exactChild(target, child.name)
        if (existing !== undefined) pair(existing, child)
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
    if (fixups === undefined) return
    for (const { node, path } of walk(fixups)) {
      for (const name of node.properties.keys()) {
        for (const offset of propCells(node, name) ?? []) {
          this.#patch(path || '/', name, offset, cell => kept.get(cell + this.#delta) ?? (cell + this.#delta) >>> 0)
        }
      }
    }
  }

  /** Where a fragment goes: `target` is a phandle, `target-path` a path. */
  #target({ node, path }: Fragment): FdtNode | null {
    const phandle = propCells(node, 'target')?.[0]
    if (phandle !== undefined) return this.#byPhandle.get(phandle) ?? null
    const targetPath = propString(node, 'target-path')
    if (targetPath === null) throw this.#fail(path, 'it has neither target nor target-path')
    return findNode(this.#base, targetPath)
  }

  /** Properties replace those of the same name, children are merged likewise. */
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
    if (symbols === undefined) return
    const merged = ensureNode(this.#base, '/__symbols__')
    for (const label of symbols.properties.keys()) {
      const path = propString(symbols, label) ?? ''
      const [, fragment = '', rest = ''] = /^(\/[^/]+)\/__overlay__(\/.*)?$/.exec(path) ?? []
      const target = targets.get(fragment)
      // a label on the fragment itself, or outside of all, has no place in the base
      if (target === undefined) continue
      merged.properties.set(label, encodeString(target + rest || '/'))
    }
  }
}

/**
 * Apply an overlay to a device tree. Neither is changed.
 *
 * @param base built with symbols (`dtc -@`) when the overlay refers to its labels
 * @param overlay a tree of fragments
 * @param what name of the overlay, for errors
 * @throws FDT_OVERLAY when it does not fit, FORMAT_VALUE when a property of either is malformed
 */
export function applyOverlay(base: Fdt, overlay: Fdt, what = 'overlay'): Fdt {
  return new OverlayMerge(base, overlay, what).apply()
}
