/**
 * What a kernel's ramoops driver left in memory: its console, and a dump for each panic or oops (Linux `fs/pstore/ram.c`,
 * `fs/pstore/ram_core.c`, `Documentation/admin-guide/ramoops.rst`). Nothing says that the memory was ever written, or kept
 * its contents, so damage is no error here: what makes no sense is left out.
 */

import { constants, inflateRawSync } from 'node:zlib'

/** How the driver divides its region; it rounds both down to powers of two. */
export interface RamoopsSizes {
  /** bytes of each dump's zone; 0 without dumps */
  readonly recordSize: number
  /** bytes of the console's zone; 0 without one */
  readonly consoleSize: number
}

interface RamoopsDump {
  /** why the kernel dumped: `Panic`, `Oops`; null if the dump does not say */
  readonly reason: string | null
  /** null if it cannot be unpacked */
  readonly text: string | null
}

export interface RamoopsContent {
  /** in the order of their zones */
  readonly dumps: readonly RamoopsDump[]
  /** empty if nothing was written */
  readonly console: string
}

/** `struct persistent_ram_buffer`: signature `DBGC`, start and size of the ring, then its bytes. */
const SIGNATURE = 0x43474244
const HEADER = 12
/** A dump has at most `kmsg_bytes` of text, 10 KiB by default, but a lab may raise it. */
const LARGEST_TEXT = 256 * 1024
/** Zones that are looked at: unpacking must not take long, whatever the region holds. */
const MOST_DUMPS = 16

/**
 * Read a region.
 *
 * @param bytes the whole region
 * @param sizes as the device tree states them
 */
export function parseRamoops(bytes: Uint8Array, sizes: RamoopsSizes): RamoopsContent {
  const consoleSize = powerOfTwo(sizes.consoleSize)
  const recordSize = powerOfTwo(sizes.recordSize)
  const dumpBytes = bytes.length - consoleSize
  // The driver refuses such a region.
  if (dumpBytes < 0) return { dumps: [], console: '' }
  const count = recordSize === 0 ? 0 : Math.floor(dumpBytes / recordSize)
  // The zones share out what is left over: 64 KiB for records of 30 KiB are two zones of 32.
  const zone = count === 0 ? 0 : Math.floor(dumpBytes / count / 2) * 2
  const zones = Array.from({ length: Math.min(count, MOST_DUMPS) }, (_, index) =>
    bytes.subarray(index * zone, (index + 1) * zone),
  )
  const consoleStart = count * zone
  return {
    dumps: zones.map(ringOf).filter(isWritten).map(readDump),
    console: textOf(ringOf(bytes.subarray(consoleStart, consoleStart + consoleSize)) ?? new Uint8Array()),
  }
}

const powerOfTwo = (size: number): number => (size < 1 ? 0 : 2 ** Math.floor(Math.log2(size)))

const isWritten = (bytes: Uint8Array | null): bytes is Uint8Array => bytes !== null && bytes.length > 0

/** The bytes of a zone, the oldest first; null if it is none. */
function ringOf(zone: Uint8Array): Uint8Array | null {
  if (zone.length < HEADER) return null
  const view = new DataView(zone.buffer, zone.byteOffset, zone.length)
  const start = view.getUint32(4, true)
  const size = view.getUint32(8, true)
  if (view.getUint32(0, true) !== SIGNATURE || size > zone.length - HEADER || start > size) return null
  const data = zone.subarray(HEADER, HEADER + size)
  return Buffer.concat([data.subarray(start), data.subarray(0, start)])
}

/** `====SECONDS.MICROSECONDS-C` and a newline; C is compressed, D is not. Kernels before 3.5 have no letter. */
const DUMP_HEADER = /^====\d{1,20}\.\d{1,20}(?:-([CD]))?\n/
/** The line that pstore writes above the messages. */
const REASON = /^([A-Za-z]+)#\d+ Part\d+\n/

function readDump(bytes: Uint8Array): RamoopsDump {
  const header = DUMP_HEADER.exec(Buffer.from(bytes.subarray(0, 64)).toString('latin1'))
  const body = bytes.subarray(header?.[0].length ?? 0)
  const unpacked = header?.[1] === 'C' ? inflated(body) : body
  if (unpacked === null) return { reason: null, text: null }
  const text = textOf(unpacked)
  const reason = REASON.exec(text)
  return { reason: reason?.[1] ?? null, text: text.slice(reason?.[0].length ?? 0) }
}

/** Raw deflate, also without its end; null for damaged bytes and for other compressions, which old kernels had. */
function inflated(bytes: Uint8Array): Uint8Array | null {
  try {
    return inflateRawSync(bytes, { maxOutputLength: LARGEST_TEXT, finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    // Whatever zlib finds wrong, the bytes are of no use.
    return null
  }
}

/** Text without control characters but for line ends and tabs. */
function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8').replaceAll('\r\n', '\n')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: replaces control characters
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd')
}
