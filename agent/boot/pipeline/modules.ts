/**
 * Kernel modules for the target: a tar (what `make modules_install` ends in, and what KernelCI sends) or a cpio archive,
 * turned into the cpio that the kernel unpacks after the ramdisk (`Documentation/driver-api/early-userspace/
 * buffer-format.rst`: several archives may follow one another).
 */

import { type CompressionFormat, detectCompression } from '../../image/compression/compression.js'
import { decompressStream } from '../../image/compression/decompress-stream.js'
import { chunksOf } from '../../image/compression/decompression-tool.js'
import { cpioChunks, isCpio } from '../../image/cpio/cpio.js'
import { tarMembers } from '../../image/tar/tar-members.js'
import { cpioEntries } from '../../image/tar/tar-to-cpio.js'

/** Bytes that distinguish a cpio from a tar. */
const MAGIC_BYTES = 512

export interface ModulesOptions {
  /** as the job states it; recognised by its magic otherwise */
  readonly compression?: CompressionFormat | 'none'
  /** most bytes of output */
  readonly limit: number
  readonly signal?: AbortSignal
}

/** The first bytes of a stream, and the whole stream. */
async function peek(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly head: Uint8Array; readonly whole: AsyncGenerator<Uint8Array> }> {
  const chunks = source[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let size = 0
  while (size < MAGIC_BYTES) {
    const { value, done } = await chunks.next()
    if (done === true) break
    first.push(value)
    size += value.length
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield* first
      yield* { [Symbol.asyncIterator]: () => chunks }
    } finally {
      await chunks.return?.()
    }
  }
  return { head: Buffer.concat(first), whole: whole() }
}

async function* plain(bytes: Uint8Array, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for (const piece of chunksOf(bytes)) {
    signal?.throwIfAborted()
    yield piece
  }
}

/** Whether the file is what the target needs already, without a change. */
export const isReadyForTarget = (bytes: Uint8Array, { compression }: Pick<ModulesOptions, 'compression'>): boolean =>
  (compression === undefined || compression === 'none') && isCpio(bytes)

/**
 * Convert modules into a cpio archive, chunk by chunk.
 *
 * @param bytes tar or cpio, perhaps compressed
 * @throws FORMAT_VALUE, FORMAT_TRUNCATED, FORMAT_UNSUPPORTED, FORMAT_TOO_LARGE, DECOMPRESS_FAILED; the reason of `signal`
 */
export async function* modulesToCpio(bytes: Uint8Array, options: ModulesOptions): AsyncGenerator<Uint8Array> {
  const { compression, limit, signal } = options
  const format = compression === 'none' ? null : (compression ?? detectCompression(bytes))
  const source =
    format === null ? plain(bytes, signal) : decompressStream(bytes, format, { what: 'modules', limit, signal })
  const { head, whole } = await peek(source)
  if (isCpio(head)) yield* whole
  else yield* cpioChunks(cpioEntries(tarMembers(whole, { what: 'modules', limit, signal }), { what: 'modules' }))
}
