/**
 * Decompression of files that are too large to be unpacked into one buffer: by zlib, or by the system's own tools where
 * they are installed (2 to 4 times the speed of what runs inside Node), else by `agent/image`.
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { fault } from '../../errors.js'
import { type CompressionFormat, decompress } from '../../image/compression/compression.js'

export interface DecompressStreamOptions {
  /** name of the file, for messages */
  readonly what: string
  /** most bytes of output */
  readonly limit: number
  readonly signal?: AbortSignal
  /** where the tools are looked for; the environment's PATH unless given */
  readonly path?: string
}

const PIECE = 1024 * 1024

/** Arguments that make a tool unpack its input to its output. Memory is bounded: a dictionary may be said to be huge. */
const TOOLS: Partial<Record<CompressionFormat, readonly [command: string, ...args: string[]]>> = {
  xz: ['xz', '-dcq', '-T1', '--format=xz', '--memlimit-decompress=128MiB'],
  lzma: ['xz', '-dcq', '-T1', '--format=lzma', '--memlimit-decompress=128MiB'],
  zstd: ['zstd', '-dcq'],
  bzip2: ['bzip2', '-dcq'],
}

/** Bytes in pieces; views, not copies. */
export function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += PIECE) yield bytes.subarray(offset, offset + PIECE)
}

const failed = (what: string, format: CompressionFormat, reason: string, cause?: unknown) =>
  fault('DECOMPRESS_FAILED', { what, format, reason }, cause)

async function* gunzip(bytes: Uint8Array, { what, signal }: DecompressStreamOptions): AsyncGenerator<Uint8Array> {
  const stream = createGunzip({ chunkSize: PIECE })
  // Errors of the pipe are errors of the stream that is read below.
  const pumped = Promise.allSettled([pipeline(Readable.from(pieces(bytes)), stream, { signal })])
  try {
    yield* stream
  } catch (thrown) {
    signal?.throwIfAborted()
    throw failed(what, 'gzip', thrown instanceof Error ? thrown.message : String(thrown), thrown)
  } finally {
    stream.destroy()
    await pumped
  }
}

type Tool = ChildProcessByStdio<Writable, Readable, Readable>

/** Start a tool. @returns null when it is not there, or may not be run */
async function startTool(format: CompressionFormat, path: string | undefined): Promise<Tool | null> {
  const [command, ...args] = TOOLS[format] ?? []
  if (command === undefined) return null
  const env = { PATH: path ?? process.env.PATH, LC_ALL: 'C' }
  const tool = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
  try {
    await once(tool, 'spawn')
    return tool
  } catch {
    // Not installed, or forbidden by the sandbox: the decoders of agent/image do the same, slower.
    return null
  }
}

/** What a tool says on its error output, at most its first lines. */
async function firstWords(stream: Readable): Promise<string> {
  let words = ''
  for await (const chunk of stream.setEncoding('utf8')) if (words.length < 500) words += chunk
  return words.trim().split('\n')[0]?.slice(0, 200) ?? ''
}

async function* runTool(
  tool: Tool,
  bytes: Uint8Array,
  format: CompressionFormat,
  { what, signal }: DecompressStreamOptions,
): AsyncGenerator<Uint8Array> {
  const kill = (): boolean => tool.kill('SIGKILL')
  signal?.addEventListener('abort', kill, { once: true })
  const ended = once(tool, 'close')
  const words = firstWords(tool.stderr)
  // A tool that gives up closes its input early; what it says of that is what counts.
  const fed = Promise.allSettled([pipeline(Readable.from(pieces(bytes)), tool.stdin)])
  try {
    yield* tool.stdout
    const [status] = await ended
    signal?.throwIfAborted()
    if (status !== 0) throw failed(what, format, (await words) || `${TOOLS[format]?.[0]} ended with status ${status}`)
  } finally {
    signal?.removeEventListener('abort', kill)
    kill()
    await Promise.all([ended, words, fed])
  }
}

async function* chunksOf(
  bytes: Uint8Array,
  format: CompressionFormat,
  options: DecompressStreamOptions,
): AsyncGenerator<Uint8Array> {
  if (format === 'gzip') return yield* gunzip(bytes, options)
  const tool = await startTool(format, options.path)
  if (tool !== null) return yield* runTool(tool, bytes, format, options)
  yield decompress(bytes, { ...options, format })
}

/**
 * Unpack a file, chunk by chunk.
 *
 * @throws FORMAT_TOO_LARGE when more than `limit` bytes come out; DECOMPRESS_FAILED; errors of `agent/image` (FORMAT_*)
 *   where no tool is installed; the reason of `signal`
 */
export async function* decompressStream(
  bytes: Uint8Array,
  format: CompressionFormat,
  options: DecompressStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { what, limit, signal } = options
  let size = 0
  signal?.throwIfAborted()
  for await (const chunk of chunksOf(bytes, format, options)) {
    size += chunk.length
    if (size > limit) throw fault('FORMAT_TOO_LARGE', { what, limit })
    yield chunk
  }
}
