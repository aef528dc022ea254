/**
 * A device tree as bytes: works with offsets instead of objects, in the order and with the errors of libfdt. Use it to show
 * a tree byte for byte, or to change it in place; use `fdt.ts` to read its contents.
 */
import { fault } from '../../errors.js'
import {
  align,
  FDT_HEADER,
  FDT_HEADER_BYTES,
  FDT_MAGIC,
  FDT_MAX_ITEMS,
  FDT_MAX_NAME,
  FDT_RESERVATION_BYTES,
  FDT_TOKEN,
  FDT_VERSION,
} from './fdt-format.js'

/** Errors of libfdt, in its spelling. */
export type FdtErrorName =
  | 'FDT_ERR_NOTFOUND'
  | 'FDT_ERR_EXISTS'
  | 'FDT_ERR_NOSPACE'
  | 'FDT_ERR_BADOFFSET'
  | 'FDT_ERR_BADPATH'
  | 'FDT_ERR_TRUNCATED'
  | 'FDT_ERR_BADMAGIC'
  | 'FDT_ERR_BADVERSION'
  | 'FDT_ERR_BADSTRUCTURE'
  | 'FDT_ERR_BADLAYOUT'

/** A token of the structure block. `at` and `next` count from the block's start. */
export type FdtEvent =
  | { readonly kind: 'begin'; readonly at: number; readonly next: number; readonly name: string }
  | { readonly kind: 'property'; readonly at: number; readonly next: number; readonly property: FdtProperty }
  | { readonly kind: 'end' | 'nop'; readonly at: number; readonly next: number }

export interface FdtProperty {
  readonly name: string
  /** a view of the blob */
  readonly value: Uint8Array
  /** offset of the value from the start of the blob */
  readonly offset: number
}

/** Bytes that are enough to read the size of a blob. */
export const FDT_PROBE_BYTES = FDT_HEADER_BYTES[17]
const PROPERTY_HEADER_BYTES = 12
/** Tokens of the largest tree that is walked: each node has two. */
const MAX_TOKENS = 2 * FDT_MAX_ITEMS

/** The error of a libfdt call; `call` is spelled as U-Boot prints it, `fdt_setprop():`. */
export function fdtError(call: string, error: FdtErrorName) {
  return fault('FDT_EDIT', { call, error })
}

const wordAt = (bytes: Uint8Array, offset: number) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(offset)

/** The end of the last block. From there to the total size is free space for edits. */
export function fdtDataEnd(bytes: Uint8Array): number {
  const word = (field: keyof typeof FDT_HEADER) => wordAt(bytes, FDT_HEADER[field])
  if (word('version') === 16) return word('totalSize')
  return Math.max(word('structure') + word('structureSize'), word('strings') + word('stringsSize'))
}

/** The version of a tree, and the oldest version it is compatible with. */
export function fdtVersions(bytes: Uint8Array): { version: number; compatible: number } {
  return { version: wordAt(bytes, FDT_HEADER.version), compatible: wordAt(bytes, FDT_HEADER.compatible) }
}

/**
 * The error of a header; null if it is valid.
 *
 * @param bytes at least {@link FDT_PROBE_BYTES}; blocks must lie within the total size in the header
 */
export function checkFdtHeader(bytes: Uint8Array): FdtErrorName | null {
  const word = (field: keyof typeof FDT_HEADER) => wordAt(bytes, FDT_HEADER[field])
  if (word('magic') !== FDT_MAGIC) return 'FDT_ERR_BADMAGIC'
  const { version, compatible } = fdtVersions(bytes)
  if (version < FDT_VERSION.oldest || compatible > FDT_VERSION.written || version < compatible)
    return 'FDT_ERR_BADVERSION'
  const header = version === 16 ? FDT_HEADER_BYTES[16] : FDT_HEADER_BYTES[17]
  const total = word('totalSize')
  const blocks = [
    [word('reservations'), 0],
    [word('structure'), version === 16 ? 0 : word('structureSize')],
    [word('strings'), word('stringsSize')],
  ] as const
  const inside = blocks.every(([offset, size]) => offset >= header && offset + size <= total)
  return total >= header && inside ? null : 'FDT_ERR_TRUNCATED'
}

/** Whether a node has this name, with any unit address if `wanted` has none. */
const sameNode = (name: string, wanted: string) =>
  name === wanted || (!wanted.includes('@') && name.startsWith(`${wanted}@`))

export class FdtBlob {
  #bytes: Uint8Array

  /**
   * @param bytes the blob, at least up to the end of its last block
   * @throws FDT_EDIT if its header is invalid
   */
  constructor(bytes: Uint8Array) {
    const error =
      bytes.length < FDT_PROBE_BYTES
        ? 'FDT_ERR_TRUNCATED'
        : (checkFdtHeader(bytes) ?? (fdtDataEnd(bytes) > bytes.length ? 'FDT_ERR_TRUNCATED' : null))
    if (error !== null) throw fdtError('fdt_check_header():', error)
    this.#bytes = bytes
  }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** Use another buffer with the same content. */
  protected replaceBytes(bytes: Uint8Array): void {
    this.#bytes = bytes
  }

  /** A word of the header. */
  header(field: keyof typeof FDT_HEADER): number {
    return wordAt(this.#bytes, FDT_HEADER[field])
  }

  /** Bytes of the structure block; before version 17, the header does not have its size. */
  get structureSize(): number {
    return this.header('version') === 16
      ? this.header('totalSize') - this.header('structure')
      : this.header('structureSize')
  }

  /** The token at `at`, possibly a NOP. FDT_END is an error like any invalid token: no caller reads beyond the root. */
  event(at: number): FdtEvent {
    const base = this.header('structure')
    const end = this.structureSize
    const broken = () => fdtError('fdt_next_tag():', 'FDT_ERR_BADSTRUCTURE')
    if (at < 0 || at % 4 !== 0 || at + 4 > end) throw broken()
    const token = wordAt(this.#bytes, base + at)
    if (token === FDT_TOKEN.endNode) return { kind: 'end', at, next: at + 4 }
    if (token === FDT_TOKEN.nop) return { kind: 'nop', at, next: at + 4 }
    if (token === FDT_TOKEN.beginNode) {
      const rest = this.#bytes.subarray(base + at + 4, Math.min(base + end, base + at + 4 + FDT_MAX_NAME + 1))
      const length = rest.indexOf(0)
      if (length === -1) throw broken()
      const name = Buffer.from(rest.subarray(0, length)).toString('latin1')
      return { kind: 'begin', at, next: align(at + 4 + length + 1, 4), name }
    }
    if (token !== FDT_TOKEN.property || at + PROPERTY_HEADER_BYTES > end) throw broken()
    const size = wordAt(this.#bytes, base + at + 4)
    const next = align(at + PROPERTY_HEADER_BYTES + size, 4)
    if (next > end) throw broken()
    const offset = base + at + PROPERTY_HEADER_BYTES
    const name = this.#string(wordAt(this.#bytes, base + at + 8))
    return {
      kind: 'property',
      at,
      next,
      property: { name, value: this.#bytes.subarray(offset, offset + size), offset },
    }
  }

  /** A name in the strings block, cut to {@link FDT_MAX_NAME} characters; empty if `offset` is outside. */
  #string(offset: number): string {
    const start = this.header('strings') + offset
    const end = this.header('strings') + this.header('stringsSize')
    if (start >= end) return ''
    const rest = this.#bytes.subarray(start, Math.min(end, start + FDT_MAX_NAME))
    const length = rest.indexOf(0)
    return Buffer.from(rest.subarray(0, length === -1 ? rest.length : length)).toString('latin1')
  }

  /** Tokens of a node, from its own FDT_BEGIN_NODE to its FDT_END_NODE. */
  *walk(node: number): Generator<FdtEvent> {
    let depth = 0
    let at = node
    let tokens = 0
    do {
      if (++tokens > MAX_TOKENS) throw fdtError('fdt_next_tag():', 'FDT_ERR_BADSTRUCTURE')
      const event = this.event(at)
      if (event.kind === 'begin') depth++
      if (event.kind === 'end') depth--
      yield event
      at = event.next
    } while (depth > 0)
  }

  /** Children of a node, in order. */
  *children(node: number): Generator<{ readonly at: number; readonly name: string }> {
    let depth = 0
    for (const event of this.walk(node)) {
      if (event.kind === 'begin' && depth++ === 1) yield { at: event.at, name: event.name }
      if (event.kind === 'end') depth--
    }
  }

  /** Properties of a node, in order. */
  *properties(node: number): Generator<FdtProperty & { readonly at: number; readonly next: number }> {
    let event = this.event(this.event(node).next)
    let tokens = 0
    while (event.kind === 'property' || event.kind === 'nop') {
      if (++tokens > MAX_TOKENS) throw fdtError('fdt_next_tag():', 'FDT_ERR_BADSTRUCTURE')
      if (event.kind === 'property') yield { ...event.property, at: event.at, next: event.next }
      event = this.event(event.next)
    }
  }

  /** A child by name, with any unit address if `name` has none; null if there is none. */
  child(node: number, name: string): number | null {
    for (const { at, name: found } of this.children(node)) if (sameNode(found, name)) return at
    return null
  }

  property(node: number, name: string): (FdtProperty & { readonly at: number; readonly next: number }) | null {
    for (const property of this.properties(node)) if (property.name === name) return property
    return null
  }

  /**
   * The node at a path. Without a leading slash, the first name is an alias.
   *
   * @throws FDT_EDIT: FDT_ERR_NOTFOUND, FDT_ERR_BADPATH for an unknown alias
   */
  node(path: string): number {
    const [first = '', ...rest] = path.split('/')
    let names = rest
    if (!path.startsWith('/')) {
      const aliased = this.#alias(first)
      if (aliased === null) throw fdtError('fdt_path_offset() returned', 'FDT_ERR_BADPATH')
      names = [...aliased.split('/'), ...rest]
    }
    let node = 0
    for (const name of names.filter(name => name !== '')) {
      const child = this.child(node, name)
      if (child === null) throw fdtError('fdt_path_offset() returned', 'FDT_ERR_NOTFOUND')
      node = child
    }
    return node
  }

  #alias(name: string): string | null {
    const aliases = this.child(0, 'aliases')
    const value = aliases === null ? null : this.property(aliases, name)?.value
    const path = value ? Buffer.from(value).toString('latin1').replace(/\0.*$/s, '') : ''
    return path.startsWith('/') ? path : null
  }

  /** Ranges that the kernel must not use, up to the first of size 0. */
  reservations(): { address: bigint; size: bigint }[] {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length)
    const found: { address: bigint; size: bigint }[] = []
    let at = this.header('reservations')
    for (; at + FDT_RESERVATION_BYTES <= this.#bytes.length; at += FDT_RESERVATION_BYTES) {
      const size = view.getBigUint64(at + 8)
      if (size === 0n) break
      found.push({ address: view.getBigUint64(at), size })
    }
    return found
  }
}
