/**
 * Decompression of files that are too large for one buffer: by zlib, by the system's tools (2 to 4 times as fast as the
 * decoders inside Node), or by `agent/image` if a tool is missing and a decoder exists.
 */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { FauxbootError, fault } from '../../errors.js'
import { type CompressionFormat, decompress } from './compression.js'
import {
  type Chunks,
  chunksOf,
  type RunningTool,
  runTool,
  startTool,
  type ToolFormat,
  type ToolOptions,
} from './decompression-tool.js'

export interface DecompressStreamOptions extends ToolOptions {
  /** most bytes of output */
  readonly limit: number
}

const CHUNK = 1024 * 1024

async function* gunzip(input: Chunks, { what, signal }: DecompressStreamOptions): AsyncGenerator<Uint8Array> {
  const stream = createGunzip({ chunkSize: CHUNK })
  // Errors of the pipe arrive at the stream that is read below.
  const pumped = Promise.allSettled([pipeline(Readable.from(input), stream, { signal })])
  try {
    yield* stream
  } catch (thrown) {
    signal?.throwIfAborted()
    if (thrown instanceof FauxbootError) throw thrown
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw fault('DECOMPRESS_FAILED', { what, format: 'gzip', reason }, thrown)
  } finally {
    stream.destroy()
    await pumped
  }
}

/** What `agent/image` decompresses where the tool is missing. */
const OWN_DECODERS: readonly ToolFormat[] = ['xz', 'zstd', 'lz4']

/** Start a tool. @returns null if it is missing and `agent/image` can do its work */
async function startOrReplace(format: ToolFormat, path: string | undefined): Promise<RunningTool | null> {
  try {
    return await startTool(format, path)
  } catch (thrown) {
    if (OWN_DECODERS.includes(format)) return null
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

async function* ofBytes(
  bytes: Uint8Array,
  format: CompressionFormat,
  options: DecompressStreamOptions,
): AsyncGenerator<Uint8Array> {
  if (format === 'gzip') return yield* gunzip(chunksOf(bytes), options)
  const tool = await startOrReplace(format, options.path)
  yield* tool === null ? decode(bytes, format, options) : runTool(tool, chunksOf(bytes), format, options)
}

async function* ofChunks(
  input: Chunks,
  format: CompressionFormat,
  options: DecompressStreamOptions,
): AsyncGenerator<Uint8Array> {
  if (format === 'gzip') return yield* gunzip(input, options)
  yield* runTool(await startTool(format, options.path), input, format, options)
}

async function* bounded(
  output: AsyncIterable<Uint8Array>,
  { what, limit }: DecompressStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0
  for await (const chunk of output) {
    size += chunk.length
    if (size > limit) throw fault('FORMAT_TOO_LARGE', { what, limit })
    yield chunk
  }
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
  options.signal?.throwIfAborted()
  yield* bounded(ofBytes(bytes, format, options), options)
}

/**
 * As {@link decompressStream}, of a file that need not be in memory, which takes the format's tool.
 *
 * @throws what the input throws
 */
export async function* decompressChunks(
  input: Chunks,
  format: CompressionFormat,
  options: DecompressStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  options.signal?.throwIfAborted()
  yield* bounded(ofChunks(input, format, options), options)
}
