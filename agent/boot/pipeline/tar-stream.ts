/** Members of a tar archive, one after the other. */

import type { Extract, Header } from 'tar-stream'
import { FauxbootError, fault } from '../../errors.js'

export interface TarMember {
  readonly header: Header
  readonly data: Uint8Array
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

async function feed(source: AsyncIterable<Uint8Array>, archive: Extract): Promise<void> {
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

async function readData(
  stream: AsyncIterable<unknown>,
  { name, size }: Header,
  { what, limit }: TarOptions,
): Promise<Uint8Array> {
  if (size > limit) throw fault('FORMAT_TOO_LARGE', { what: `${what}, member ${JSON.stringify(name)}`, limit })
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) if (chunk instanceof Uint8Array) chunks.push(chunk)
  return Buffer.concat(chunks)
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
  const { what, signal } = options
  const archive = extract({})
  const tail = new TailOfZeros()
  const fed = feed(tail.watch(source), archive)
  try {
    for await (const entry of archive) {
      signal?.throwIfAborted()
      yield { header: entry.header, data: await readData(entry, entry.header, options) }
    }
  } catch (thrown) {
    if (thrown instanceof FauxbootError || signal?.aborted === true) throw thrown
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw fault(
      'FORMAT_VALUE',
      { what, where: 'its tar archive', expected: 'a tar or cpio archive', found: reason },
      thrown,
    )
  } finally {
    archive.destroy()
    await fed
  }
  if (tail.zeros < END) {
    throw fault('FORMAT_TRUNCATED', {
      what,
      where: 'the end of its tar archive',
      expected: `${END} bytes of zeros`,
      found: `${tail.zeros}`,
    })
  }
}
