import { execFileSync } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { fault } from '../../../../../agent/errors.js'
import type { CompressionFormat } from '../../../../../agent/image/compression/compression.js'
import {
  type DecompressStreamOptions,
  decompressChunks,
  decompressStream,
} from '../../../../../agent/image/compression/decompress-stream.js'
import { fileNeeds } from '../../../../peer.js'
import { failure, MIB, patternBytes, temporaryDirectory } from '../../boot/fixture.js'
import { lz4Bomb } from './lz4-bomb.js'

fileNeeds('xz', 'zstd', 'bzip2', 'lz4')

const FILE = Buffer.concat([patternBytes(1.25 * MIB), Buffer.alloc(0.75 * MIB)])
const OPTIONS: DecompressStreamOptions = { what: 'modules', limit: 10 * MIB }
const pack = (command: string, ...args: string[]): Buffer =>
  execFileSync(command, args, { input: FILE, maxBuffer: 64 * MIB })
const PACKED: [CompressionFormat, Buffer][] = [
  ['gzip', gzipSync(FILE)],
  ['xz', pack('xz', '-0c')],
  ['lzma', pack('xz', '-0c', '--format=lzma')],
  ['zstd', pack('zstd', '-1qc')],
  ['bzip2', pack('bzip2', '-1c')],
  ['lz4', pack('lz4', '-1qc')],
]

async function unpack(bytes: Uint8Array, format: CompressionFormat, options: Partial<DecompressStreamOptions> = {}) {
  const chunks: Uint8Array[] = []
  for await (const chunk of decompressStream(bytes, format, { ...OPTIONS, ...options })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

t.test(
  'every format is decompressed by a tool of the system; without it by our own decoder, or the error names the package',
  async t => {
    const empty = await temporaryDirectory(t)
    for (const [format, packed] of PACKED) {
      t.ok(FILE.equals(await unpack(packed, format)), format)
      const bare = unpack(packed, format, { path: empty })
      if (format !== 'lzma' && format !== 'bzip2') t.ok(FILE.equals(await bare), `${format} without tools`)
      else
        t.match(
          await failure(bare),
          { code: 'PROGRAM_MISSING', message: /install it \(Debian: (xz-utils|bzip2)\)/ },
          format,
        )
    }
  },
)

t.test('a tool that cannot be executed counts as missing', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'xz'), 'no program')
  await chmod(join(directory, 'xz'), 0o644)
  const [, packed] = PACKED[1] ?? ['xz', Buffer.alloc(0)]
  t.ok(FILE.equals(await unpack(packed, 'xz', { path: directory })))
})

t.test('output is bounded', async t => {
  const empty = await temporaryDirectory(t)
  for (const [format, packed] of PACKED) {
    for (const path of format === 'lzma' || format === 'bzip2' ? [undefined] : [undefined, empty]) {
      const error = await failure(unpack(packed, format, { limit: 1.5 * MIB, path }))
      // Our own decoder for zstd cannot distinguish an oversized file from a damaged one.
      const code = format === 'zstd' && path === empty ? 'DECOMPRESS_FAILED' : 'FORMAT_TOO_LARGE'
      t.match(error, { code, message: /modules .* more than 1572864 bytes/ }, format)
    }
  }
})

t.test('truncated or changed data gives an error that names the file', async t => {
  for (const [format, packed] of PACKED) {
    const cut = await failure(unpack(packed.subarray(0, packed.length >> 1), format))
    t.match(cut, { code: 'DECOMPRESS_FAILED', details: { what: 'modules', format } }, `${format}, cut`)
    const changed = Buffer.from(packed)
    changed.fill(0x55, packed.length >> 1, (packed.length >> 1) + 50)
    t.match(await failure(unpack(changed, format)), { code: 'DECOMPRESS_FAILED' }, `${format}, changed`)
    const other = await failure(unpack(FILE, format))
    t.match(other, { code: 'DECOMPRESS_FAILED', details: { reason: /.{10}/ } }, `${format}, something else`)
  }
})

t.test('the error names the exit status of a tool that says nothing', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'xz'), '#!/bin/sh\nexit 3\n', { mode: 0o755 })
  const error = await failure(unpack(FILE, 'xz', { path: `${directory}:${process.env.PATH}` }))
  t.match(error.details, { reason: 'xz ended with status 3' })
})

t.test('a dictionary that would fill the memory of a board is refused', async t => {
  const packed = execFileSync('xz', ['-c', '--lzma2=dict=256MiB'], { input: 'x' })
  t.match(await failure(unpack(packed, 'xz')), { details: { reason: /[Mm]emory usage limit/ } })
})

t.test('a signal ends it at once, with its reason', async t => {
  const reason = new Error('cancelled')
  for (const [format, packed] of PACKED) {
    const abort = new AbortController()
    const stopped = async (): Promise<void> => {
      for await (const chunk of decompressStream(packed, format, { ...OPTIONS, signal: abort.signal })) {
        if (chunk.length > 0) abort.abort(reason)
      }
    }
    await t.rejects(stopped(), reason, format)
    await t.rejects(unpack(packed, format, { signal: abort.signal }), reason, `${format}, before it starts`)
  }
})

t.test('a reader that stops early leaves no tool behind', async t => {
  for (const [format, packed] of PACKED) {
    const chunks = decompressStream(packed, format, OPTIONS)
    t.equal((await chunks.next()).done, false)
    t.same(await chunks.return(undefined), { value: undefined, done: true }, format)
  }
})

t.test('our own decoders let go of their output piece by piece, up to the limit', async t => {
  const empty = await temporaryDirectory(t)
  const xz = execFileSync('xz', ['-0c'], { input: Buffer.alloc(40 * MIB) })
  for (const [format, packed] of [
    ['lz4', lz4Bomb(5)],
    ['xz', xz],
  ] as const) {
    const options = { what: 'modules', limit: 40 * MIB, path: empty }
    const sizes: number[] = []
    for await (const chunk of decompressStream(packed, format, options)) sizes.push(chunk.length)
    t.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      40 * MIB,
      format,
    )
    t.ok(Math.max(...sizes) <= 8 * MIB, `${format}: ${sizes.length} pieces`)
    const error = await failure(unpack(packed, format, { ...options, limit: 40 * MIB - 1 }))
    t.equal(error.code, 'FORMAT_TOO_LARGE', format)
    const stopped = decompressStream(packed, format, options)
    t.equal((await stopped.next()).done, false)
    await stopped.return()
    t.match((await failure(unpack(packed.subarray(0, -4), format, options))).code, /FORMAT_|DECOMPRESS_/, 'cut')
  }
})

t.test('a file that is not in memory is decompressed as it comes, and its own error is the error', async t => {
  const pieces = async function* (bytes: Uint8Array, error?: Error) {
    for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000)
    if (error !== undefined) throw error
  }
  const collect = async (chunks: AsyncIterable<Uint8Array>) => {
    const all: Uint8Array[] = []
    for await (const chunk of chunks) all.push(chunk)
    return Buffer.concat(all)
  }
  for (const [format, packed] of PACKED) {
    t.ok(FILE.equals(await collect(decompressChunks(pieces(packed), format, OPTIONS))), format)
    const unreadable = fault('CLI_FILE', { file: 'rootfs', reason: 'unreadable' })
    const broken = collect(decompressChunks(pieces(packed.subarray(0, -20), unreadable), format, OPTIONS))
    t.equal(await failure(broken), unreadable, format)
  }
})
