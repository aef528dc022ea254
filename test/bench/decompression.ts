/** Decompression of a job's files against the command-line tools, and how long it blocks the event loop. */

import { execFile } from 'node:child_process'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CompressionFormat } from '../../agent/image/compression/compression.js'
import { decompressStream } from '../../agent/image/compression/decompress-stream.js'
import type { Figure } from './figure.js'
import { alternate, asFigure, type Took, timedCommand, timedHere } from './timing.js'

const run = promisify(execFile)
const SIZE_MIB = 32

/** Each tool as it compresses quickly; all of them decompress with `-dc`. */
const TOOLS: readonly (readonly [format: CompressionFormat, tool: string, level: string])[] = [
  ['gzip', 'gzip', '-1'],
  ['xz', 'xz', '-0'],
  ['zstd', 'zstd', '-3'],
  ['lz4', 'lz4', '-1'],
]

export async function measureDecompression(runs: number): Promise<Figure[]> {
  const directory = await mkdtemp('/dev/shm/fauxboot-decompression-')
  const figures: Figure[] = []
  try {
    const plain = join(directory, 'plain')
    await writeFile(plain, await sample())
    for (const [format, tool, level] of TOOLS) {
      const packed = `${plain}.${format}`
      await run('sh', ['-c', `${tool} ${level} -c ${plain} > ${packed}`])
      figures.push(await measureFormat(format, tool, packed, runs))
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return figures
}

/** Code and data of a real program: Node itself. */
async function sample(): Promise<Buffer> {
  const file = await open(process.execPath)
  try {
    const bytes = Buffer.alloc(SIZE_MIB << 20)
    await file.read(bytes, 0, bytes.length, 0)
    return bytes
  } finally {
    await file.close()
  }
}

async function measureFormat(format: CompressionFormat, tool: string, packed: string, runs: number): Promise<Figure> {
  const bytes = await readFile(packed)
  const ours = (): Promise<Took> =>
    timedHere(async () => {
      const limit = SIZE_MIB << 20
      for await (const _ of decompressStream(bytes, format, { what: 'bench', limit })) {
        // Only how long it takes matters.
      }
    })
  await ours()
  const samples = await alternate(runs, ours, () => timedCommand(['sh', '-c', `${tool} -dc ${packed} > /dev/null`]))
  return {
    ...asFigure(samples),
    what: `decompression of ${SIZE_MIB} MiB, ${format}`,
    peer: `${tool} -dc`,
    target: 1.2,
    reason: 'the output of a tool passes a pipe into this process, where the peer writes to /dev/null',
  }
}
