/** The arguments of `kexec_load(2)`: formats them for messages, and checks them before the call. */

import { types } from 'node:util'
import { NativeArgumentError } from './errors.js'

/** A segment of `kexec_load(2)`: the kernel copies `buffer` to `mem` and clears the rest of `memsz`. */
export interface KexecSegment {
  readonly buffer: Uint8Array
  /** physical address, a multiple of the page size */
  readonly mem: number
  /** bytes, a multiple of the page size, at least the size of `buffer` */
  readonly memsz: number
  /** what it is, for messages: `kernel`, `ramdisk`, `dtb` */
  readonly kind?: string
}

/** Properties of the machine. */
export interface LoadLimits {
  /** bytes */
  readonly pageSize: number
  /** 32 or 64 */
  readonly addressBits: number
}

/** `KEXEC_SEGMENT_MAX` of `linux/kexec.h`. */
export const SEGMENT_MAX = 16

/**
 * The shortest buffer, bytes: `machine_kexec_prepare()` of 32-bit ARM reads this much from every segment, regardless of its
 * size, to see whether it is a device tree.
 */
const BUFFER_MIN = 4

/** An address or size as hex; any other value unchanged. */
function hex(value: number): string {
  return Number.isInteger(value) && value >= 0 ? `0x${value.toString(16)}` : String(value)
}

/** The whole call in one line, even with invalid values. */
export function describeLoad(entry: number, segments: readonly KexecSegment[], flags: number): string {
  const list = segments.map(
    ({ buffer, mem, memsz, kind }, index) =>
      `${kind ?? index} ${hex(mem)}+${hex(memsz)} from ${buffer?.byteLength} bytes`,
  )
  const count = `${segments.length} ${segments.length === 1 ? 'segment' : 'segments'}`
  return `kexec_load(entry ${hex(entry)}, ${count} [${list.join(', ')}], flags ${hex(flags)})`
}

/** What is wrong with the bytes of a segment, or null. */
function bufferFlaw({ buffer, memsz }: KexecSegment): string | null {
  if (!types.isUint8Array(buffer)) return 'has no Uint8Array'
  const memory = buffer.buffer
  if (!types.isArrayBuffer(memory)) return 'lies in shared memory, which another thread could change'
  // Read from the prototype: a property of the buffer itself could lie.
  if (Reflect.get(ArrayBuffer.prototype, 'resizable', memory)) return 'lies in a resizable ArrayBuffer'
  if (buffer.byteLength < BUFFER_MIN) {
    return `has ${buffer.byteLength} bytes (or is detached); the kernel reads at least ${BUFFER_MIN}`
  }
  if (buffer.byteLength > memsz) return `has ${buffer.byteLength} bytes for ${memsz} bytes of memory`
  return null
}

/** What is wrong with the addresses of a segment, or null. */
function placeFlaw({ mem, memsz }: KexecSegment, { pageSize, addressBits }: LoadLimits): string | null {
  if (!Number.isSafeInteger(mem) || mem < 0) return `starts at ${hex(mem)}, which is not an address`
  if (!Number.isSafeInteger(memsz) || memsz <= 0) return `takes ${hex(memsz)} bytes, which is not a size`
  if (mem % pageSize !== 0) return `starts at ${hex(mem)}, which is not a multiple of the page size ${hex(pageSize)}`
  if (memsz % pageSize !== 0)
    return `takes ${hex(memsz)} bytes, which is not a multiple of the page size ${hex(pageSize)}`
  // The kernel takes an end at the limit for an overflow to 0.
  if (mem + memsz >= Math.min(2 ** addressBits, Number.MAX_SAFE_INTEGER)) {
    return `ends at ${hex(mem + memsz)}, beyond the address space of ${addressBits} bits`
  }
  return null
}

/** The first two segments that share memory, in order of address, or null. */
function findOverlap(segments: readonly KexecSegment[]): [KexecSegment, KexecSegment] | null {
  const sorted = [...segments].sort((a, b) => a.mem - b.mem)
  for (const [index, after] of sorted.entries()) {
    const before = sorted[index - 1]
    if (before !== undefined && before.mem + before.memsz > after.mem) return [before, after]
  }
  return null
}

/**
 * Check the arguments of a load for everything that the kernel would refuse without a reason, and for an entry outside
 * every segment, which it would accept. Getters run once: the result is what was checked.
 *
 * @param entry physical address
 * @param segments 1 to 16 of them
 * @param flags of `kexec_load(2)`, 32 bits
 * @returns plain copies of the segments, with the same buffers
 * @throws NativeArgumentError with the whole call
 */
export function checkLoad(
  entry: number,
  segments: readonly KexecSegment[],
  flags: number,
  limits: LoadLimits,
): KexecSegment[] {
  if (!(segments.length >= 1 && segments.length <= SEGMENT_MAX)) {
    const call = `kexec_load(entry ${hex(entry)}, ${segments.length} segments, flags ${hex(flags)})`
    throw new NativeArgumentError(call, `expected 1 to ${SEGMENT_MAX} segments, found ${segments.length}`)
  }
  const copies = Array.from(segments, ({ buffer, mem, memsz, kind }) => ({ buffer, mem, memsz, kind }))
  const refuse = (reason: string) => new NativeArgumentError(describeLoad(entry, copies, flags), reason)
  if (!Number.isInteger(flags) || flags < 0 || flags >= 2 ** 32)
    throw refuse(`flags ${hex(flags)} do not fit into 32 bits`)
  for (const [index, segment] of copies.entries()) {
    const flaw = placeFlaw(segment, limits) ?? bufferFlaw(segment)
    if (flaw !== null) throw refuse(`segment ${segment.kind ?? index} ${flaw}`)
  }
  const overlap = findOverlap(copies)
  if (overlap !== null) {
    const [before, after] = overlap
    throw refuse(
      `the segment at ${hex(after.mem)} begins inside the one from ${hex(before.mem)} to ${hex(before.mem + before.memsz)}`,
    )
  }
  if (!copies.some(({ mem, memsz }) => entry >= mem && entry < mem + memsz)) {
    throw refuse(`entry ${hex(entry)} is not in any segment`)
  }
  return copies
}
