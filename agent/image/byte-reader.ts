/** Bounded reads of a binary format. A read out of bounds is an error that says what was read, where, and how much. */
import { fault } from '../errors.js'

/** Lower-case hex with prefix: the form of all offsets, addresses and magics in messages. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`
}

/**
 * Reads integers from `bytes`. In errors, `what` names the file and `field` the value that was read.
 * All offsets are in bytes from the start of `bytes`.
 */
export class ByteReader {
  readonly #view: DataView
  readonly bytes: Uint8Array
  readonly what: string

  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes
    this.what = what
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get length(): number {
    return this.bytes.length
  }

  /**
   * Make sure that `size` bytes at `offset` exist.
   *
   * @throws FORMAT_TRUNCATED
   */
  need(offset: number, size: number, field: string): void {
    if (offset >= 0 && size >= 0 && offset + size <= this.length) return
    throw fault('FORMAT_TRUNCATED', {
      what: this.what,
      where: `${hex(offset)} (${field})`,
      expected: `${hex(size)} bytes`,
      found: `${hex(Math.max(0, this.length - offset))} of a file of ${hex(this.length)}`,
    })
  }

  u8(offset: number, field: string): number {
    this.need(offset, 1, field)
    return this.#view.getUint8(offset)
  }

  u32le(offset: number, field: string): number {
    this.need(offset, 4, field)
    return this.#view.getUint32(offset, true)
  }

  u32be(offset: number, field: string): number {
    this.need(offset, 4, field)
    return this.#view.getUint32(offset, false)
  }

  u64le(offset: number, field: string): bigint {
    this.need(offset, 8, field)
    return this.#view.getBigUint64(offset, true)
  }

  u64be(offset: number, field: string): bigint {
    this.need(offset, 8, field)
    return this.#view.getBigUint64(offset, false)
  }

  /** A view of `size` bytes at `offset`, not a copy. */
  subarray(offset: number, size: number, field: string): Uint8Array {
    this.need(offset, size, field)
    return this.bytes.subarray(offset, offset + size)
  }

  /** The error for a value that the format does not allow. The caller throws it. */
  malformed(offset: number, field: string, expected: string, found: string | number) {
    return fault('FORMAT_VALUE', {
      what: this.what,
      where: `${hex(offset)} (${field})`,
      expected,
      found: typeof found === 'number' ? hex(found) : found,
    })
  }

  /**
   * Refuse a file with another magic number.
   *
   * @throws FORMAT_MAGIC, FORMAT_TRUNCATED
   */
  magic(offset: number, found: number, expected: number): void {
    if (found === expected) return
    throw fault('FORMAT_MAGIC', {
      what: this.what,
      where: hex(offset),
      expected: hex(expected),
      found: hex(found),
    })
  }
}
