/** Parses a flattened device tree. Nothing is copied: every property is a view of the blob. */
import { fault } from '../../errors.js'
import { ByteReader, hex } from '../byte-reader.js'
import {
  align,
  FDT_HEADER,
  FDT_HEADER_BYTES,
  FDT_MAGIC,
  FDT_MAX_BYTES,
  FDT_MAX_DEPTH,
  FDT_MAX_ITEMS,
  FDT_MAX_NAME,
  FDT_RESERVATION_BYTES,
  FDT_TOKEN,
  FDT_VERSION,
} from './fdt-format.js'
import type { Fdt, FdtNode, FdtReservation } from './fdt-tree.js'

/** Counts what is read: a tree of 100 MB is read in 20 s on a PC, during which nothing else happens. */
class ItemCount {
  #items = 0

  /** One more, at an offset. @throws FORMAT_VALUE */
  add(block: ByteReader, offset: number): void {
    if (++this.#items <= FDT_MAX_ITEMS) return
    throw block.malformed(offset, 'item', `at most ${FDT_MAX_ITEMS} nodes, properties and reservations`, 'more')
  }
}

/** Whether `bytes` start with the magic of a flattened device tree. */
export function isFdt(bytes: Uint8Array): boolean {
  return bytes.length >= FDT_HEADER_BYTES[16] && new ByteReader(bytes, '').u32be(0, 'magic') === FDT_MAGIC
}

/** A NUL-terminated name of printable ASCII: names end up in paths, logs and messages. */
function readName(block: ByteReader, offset: number, field: string): string {
  block.need(offset, 1, field)
  const window = block.bytes.subarray(offset, offset + FDT_MAX_NAME + 1)
  const length = window.indexOf(0)
  if (length === -1) throw block.malformed(offset, field, `a NUL within ${FDT_MAX_NAME} bytes`, 'none')
  const name = Buffer.from(window.subarray(0, length)).toString('latin1')
  if (!/^[\x21-\x7e]*$/.test(name)) throw block.malformed(offset, field, 'printable ASCII', JSON.stringify(name))
  return name
}

/**
 * Reads the structure block from its first token to FDT_END. Both readers start at the blob's first byte, so that errors
 * have offsets in the file, and end with their block.
 */
class StructureParser {
  readonly #block: ByteReader
  readonly #strings: ByteReader
  readonly #stringsOffset: number
  readonly #count: ItemCount
  /** property names already read, by offset: a tree has few names and many properties */
  readonly #names = new Map<number, string>()
  #at: number

  constructor(block: ByteReader, offset: number, strings: ByteReader, stringsOffset: number, count: ItemCount) {
    this.#count = count
    this.#block = block
    this.#at = offset
    this.#strings = strings
    this.#stringsOffset = stringsOffset
  }

  /** The whole tree: one root node, then FDT_END. */
  parse(): FdtNode {
    this.#expect(FDT_TOKEN.beginNode, 'first token', 'FDT_BEGIN_NODE')
    const root = this.#node('', 1)
    if (root.name !== '') throw this.#malformed('name of the root node', 'none', root.name)
    this.#expect(FDT_TOKEN.end, 'token after the root node', 'FDT_END')
    return root
  }

  #malformed(field: string, expected: string, found: string | number) {
    return this.#block.malformed(this.#at, field, expected, found)
  }

  #word(field: string): number {
    const word = this.#block.u32be(this.#at, field)
    this.#at += 4
    return word
  }

  #token(): number {
    for (;;) {
      const token = this.#word('token')
      if (token !== FDT_TOKEN.endNode && token !== FDT_TOKEN.end) this.#count.add(this.#block, this.#at)
      if (token !== FDT_TOKEN.nop) return token
    }
  }

  #expect(token: number, field: string, name: string): void {
    const found = this.#token()
    if (found !== token) throw this.#malformed(field, name, found)
  }

  /** A node, after its FDT_BEGIN_NODE, to its FDT_END_NODE. `parent` is the parent's path without a trailing slash. */
  #node(parent: string, depth: number): FdtNode {
    if (depth > FDT_MAX_DEPTH) throw this.#malformed('node', `at most ${FDT_MAX_DEPTH} levels`, depth)
    const name = readName(this.#block, this.#at, 'node name')
    if (name.includes('/')) throw this.#malformed('node name', 'a name without a slash', name)
    this.#at = align(this.#at + name.length + 1, 4)
    const path = depth === 1 ? '' : `${parent}/${name}`
    const node: FdtNode = { name, properties: new Map(), children: [] }
    const names = new Set([''])
    for (;;) {
      const token = this.#token()
      if (token === FDT_TOKEN.endNode) return node
      if (token === FDT_TOKEN.beginNode) {
        const child = this.#node(path, depth + 1)
        if (names.has(child.name)) throw this.#malformed(`${path}/${child.name}`, 'a unique name', 'a duplicate')
        names.add(child.name)
        node.children.push(child)
      } else if (token === FDT_TOKEN.property && node.children.length === 0) {
        this.#property(node, path)
      } else {
        const expected = node.children.length === 0 ? 'FDT_PROP, FDT_BEGIN_NODE' : 'FDT_BEGIN_NODE'
        throw this.#malformed(`token in ${path}/`, `${expected} or FDT_END_NODE`, token)
      }
    }
  }

  #property(node: FdtNode, path: string): void {
    const length = this.#word('property length')
    const name = this.#propertyName(this.#word('property name offset'))
    if (name === '') throw this.#malformed(`property of ${path}/`, 'a name', 'none')
    if (node.properties.has(name)) throw this.#malformed(`${path}/${name}`, 'a unique name', 'a duplicate')
    node.properties.set(name, this.#block.subarray(this.#at, length, `property ${path}/${name}`))
    this.#at = align(this.#at + length, 4)
  }

  #propertyName(offset: number): string {
    const known = this.#names.get(offset)
    if (known !== undefined) return known
    const name = readName(this.#strings, this.#stringsOffset + offset, 'property name')
    this.#names.set(offset, name)
    return name
  }
}

/** The memory reservation block: pairs of 64-bit numbers, ended by a pair of zeros (section 5.3). */
function readReservations(blob: ByteReader, offset: number, count: ItemCount): FdtReservation[] {
  const reservations: FdtReservation[] = []
  let at = offset
  for (;;) {
    const address = blob.u64be(at, 'memory reservation')
    const size = blob.u64be(at + 8, 'memory reservation')
    if (address === 0n && size === 0n) return reservations
    count.add(blob, at)
    reservations.push({ address, size })
    at += FDT_RESERVATION_BYTES
  }
}

/** The header's version, if it is a supported one. */
function readVersion(file: ByteReader): 16 | 17 {
  const version = file.u32be(FDT_HEADER.version, 'version')
  const compatible = file.u32be(FDT_HEADER.compatible, 'last compatible version')
  if (version >= FDT_VERSION.oldest && compatible <= FDT_VERSION.written) return version === 16 ? 16 : 17
  throw fault('FORMAT_UNSUPPORTED', {
    what: file.what,
    where: hex(FDT_HEADER.version),
    found: `version ${version}, compatible with ${compatible}`,
    expected: `${FDT_VERSION.oldest}, ${FDT_VERSION.written}`,
  })
}

/**
 * Parse a flattened device tree of version 16 or 17, or a later version compatible with 17.
 *
 * @param bytes the blob; bytes after its total size are ignored
 * @param what name of the blob, for errors
 * @param limit most bytes of the tree, without the free room at its end
 * @throws FORMAT_MAGIC, FORMAT_TRUNCATED, FORMAT_VALUE (a tree that is too large is one), FORMAT_UNSUPPORTED
 */
export function parseFdt(bytes: Uint8Array, what = 'dtb', limit = FDT_MAX_BYTES): Fdt {
  const file = new ByteReader(bytes, what)
  file.need(0, FDT_HEADER_BYTES[16], 'FDT header')
  file.magic(FDT_HEADER.magic, file.u32be(FDT_HEADER.magic, 'magic'), FDT_MAGIC)
  const version = readVersion(file)
  const totalSize = file.u32be(FDT_HEADER.totalSize, 'total size')
  const headerBytes = FDT_HEADER_BYTES[version]
  if (totalSize < headerBytes) {
    throw file.malformed(FDT_HEADER.totalSize, 'total size', `at least ${hex(headerBytes)}`, totalSize)
  }
  const count = new ItemCount()
  const blob = new ByteReader(file.subarray(0, totalSize, 'device tree'), what)

  const offsetOf = (field: 'reservations' | 'structure' | 'strings', alignment: number) => {
    const offset = blob.u32be(FDT_HEADER[field], field)
    if (offset >= headerBytes && offset % alignment === 0) return offset
    throw blob.malformed(FDT_HEADER[field], `offset of ${field}`, `a multiple of ${alignment} after the header`, offset)
  }
  /** A reader that ends with the block. */
  const block = (field: string, offset: number, size: number) => {
    blob.need(offset, size, field)
    return new ByteReader(blob.bytes.subarray(0, offset + size), what)
  }
  const structure = offsetOf('structure', 4)
  const structureSize = version === 16 ? totalSize - structure : blob.u32be(FDT_HEADER.structureSize, 'structure size')
  const strings = offsetOf('strings', 1)
  const stringsSize = blob.u32be(FDT_HEADER.stringsSize, 'strings size')
  const structureBlock = block('structure block', structure, structureSize)
  const stringsBlock = block('strings block', strings, stringsSize)
  const end = Math.max(structure + (version === 16 ? 0 : structureSize), strings + stringsSize)
  // Not the total size: U-Boot reads LAVA's `fdt resize 1048576` as hexadecimal, and makes room of 17 MiB.
  if (end > limit) throw file.malformed(FDT_HEADER.totalSize, 'end of the blocks', `at most ${hex(limit)}`, end)
  const parser = new StructureParser(structureBlock, structure, stringsBlock, strings, count)
  return {
    root: parser.parse(),
    reservations: readReservations(blob, offsetOf('reservations', 8), count),
    bootCpu: blob.u32be(FDT_HEADER.bootCpu, 'boot CPU'),
  }
}
