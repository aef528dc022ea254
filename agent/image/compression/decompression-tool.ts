/** Decompresses with the system's programs, as child processes: they stream, and run off the event loop. */

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FauxbootError, fault } from '../../errors.js'
import type { BoundedOutput } from './bounded-output.js'

interface Tool {
  readonly command: string
  /** Arguments to decompress standard input to standard output. Memory is bounded: a file may claim a huge dictionary. */
  readonly args: readonly string[]
  /** Debian package */
  readonly package: string
}

const TOOLS = {
  xz: { command: 'xz', args: ['-dcq', '-T1', '--format=xz', '--memlimit-decompress=128MiB'], package: 'xz-utils' },
  // Without --single-stream, xz refuses anything after the .lzma file, such as the rest of memory in a U-Boot command.
  lzma: {
    command: 'xz',
    args: ['-dcq', '-T1', '--format=lzma', '--single-stream', '--memlimit-decompress=128MiB'],
    package: 'xz-utils',
  },
  zstd: { command: 'zstd', args: ['-dcq'], package: 'zstd' },
  bzip2: { command: 'bunzip2', args: ['-cq'], package: 'bzip2' },
  lz4: { command: 'lz4', args: ['-dcq'], package: 'lz4' },
} as const satisfies Record<string, Tool>

export type ToolFormat = keyof typeof TOOLS

export interface ToolOptions {
  /** name of the file, for errors */
  readonly what: string
  /** kills the tool; its reason is thrown */
  readonly signal?: AbortSignal
  /** where to look for the tools; the environment's PATH by default */
  readonly path?: string
}

const CHUNK = 1024 * 1024

/** Bytes in chunks of 1 MiB; views, not copies. */
export function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += CHUNK) yield bytes.subarray(offset, offset + CHUNK)
}

export type RunningTool = ChildProcessByStdio<Writable, Readable, Readable>

/**
 * Start the tool of a format.
 *
 * @throws PROGRAM_MISSING if it is not installed or may not be executed
 */
export async function startTool(format: ToolFormat, path = process.env.PATH): Promise<RunningTool> {
  const { command, args, package: name } = TOOLS[format]
  try {
    const tool = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: path, LC_ALL: 'C' } })
    await once(tool, 'spawn')
    return tool
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw fault('PROGRAM_MISSING', { program: command, reason, package: name }, thrown)
  }
}

/** The first line that a tool writes to its standard error, at most 200 characters. */
async function firstLine(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) if (text.length < 500) text += chunk
  return text.trim().split('\n')[0]?.slice(0, 200) ?? ''
}

/** What is decompressed, piece by piece. */
export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/**
 * Feed a running tool, and yield its output. When the generator ends, for any reason, the tool has ended, too.
 *
 * @throws DECOMPRESS_FAILED with the tool's own words; what the input throws; the reason of the signal
 */
export async function* runTool(
  tool: RunningTool,
  input: Chunks,
  format: ToolFormat,
  { what, signal }: ToolOptions,
): AsyncGenerator<Uint8Array> {
  const kill = (): boolean => tool.kill('SIGKILL')
  const failed = (reason: string) => fault('DECOMPRESS_FAILED', { what, format, reason })
  signal?.addEventListener('abort', kill, { once: true })
  const ended = once(tool, 'close')
  const complaint = firstLine(tool.stderr)
  // A tool that fails closes its input early. Its own message says why.
  const fed = pipeline(Readable.from(input), tool.stdin).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  try {
    signal?.throwIfAborted()
    yield* tool.stdout
    const [status] = await ended
    signal?.throwIfAborted()
    if (status !== 0) {
      const unread = await fed
      if (unread instanceof FauxbootError) throw unread
      throw failed((await complaint) || `${TOOLS[format].command} ended with status ${status}`)
    }
  } finally {
    signal?.removeEventListener('abort', kill)
    kill()
    await Promise.all([ended, complaint, fed])
  }
}

/**
 * Decompress into memory with a tool. Tools do not say where the data ends, so all input counts as used.
 *
 * @returns the bytes of input
 * @throws DECOMPRESS_FAILED, FORMAT_TOO_LARGE, PROGRAM_MISSING; the reason of the signal
 */
export const decodeWithTool =
  (format: ToolFormat) =>
  async (bytes: Uint8Array, output: BoundedOutput): Promise<number> => {
    const { what, signal } = output
    const tool = await startTool(format)
    for await (const chunk of runTool(tool, chunksOf(bytes), format, { what, signal })) {
      output.push(chunk)
      await output.yieldIfDue()
    }
    return bytes.length
  }
