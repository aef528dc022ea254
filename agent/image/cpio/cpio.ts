/**
 * cpio `newc` archives (Linux `Documentation/driver-api/early-userspace/buffer-format.rst`): what the kernel unpacks as
 * an initramfs.
 */
import { fault } from '../../errors.js'

export interface CpioEntry {
  /** path without a leading slash */
  readonly name: string
  /** with the bits of the file's type, as in `stat(2)`: 0o100644, 0o40755, 0o120777 */
  readonly mode: number
  /** contents of a file, target of a symbolic link */
  readonly data?: Uint8Array
  /** seconds since 1970 */
  readonly mtime?: number
  readonly uid?: number
  readonly gid?: number
  /** of a device node */
  readonly rdevMajor?: number
  readonly rdevMinor?: number
  /** of a file with several names: the kernel links entries of the same inode, the first of which has the data */
  readonly hardLink?: { readonly inode: number; readonly names: number }
}

/** Data that comes in chunks; an archive has its size before it. */
interface CpioData {
  /** bytes */
  readonly size: number
  readonly chunks: AsyncIterable<Uint8Array>
}

/** An entry whose data need not be in memory. */
export interface StreamedCpioEntry extends Omit<CpioEntry, 'data'> {
  readonly data?: Uint8Array | CpioData
}

const FILE_TYPE = { mask: 0o170_000, directory: 0o040_000 } as const

/** Six digits of magic, then thirteen fields of eight hex digits. */
const MAGIC = '070701'
/** The same with a checksum in the last field. */
const CRC_MAGIC = '070702'
const FIELDS = [
  'ino',
  'mode',
  'uid',
  'gid',
  'nlink',
  'mtime',
  'fileSize',
  'devMajor',
  'devMinor',
  'rdevMajor',
  'rdevMinor',
  'nameSize',
  'check',
] as const
export const HEADER_BYTES = MAGIC.length + 8 * FIELDS.length
const MAX_FIELD = 0xffff_ffff
/** Name of the entry that ends an archive. */
export const TRAILER = 'TRAILER!!!'
/** Name and data end on a multiple of four bytes, an archive on one of 512. */
const ALIGNMENT = { entry: 4, archive: 512 } as const
/** PATH_MAX of Linux, with the NUL: the kernel accepts no longer name. */
const MAX_NAME = 4096

/** Zeros from `size` to the next multiple of `to`, bytes. */
export const padding = (size: number, to: number): number => (to - (size % to)) % to

/** Whether `bytes` start with a cpio `newc` archive. */
export function isCpio(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && startsLikeCpio(bytes)
}

/** The same of bytes that may end within the header of the first entry. */
export function startsLikeCpio(bytes: Uint8Array): boolean {
  const magic = Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1')
  return magic !== '' && (MAGIC.startsWith(magic) || CRC_MAGIC.startsWith(magic))
}

function invalid(entry: StreamedCpioEntry, expected: string, found: string | number) {
  return fault('FORMAT_VALUE', { what: 'cpio archive', where: JSON.stringify(entry.name), expected, found })
}

const sizeOf = ({ data }: StreamedCpioEntry): number =>
  data === undefined ? 0 : data instanceof Uint8Array ? data.length : data.size

/** What goes around the data of each entry. */
class CpioWriter {
  #size = 0
  #entries = 0

  /** What goes before and after the data of an entry. */
  entry(entry: StreamedCpioEntry): { readonly head: Uint8Array; readonly tail: Uint8Array } {
    if (entry.name === TRAILER) throw invalid(entry, 'a name that does not end the archive', entry.name)
    return this.#frame(entry)
  }

  /** The chunks that end the archive. */
  end(): Uint8Array[] {
    const { head } = this.#frame({ name: TRAILER, mode: 0 })
    return [head, new Uint8Array(padding(this.#size, ALIGNMENT.archive))].filter(chunk => chunk.length > 0)
  }

  #frame(entry: StreamedCpioEntry) {
    const size = sizeOf(entry)
    const head = this.#head(entry, size)
    const tail = new Uint8Array(padding(size, ALIGNMENT.entry))
    this.#size += head.length + size + tail.length
    return { head, tail }
  }

  /** Header and name, with padding. */
  #head(entry: StreamedCpioEntry, fileSize: number): Uint8Array {
    const name = Buffer.from(`${entry.name}\0`, 'utf8')
    if (entry.name === '' || entry.name.includes('\0')) throw invalid(entry, 'a name without NUL', 'none')
    if (name.length > MAX_NAME) throw invalid(entry, `a name of less than ${MAX_NAME} bytes`, name.length - 1)
    this.#entries++
    const header: Record<(typeof FIELDS)[number], number> = {
      ino: entry.hardLink?.inode ?? this.#entries,
      mode: entry.mode,
      nlink: entry.hardLink?.names ?? ((entry.mode & FILE_TYPE.mask) === FILE_TYPE.directory ? 2 : 1),
      uid: entry.uid ?? 0,
      gid: entry.gid ?? 0,
      mtime: entry.mtime ?? 0,
      fileSize,
      devMajor: 0,
      devMinor: 0,
      rdevMajor: entry.rdevMajor ?? 0,
      rdevMinor: entry.rdevMinor ?? 0,
      nameSize: name.length,
      check: 0,
    }
    let text = MAGIC
    for (const field of FIELDS) {
      const value = header[field]
      if (!Number.isInteger(value) || value < 0 || value > MAX_FIELD) {
        throw invalid(entry, `${field} from 0 to ${MAX_FIELD}`, value)
      }
      text += value.toString(16).toUpperCase().padStart(8, '0')
    }
    const size = HEADER_BYTES + name.length
    const head = new Uint8Array(size + padding(size, ALIGNMENT.entry))
    head.set(Buffer.from(text, 'latin1'))
    head.set(name, HEADER_BYTES)
    return head
  }
}

/** @throws FORMAT_VALUE if there is more or less data than its size says */
async function* chunksOfData(entry: StreamedCpioEntry, { size, chunks }: CpioData): AsyncGenerator<Uint8Array> {
  let found = 0
  for await (const chunk of chunks) {
    found += chunk.length
    if (found > size) break
    yield chunk
  }
  if (found !== size) throw invalid(entry, `${size} bytes`, found)
}

/**
 * Write an archive chunk by chunk: entries may come one at a time, and their data is passed on without a copy. The last
 * chunks are `TRAILER!!!` and zeros up to a multiple of 512 bytes.
 *
 * @throws FORMAT_VALUE for a name or number that the format cannot hold; what the data of an entry throws
 */
export async function* cpioChunks(
  entries: AsyncIterable<StreamedCpioEntry> | Iterable<StreamedCpioEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = new CpioWriter()
  for await (const entry of entries) {
    const { head, tail } = writer.entry(entry)
    const { data } = entry
    yield head
    if (data instanceof Uint8Array) yield data
    else if (data !== undefined) yield* chunksOfData(entry, data)
    if (tail.length > 0) yield tail
  }
  yield* writer.end()
}

/**
 * Write an archive into one buffer, with `TRAILER!!!` and zeros up to a multiple of 512 bytes.
 *
 * @throws FORMAT_VALUE for a name or number that the format cannot hold
 */
export function packCpio(entries: Iterable<CpioEntry>): Uint8Array {
  const writer = new CpioWriter()
  const chunks = [...entries].flatMap(entry => {
    const { head, tail } = writer.entry(entry)
    return [head, ...(entry.data === undefined ? [] : [entry.data]), tail]
  })
  return new Uint8Array(Buffer.concat([...chunks, ...writer.end()]))
}
