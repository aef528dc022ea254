/** Writing of cpio archives, at once or as a stream. */
import { fault } from '../../errors.js'
import {
  CPIO_ALIGNMENT,
  CPIO_FIELDS,
  CPIO_FILE_TYPE,
  CPIO_HEADER_BYTES,
  CPIO_MAGIC,
  CPIO_MAX_NAME,
  CPIO_TRAILER,
  type CpioEntry,
  type CpioHeader,
  padding,
} from './cpio-format.js'

const MAX_FIELD = 0xffff_ffff
const EMPTY = new Uint8Array()

function invalid(entry: CpioEntry, expected: string, found: string | number) {
  return fault('FORMAT_VALUE', { what: 'cpio archive', where: JSON.stringify(entry.name), expected, found })
}

/** Makes the pieces of an archive one after the other. Each piece is a header with its padding, data, or padding. */
class CpioWriter {
  #size = 0
  #entries = 0

  /** The pieces of an entry; the data is handed on, not copied. */
  entry(entry: CpioEntry): Uint8Array[] {
    if (entry.name === CPIO_TRAILER) throw invalid(entry, 'a name that does not end the archive', entry.name)
    return this.#pieces(entry)
  }

  /** What ends the archive. */
  end(): Uint8Array[] {
    const trailer = this.#pieces({ name: CPIO_TRAILER, mode: 0, ino: 0, nlink: 1 })
    return [...trailer, new Uint8Array(padding(this.#size, CPIO_ALIGNMENT.archive))]
  }

  #pieces(entry: CpioEntry): Uint8Array[] {
    const data = entry.data ?? EMPTY
    const head = this.#head(entry, data)
    const tail = new Uint8Array(padding(data.length, CPIO_ALIGNMENT.entry))
    this.#size += head.length + data.length + tail.length
    return [head, data, tail].filter(piece => piece.length > 0)
  }

  /** Header and name, with padding. */
  #head(entry: CpioEntry, data: Uint8Array): Uint8Array {
    const name = Buffer.from(`${entry.name}\0`, 'utf8')
    if (entry.name === '' || entry.name.includes('\0')) throw invalid(entry, 'a name without NUL', 'none')
    if (name.length > CPIO_MAX_NAME) throw invalid(entry, `a name of less than ${CPIO_MAX_NAME} bytes`, name.length - 1)
    this.#entries++
    const header: CpioHeader = {
      ino: entry.ino ?? this.#entries,
      mode: entry.mode,
      nlink: entry.nlink ?? ((entry.mode & CPIO_FILE_TYPE.mask) === CPIO_FILE_TYPE.directory ? 2 : 1),
      uid: entry.uid ?? 0,
      gid: entry.gid ?? 0,
      mtime: entry.mtime ?? 0,
      fileSize: data.length,
      devMajor: 0,
      devMinor: 0,
      rdevMajor: entry.rdevMajor ?? 0,
      rdevMinor: entry.rdevMinor ?? 0,
      nameSize: name.length,
      check: 0,
    }
    let text = CPIO_MAGIC
    for (const field of CPIO_FIELDS) {
      const value = header[field]
      if (!Number.isInteger(value) || value < 0 || value > MAX_FIELD) {
        throw invalid(entry, `${field} from 0 to ${MAX_FIELD}`, value)
      }
      text += value.toString(16).toUpperCase().padStart(8, '0')
    }
    const size = CPIO_HEADER_BYTES + name.length
    const head = new Uint8Array(size + padding(size, CPIO_ALIGNMENT.entry))
    head.set(Buffer.from(text, 'latin1'))
    head.set(name, CPIO_HEADER_BYTES)
    return head
  }
}

/**
 * Write an archive piece by piece: entries may come one at a time, and data is handed on without a copy. The pieces
 * end with `TRAILER!!!` and zeros up to a multiple of 512 bytes.
 *
 * @throws FORMAT_VALUE for a name or number that the format cannot hold
 */
export async function* cpioChunks(
  entries: AsyncIterable<CpioEntry> | Iterable<CpioEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = new CpioWriter()
  for await (const entry of entries) yield* writer.entry(entry)
  yield* writer.end()
}

/**
 * Write an archive at once, with `TRAILER!!!` and zeros up to a multiple of 512 bytes.
 *
 * @throws FORMAT_VALUE for a name or number that the format cannot hold
 */
export function packCpio(entries: Iterable<CpioEntry>): Uint8Array {
  const writer = new CpioWriter()
  const pieces: Uint8Array[] = []
  for (const entry of entries) pieces.push(...writer.entry(entry))
  pieces.push(...writer.end())
  const archive = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0))
  let offset = 0
  for (const piece of pieces) {
    archive.set(piece, offset)
    offset += piece.length
  }
  return archive
}
