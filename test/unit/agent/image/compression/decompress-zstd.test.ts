import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { decompress } from '../../../../../agent/image/compression/compression.js'
import { needs, peer } from '../../../../peer.js'

const limit = 1_000_000
const plain = Buffer.from('zstandard '.repeat(30_000))
const unpacked = async (bytes: Uint8Array, most = limit) => Buffer.from(await decompress(bytes, { limit: most }))
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const
const RAW = 0
const RLE = 2

/** A block header of three bytes (RFC 8878 section 3.1.1.2). */
function block(type: number, size: number, last: boolean): number[] {
  const word = (size << 3) | type | (last ? 1 : 0)
  return [word & 0xff, (word >>> 8) & 0xff, word >>> 16]
}

/** A frame with a window, without a content size. */
const frame = (...blocks: readonly number[]) => Buffer.from([...MAGIC, 0x00, 0x58, ...blocks])

/** A frame with a content size of eight bytes. */
function sizedFrame(size: bigint, ...blocks: readonly number[]): Buffer {
  const bytes = Buffer.from([...MAGIC, 0xe0, ...Array<number>(8).fill(0), ...blocks])
  bytes.writeBigUInt64LE(size, 5)
  return bytes
}

t.test('a frame with a content size of any width is decompressed', needs('zstd'), async t => {
  const directory = t.testdir()
  for (const size of [10, 300, 70_000, 300_000]) {
    writeFileSync(join(directory, 'file'), plain.subarray(0, size))
    const packed = peer('zstd', ['-q', '-c', 'file'], undefined, directory)
    t.same(await unpacked(packed), plain.subarray(0, size), `${size} bytes`)
    await t.rejects(unpacked(packed, size - 1), { code: 'FORMAT_TOO_LARGE' })
  }
  t.equal((await unpacked(sizedFrame(3n, ...block(RAW, 3, true), 1, 2, 3))).length, 3)
})

t.test('a frame from a pipe, which has no content size, is decompressed', needs('zstd'), async t => {
  t.same(await unpacked(peer('zstd', ['-q', '-c'], plain)), plain)
  t.same(await unpacked(peer('zstd', ['-q', '-c'], plain), plain.length), plain, 'with a limit that is just met')
})

t.test('skippable frames between and after frames are skipped', needs('zstd'), async t => {
  const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
  const one = peer('zstd', ['-q', '-c'], Buffer.from('one'))
  t.equal((await unpacked(Buffer.concat([one, skippable, skippable, one, skippable]))).toString(), 'oneone')
  await t.rejects(unpacked(Buffer.concat([one, skippable.subarray(0, 10)])), {
    code: 'FORMAT_TRUNCATED',
    details: { where: /skippable/ },
  })
})

t.test('raw and repeated blocks, and empty frames, are decompressed', async t => {
  t.same(await unpacked(frame(...block(RAW, 2, false), 7, 8, ...block(RLE, 3, true), 9)), Buffer.from([7, 8, 9, 9, 9]))
  t.equal((await unpacked(frame(...block(RAW, 0, true)))).length, 0)
})

t.test('a content size that the blocks cannot reach is refused before it is allocated', async t => {
  await t.rejects(unpacked(sizedFrame(2n ** 62n, ...block(RAW, 0, true)), Number.MAX_SAFE_INTEGER), {
    code: 'FORMAT_VALUE',
  })
  await t.rejects(unpacked(sizedFrame(4n, ...block(RAW, 3, true), 1, 2, 3)), {
    code: 'FORMAT_VALUE',
    details: { where: '0x4 (content size)' },
  })
  await t.rejects(unpacked(sizedFrame(2n, ...block(RAW, 3, true), 1, 2, 3)), { code: 'DECOMPRESS_FAILED' })
})

t.test('a frame that is too large for the decoder is refused, regardless of the limit', async t => {
  const blocks = Array.from({ length: 8193 }, (_, i) => [...block(RLE, 0x2_0000, i === 8192), 0]).flat()
  await t.rejects(unpacked(frame(...blocks), 2 ** 40), {
    code: 'FORMAT_UNSUPPORTED',
    details: { found: 'a frame of 0x40020000 bytes' },
  })
})

t.test('an invalid header is refused', async t => {
  await t.rejects(unpacked(Buffer.from([...MAGIC, 0x08, 0x58, ...block(RAW, 0, true)])), {
    code: 'FORMAT_VALUE',
    details: { where: '0x4 (frame header)' },
  })
  await t.rejects(unpacked(frame(...block(6, 0, true))), {
    code: 'FORMAT_VALUE',
    details: { where: '0x6 (block type)' },
  })
  await t.rejects(unpacked(frame(...block(RAW, 0x2_0001, true))), {
    code: 'FORMAT_VALUE',
    details: { where: '0x6 (block size)' },
  })
})

t.test('a frame that needs a dictionary is refused, but a dictionary id of 0 is not', async t => {
  const withId = (id: number) => Buffer.from([...MAGIC, 0x01, 0x58, id, ...block(RAW, 1, true), 7])
  await t.rejects(unpacked(withId(5)), { code: 'FORMAT_UNSUPPORTED', details: { found: 'a dictionary' } })
  t.same(await unpacked(withId(0)), Buffer.from([7]))
})

t.test('a frame that stands in memory for a stream has at most 32 MiB, packed and unpacked together', async t => {
  const most = 40 * 2 ** 20
  const packed = Buffer.from([
    ...MAGIC,
    0x00,
    0x58,
    ...Array.from({ length: 300 }, (_, i) => [...block(RLE, 0x2_0000, i === 299), 7]).flat(),
  ])
  t.equal((await unpacked(packed, most)).length, 300 * 0x2_0000)
  await t.rejects(decompress(packed, { limit: most, sink: async () => {} }), {
    code: 'FORMAT_UNSUPPORTED',
    details: { found: /a frame of/, expected: /program zstd/ },
  })
})

t.test('a checksum that does not match is refused', needs('zstd'), async t => {
  const packed = peer('zstd', ['-q', '--check', '-c'], plain)
  packed.writeUInt8(packed.readUInt8(packed.length - 1) ^ 1, packed.length - 1)
  await t.rejects(decompress(packed, { limit, what: 'Image' }), {
    code: 'DECOMPRESS_FAILED',
    message: 'Image cannot be decompressed as zstd: corrupt',
  })
  await t.rejects(unpacked(packed.subarray(0, -1)), { code: 'FORMAT_TRUNCATED', details: { where: /checksum/ } })
})
