/** Members of a tar archive, one after the other. */

import type { Extract, Header } from 'tar-stream'
import { FauxbootError, fault } from '../../errors.js'

export interface TarMember {
  readonly header: Header
  /** to be read before the next member; what is not read is skipped */
  readonly data: AsyncIterable<Uint8Array>
}

export interface TarOptions {
  /** name of the file, for messages */
  readonly what: string
  /** most bytes of one member */
  readonly limit: number
  readonly signal?: AbortSignal
}

/** POSIX.1-2017, pax: an archive ends with two blocks of zeros. */
const END = 1024

/** Counts the zeros at the end of what passes. */
class TailOfZeros {
  zeros = 0

  async *watch(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      const last = chunk.findLastIndex(byte => byte !== 0)
      this.zeros = last === -1 ? this.zeros + chunk.length : chunk.length - 1 - last
      yield chunk
    }
  }
}

/** Resolves when more may be written, or nothing more is wanted. */
function drained(archive: Extract): Promise<void> {
  return new Promise<void>(resolve => {
    const done = (): void => {
      archive.off('drain', done)
      archive.off('close', done)
      resolve()
    }
    archive.on('drain', done)
    archive.on('close', done)
  })
}

/** Reads one archive. */
class TarReader {
  readonly #options: TarOptions
  readonly #archive: Extract

  constructor(archive: Extract, options: TarOptions) {
    this.#archive = archive
    this.#options = options
  }

  async feed(source: AsyncIterable<Uint8Array>): Promise<void> {
    const archive = this.#archive
    try {
      for await (const chunk of source) {
        if (archive.destroyed) return
        if (!archive.write(chunk)) await drained(archive)
      }
      archive.end(null)
    } catch (thrown) {
      archive.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }

  async *members(): AsyncGenerator<TarMember> {
    const { what, limit, signal } = this.#options
    try {
      for await (const entry of this.#archive) {
        signal?.throwIfAborted()
        const { name, size } = entry.header
        if (size > limit) throw fault('FORMAT_TOO_LARGE', { what: `${what}, member ${JSON.stringify(name)}`, limit })
        yield { header: entry.header, data: this.#data(entry) }
        entry.resume()
      }
    } catch (thrown) {
      throw this.#failure(thrown)
    }
  }

  async *#data(entry: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of entry) {
        this.#options.signal?.throwIfAborted()
        if (chunk instanceof Uint8Array) yield chunk
      }
    } catch (thrown) {
      throw this.#failure(thrown)
    }
  }

  #failure(thrown: unknown): unknown {
    const { what, signal } = this.#options
    if (thrown instanceof FauxbootError || signal?.aborted === true) return thrown
    const found = thrown instanceof Error ? thrown.message : String(thrown)
    return fault('FORMAT_VALUE', { what, where: 'its tar archive', expected: 'a tar or cpio archive', found }, thrown)
  }
}

/**
 * Read a tar archive: ustar, pax, or GNU's variant.
 *
 * @param source read only as fast as members are taken; ended when the reader stops
 * @throws FORMAT_VALUE when it is not a tar; FORMAT_TRUNCATED; FORMAT_TOO_LARGE; what the source throws
 */
export async function* tarMembers(
  source: AsyncIterable<Uint8Array>,
  options: TarOptions,
): AsyncGenerator<TarMember, void, undefined> {
  const { extract } = await import('tar-stream')
  const archive = extract({})
  const reader = new TarReader(archive, options)
  const tail = new TailOfZeros()
  const fed = reader.feed(tail.watch(source))
  try {
    yield* reader.members()
  } finally {
    archive.destroy()
    await fed
  }
  if (tail.zeros < END) {
    throw fault('FORMAT_TRUNCATED', {
      what: options.what,
      where: 'the end of its tar archive',
      expected: `${END} bytes of zeros`,
      found: `${tail.zeros}`,
    })
  }
}
