/** Writes a flattened device tree, version 17. */
import { fault } from '../../errors.js'
import {
  align,
  FDT_HEADER,
  FDT_HEADER_BYTES,
  FDT_MAGIC,
  FDT_MAX_DEPTH,
  FDT_RESERVATION_BYTES,
  FDT_TOKEN,
  FDT_VERSION,
} from './fdt-format.js'
import type { Fdt, FdtNode } from './fdt-tree.js'

/** The strings block: each property name once, with its offset. */
class StringsBlock {
  readonly #offsets = new Map<string, number>()
  size = 0

  offset(name: string): number {
    const known = this.#offsets.get(name)
    if (known !== undefined) return known
    const offset = this.size
    this.#offsets.set(name, offset)
    this.size += name.length + 1
    return offset
  }

  write(bytes: Uint8Array, at: number): void {
    for (const [name, offset] of this.#offsets) bytes.set(Buffer.from(name, 'latin1'), at + offset)
  }
}

/** Bytes of a node in the structure block. Also collects the names of its properties. */
function measure(node: FdtNode, strings: StringsBlock, depth: number): number {
  if (depth > FDT_MAX_DEPTH) {
    throw fault('FORMAT_VALUE', {
      what: 'device tree',
      where: node.name,
      expected: `at most ${FDT_MAX_DEPTH} levels`,
      found: depth,
    })
  }
  let size = 4 + align(node.name.length + 1, 4) + 4
  for (const [name, value] of node.properties) {
    strings.offset(name)
    size += 12 + align(value.length, 4)
  }
  for (const child of node.children) size += measure(child, strings, depth + 1)
  return size
}

/** Writes words and bytes in sequence; gaps stay zero. */
class StructureWriter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
    this.#at = at
  }

  word(value: number): void {
    this.#view.setUint32(this.#at, value)
    this.#at += 4
  }

  /** Write a value and advance by `size` bytes, which may be more than it has. */
  #put(value: Uint8Array, size: number): void {
    this.#bytes.set(value, this.#at)
    this.#at += align(size, 4)
  }

  node(node: FdtNode, strings: StringsBlock): void {
    this.word(FDT_TOKEN.beginNode)
    this.#put(Buffer.from(node.name, 'latin1'), node.name.length + 1)
    for (const [name, value] of node.properties) {
      this.word(FDT_TOKEN.property)
      this.word(value.length)
      this.word(strings.offset(name))
      this.#put(value, value.length)
    }
    for (const child of node.children) this.node(child, strings)
    this.word(FDT_TOKEN.endNode)
  }
}

/**
 * Write a device tree as version 17: header, reservations, structure and strings, each at a multiple of 8 bytes.
 *
 * @param fdt the tree; properties are copied out of it
 * @param options `slack`: bytes of zeros at the end, within the total size, as free space for edits
 * @throws FORMAT_VALUE if the tree is too deep to be read again
 */
export function writeFdt(fdt: Fdt, { slack = 0 }: { slack?: number } = {}): Uint8Array {
  const strings = new StringsBlock()
  const structureSize = measure(fdt.root, strings, 1) + 4
  const reservations = align(FDT_HEADER_BYTES[17], 8)
  const structure = reservations + (fdt.reservations.length + 1) * FDT_RESERVATION_BYTES
  const stringsAt = align(structure + structureSize, 8)
  const totalSize = align(stringsAt + strings.size + slack, 8)
  const bytes = new Uint8Array(totalSize)
  const view = new DataView(bytes.buffer)
  const header = {
    magic: FDT_MAGIC,
    totalSize,
    structure,
    strings: stringsAt,
    reservations,
    version: FDT_VERSION.written,
    compatible: FDT_VERSION.oldest,
    bootCpu: fdt.bootCpu,
    stringsSize: strings.size,
    structureSize,
  }
  for (const [field, offset] of Object.entries(FDT_HEADER)) view.setUint32(offset, header[field as keyof typeof header])
  for (const [i, { address, size }] of fdt.reservations.entries()) {
    view.setBigUint64(reservations + i * FDT_RESERVATION_BYTES, address)
    view.setBigUint64(reservations + i * FDT_RESERVATION_BYTES + 8, size)
  }
  const writer = new StructureWriter(bytes, structure)
  writer.node(fdt.root, strings)
  writer.word(FDT_TOKEN.end)
  strings.write(bytes, stringsAt)
  return bytes
}
