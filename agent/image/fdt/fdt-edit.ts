/**
 * Edits a device tree in place, with the same resulting bytes as libfdt: a new property comes first, a new node before its
 * siblings, names of properties are appended and never removed, and everything has to fit into the total size.
 */
import { FdtBlob, fdtDataEnd, fdtError } from './fdt-blob.js'
import { align, FDT_HEADER, FDT_HEADER_BYTES, FDT_RESERVATION_BYTES, FDT_TOKEN, FDT_VERSION } from './fdt-format.js'

const PROPERTY_HEADER_BYTES = 12
const PAGE = 0x1000
/** Reservations that `fdt resize` leaves room for: one for the tree, four for a ramdisk. */
const SPARE_RESERVATIONS = 5

export class FdtEditor extends FdtBlob {
  /**
   * Copy a blob into a larger buffer, with its blocks in the order that edits need.
   *
   * @param size total size of the copy, bytes
   * @throws FDT_EDIT: FDT_ERR_NOSPACE if it does not fit
   */
  static open(bytes: Uint8Array, size: number): FdtEditor {
    const blob = new FdtEditor(bytes)
    const reservations = (blob.reservations().length + 1) * FDT_RESERVATION_BYTES
    const structure = blob.structureSize
    const strings = blob.header('stringsSize')
    const ordered = blob.#ordered()
    const at = { reservations: align(FDT_HEADER_BYTES[17], 8), structure: 0, strings: 0 }
    at.structure = at.reservations + reservations
    at.strings = at.structure + structure
    const needed = ordered ? blob.end : at.strings + strings
    if (size < needed) throw fdtError('fdt_open_into():', 'FDT_ERR_NOSPACE')
    const copy = new Uint8Array(needed)
    if (ordered) {
      copy.set(bytes.subarray(0, blob.end))
    } else {
      const from = (field: 'reservations' | 'structure' | 'strings', length: number) =>
        bytes.subarray(blob.header(field), blob.header(field) + length)
      copy.set(bytes.subarray(0, FDT_HEADER_BYTES[17]))
      copy.set(from('reservations', reservations - FDT_RESERVATION_BYTES), at.reservations)
      copy.set(from('structure', structure), at.structure)
      copy.set(from('strings', strings), at.strings)
    }
    const words = { ...(ordered ? {} : at), totalSize: size, version: FDT_VERSION.written, structureSize: structure }
    setWords(copy, words)
    return new FdtEditor(copy)
  }

  /** The end of the strings block, which is the last one. */
  get end(): number {
    return this.header('strings') + this.header('stringsSize')
  }

  /** A copy without free space, as in a file. */
  trimmed(): Uint8Array {
    const bytes = new Uint8Array(this.bytes.subarray(0, fdtDataEnd(this.bytes)))
    setWords(bytes, { totalSize: bytes.length })
    return bytes
  }

  #ordered(): boolean {
    const structure = this.header('structure')
    return (
      this.header('version') >= FDT_VERSION.written &&
      this.header('reservations') + (this.reservations().length + 1) * FDT_RESERVATION_BYTES <= structure &&
      structure + this.structureSize <= this.header('strings')
    )
  }

  setHeader(field: 'bootCpu' | 'totalSize', value: number): void {
    setWords(this.bytes, { [field]: value })
  }

  /** Grow or shrink the `old` bytes at `at`, counted from the blob's start, by `grow`, and move everything after them. */
  #splice(call: string, at: number, old: number, grown: number): void {
    if (!this.#ordered()) throw fdtError(call, 'FDT_ERR_BADLAYOUT')
    const end = this.end
    const needed = end - old + grown
    if (needed > this.header('totalSize')) throw fdtError(call, 'FDT_ERR_NOSPACE')
    if (needed > this.bytes.length) {
      const roomy = new Uint8Array(needed + PAGE)
      roomy.set(this.bytes.subarray(0, end))
      this.replaceBytes(roomy)
    }
    this.bytes.copyWithin(at + grown, at + old, end)
  }

  #spliceStructure(call: string, at: number, old: number, grown: number): void {
    this.#splice(call, this.header('structure') + at, old, grown)
    setWords(this.bytes, {
      structureSize: this.structureSize + grown - old,
      strings: this.header('strings') + grown - old,
    })
  }

  /** Offset of a name in the strings block, possibly at the end of a longer name; null if it is not there. */
  #nameOffset(name: Buffer): number | null {
    const start = this.header('strings')
    const { buffer, byteOffset } = this.bytes
    const found = Buffer.from(buffer, byteOffset + start, this.header('stringsSize')).indexOf(name)
    return found === -1 ? null : found
  }

  /**
   * Set or add a property.
   *
   * @throws FDT_EDIT
   */
  setProperty(node: number, name: string, value: Uint8Array): void {
    const call = 'fdt_setprop():'
    const old = this.property(node, name)
    const room = align(value.length, 4)
    const at = old === null ? this.event(node).next : old.at
    if (old === null) this.#insertProperty(call, at, name, room)
    else {
      this.#spliceStructure(call, at + PROPERTY_HEADER_BYTES, old.next - at - PROPERTY_HEADER_BYTES, room)
    }
    const start = this.header('structure') + at
    this.bytes.fill(0, start + PROPERTY_HEADER_BYTES, start + PROPERTY_HEADER_BYTES + room)
    this.bytes.set(value, start + PROPERTY_HEADER_BYTES)
    new DataView(this.bytes.buffer, this.bytes.byteOffset).setUint32(start + 4, value.length)
  }

  #insertProperty(call: string, at: number, name: string, room: number): void {
    const bytes = Buffer.from(`${name}\0`, 'latin1')
    const known = this.#nameOffset(bytes)
    const offset = known ?? this.header('stringsSize')
    const grown = PROPERTY_HEADER_BYTES + room + (known === null ? bytes.length : 0)
    // Check before writing the name, which would otherwise stay without its property.
    if (this.end + grown > this.header('totalSize')) throw fdtError(call, 'FDT_ERR_NOSPACE')
    if (known === null) {
      this.#splice(call, this.end, 0, bytes.length)
      this.bytes.set(bytes, this.end)
      setWords(this.bytes, { stringsSize: offset + bytes.length })
    }
    this.#spliceStructure(call, at, 0, PROPERTY_HEADER_BYTES + room)
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset)
    view.setUint32(this.header('structure') + at, FDT_TOKEN.property)
    view.setUint32(this.header('structure') + at + 8, offset)
  }

  /**
   * Remove a property.
   *
   * @throws FDT_EDIT: FDT_ERR_NOTFOUND
   */
  deleteProperty(node: number, name: string): void {
    const call = 'fdt_delprop():'
    const property = this.property(node, name)
    if (property === null) throw fdtError(call, 'FDT_ERR_NOTFOUND')
    this.#spliceStructure(call, property.at, property.next - property.at, 0)
  }

  /**
   * Add an empty node below `parent`, before its other children.
   *
   * @returns the new node
   * @throws FDT_EDIT: FDT_ERR_EXISTS, FDT_ERR_NOSPACE
   */
  addNode(parent: number, name: string): number {
    const call = 'fdt_add_subnode():'
    if (this.child(parent, name) !== null) throw fdtError(call, 'FDT_ERR_EXISTS')
    let at = this.event(parent).next
    for (const { next } of this.properties(parent)) at = next
    const bytes = Buffer.from(`${name}\0`, 'latin1')
    const room = align(bytes.length, 4)
    this.#spliceStructure(call, at, 0, room + 8)
    const start = this.header('structure') + at
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset)
    view.setUint32(start, FDT_TOKEN.beginNode)
    this.bytes.fill(0, start + 4, start + 4 + room)
    this.bytes.set(bytes, start + 4)
    view.setUint32(start + 4 + room, FDT_TOKEN.endNode)
    return at
  }

  /** The child of this name, created if there is none. @throws FDT_EDIT */
  ensureChild(parent: number, name: string): number {
    return this.child(parent, name) ?? this.addNode(parent, name)
  }

  /** Remove a node and everything below it. @throws FDT_EDIT */
  deleteNode(node: number): void {
    let end = node
    for (const { next } of this.walk(node)) end = next
    this.#spliceStructure('fdt_del_node():', node, end - node, 0)
  }

  /** Append a memory reservation. @throws FDT_EDIT: FDT_ERR_NOSPACE */
  addReservation(address: bigint, size: bigint): void {
    const at = this.header('reservations') + this.reservations().length * FDT_RESERVATION_BYTES
    this.#spliceReservations('fdt_add_mem_rsv():', at, 0, FDT_RESERVATION_BYTES)
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset)
    view.setBigUint64(at, address)
    view.setBigUint64(at + 8, size)
  }

  /** Remove a memory reservation. @throws FDT_EDIT: FDT_ERR_NOTFOUND */
  deleteReservation(index: number): void {
    const call = 'fdt_del_mem_rsv():'
    if (index >= this.reservations().length) throw fdtError(call, 'FDT_ERR_NOTFOUND')
    const at = this.header('reservations') + index * FDT_RESERVATION_BYTES
    this.#spliceReservations(call, at, FDT_RESERVATION_BYTES, 0)
  }

  #spliceReservations(call: string, at: number, old: number, grown: number): void {
    this.#splice(call, at, old, grown)
    setWords(this.bytes, {
      structure: this.header('structure') + grown - old,
      strings: this.header('strings') + grown - old,
    })
  }

  /**
   * Set the total size to what the tree needs, plus room for a few reservations, rounded up to the end of a page.
   *
   * @param address of the blob, for the page boundary; a reservation of the blob itself grows with it
   * @param extra more bytes to reserve
   */
  resize(address: number, extra: number): void {
    const own = this.reservations().findIndex(({ address: start }) => start === BigInt(address))
    if (own !== -1) this.deleteReservation(own)
    const inPage = address % PAGE
    const needed = this.end + SPARE_RESERVATIONS * FDT_RESERVATION_BYTES + extra
    const size = align(needed + inPage, PAGE) - inPage
    this.setHeader('totalSize', size)
    if (own !== -1) this.addReservation(BigInt(address), BigInt(size))
  }
}

/** Write words of a header. */
function setWords(bytes: Uint8Array, words: Partial<Record<keyof typeof FDT_HEADER, number>>): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  for (const [field, word] of Object.entries(words)) view.setUint32(FDT_HEADER[field as keyof typeof FDT_HEADER], word)
}
