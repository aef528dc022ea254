/**
 * Decompression of files that are too large for one buffer: by zlib, by the system's tools (2 to 4 times as fast as the
 * decoders inside Node), or by `agent/image` if a tool is missing and a decoder exists.
 */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { fault } from '../../errors.js'
import { type CompressionFormat, decompress } from '../../image/compression/compression.js'
import {
  chunksOf,
  hasTool,
  type RunningTool,
  runTool,
  startTool,
  type ToolFormat,
  type ToolOptions,
} from '../../image/compression/decompression-tool.js'

export interface DecompressStreamOptions extends ToolOptions {
  /** most bytes of output */
  readonly limit: number
}

const CHUNK = 1024 * 1024

async function* gunzip(bytes: Uint8Array, { what, signal }: DecompressStreamOptions): AsyncGenerator<Uint8Array> {
  const stream = createGunzip({ chunkSize: CHUNK })
  // Errors of the pipe arrive at the stream that is read below.
  const pumped = Promise.allSettled([pipeline(Readable.from(chunksOf(bytes)), stream, { signal })])
  try {
    yield* stream
  } catch (thrown) {
    signal?.throwIfAborted()
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw fault('DECOMPRESS_FAILED', { what, format: 'gzip', reason }, thrown)
  } finally {
    stream.destroy()
    await pumped
  }
}

/** Start a tool. @returns null if it is missing and `agent/image` can do its work */
async function startOrReplace(format: ToolFormat, path: string | undefined): Promise<RunningTool | null> {
  try {
    return await startTool(format, path)
  } catch (thrown) {
    if (format === 'xz' || format === 'zstd') return null
    throw thrown
  }
}

/** By `agent/image`, which writes its output piece by piece. A reader that stops early ends the work. */
async function* decode(
  bytes: Uint8Array,
  format: CompressionFormat,
  options: DecompressStreamOptions,
): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  const sink = async (chunk: Uint8Array): Promise<void> => {
    await writer.ready
    await writer.write(chunk)
  }
  const decoded = decompress(bytes, { ...options, format, sink }).then(
    () => writer.close(),
    thrown => writer.abort(thrown),
  )
  // Errors of the decoder arrive at the reader.
  const ended = Promise.allSettled([decoded])
  try {
    yield* readable
  } finally {
    await ended
  }
}

async function* unbounded(
  bytes: Uint8Array,
  format: CompressionFormat,
  options: DecompressStreamOptions,
): AsyncGenerator<Uint8Array> {
  if (format === 'gzip') return yield* gunzip(bytes, options)
  if (hasTool(format)) {
    const tool = await startOrReplace(format, options.path)
    if (tool !== null) return yield* runTool(tool, bytes, format, options)
  }
  yield* decode(bytes, format, options)
}

/**
 * Decompress a file chunk by chunk.
 *
 * @throws FORMAT_TOO_LARGE if more than `limit` bytes come out; DECOMPRESS_FAILED; PROGRAM_MISSING; FORMAT_* if
 *   `agent/image` decompresses; the reason of `signal`
 */
export async function* decompressStream(
  bytes: Uint8Array,
  format: CompressionFormat,
  options: DecompressStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { what, limit, signal } = options
  let size = 0
  signal?.throwIfAborted()
  for await (const chunk of unbounded(bytes, format, options)) {
    size += chunk.length
    if (size > limit) throw fault('FORMAT_TOO_LARGE', { what, limit })
    yield chunk
  }
}
