import t from 'tap'
import { decompress } from '../../../../../agent/image/compression/compression.js'
import { needs, peer } from '../../../../peer.js'

const MAGIC = [0x02, 0x21, 0x4c, 0x18] as const

/** A legacy frame of one block. */
function frameOf(...block: readonly number[]): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(block.length)
  return Buffer.concat([Buffer.from(MAGIC), size, Buffer.from(block)])
}

const unpacked = async (bytes: Uint8Array, limit = 30_000_000) => Buffer.from(await decompress(bytes, { limit }))
const refusedFor = (reason: RegExp) => ({ code: 'DECOMPRESS_FAILED', details: { format: 'lz4', reason } })

t.test('files of several blocks are decompressed, even if the last block is full', needs('lz4'), async t => {
  for (const size of [8 << 20, (8 << 20) + 1, 17_000_000]) {
    const plain = Buffer.alloc(size, 'not quite eight')
    const result = await unpacked(peer('lz4', ['-l', '-q', '-c'], plain))
    t.ok(result.equals(plain), `${size} bytes`)
  }
})

t.test('literals, and matches that overlap their source or not, are decompressed', async t => {
  t.equal((await unpacked(frameOf(0x10, 0x61))).toString(), 'a')
  t.equal((await unpacked(frameOf(0x1f, 0x61, 1, 0, 3, 0x10, 0x62))).toString(), `${'a'.repeat(23)}b`)
  t.equal((await unpacked(frameOf(0x40, 0x61, 0x62, 0x63, 0x64, 4, 0, 0x10, 0x65))).toString(), 'abcdabcde')
  const letters = Array.from({ length: 64 }, (_, index) => 0x21 + index)
  const twice = frameOf(0xff, 64 - 15, ...letters, 64, 0, 64 - 19, 0x10, 0x62)
  t.equal((await unpacked(twice)).toString(), `${String.fromCharCode(...letters, ...letters)}b`)
})

t.test('the size that a kernel appends to its payload can be ignored', async t => {
  const payload = Buffer.concat([frameOf(0x10, 0x61), Buffer.from([0x01, 0, 0, 0])])
  t.equal((await decompress(payload, { limit: 10, trailing: 'ignore' })).length, 1)
  await t.rejects(unpacked(payload), { code: 'FORMAT_VALUE', details: { where: '0xa' } })
})

t.test('the frame that lz4 writes is decompressed, with any of its checksums and sizes', needs('lz4'), async t => {
  const plain = Buffer.alloc(200_000, 'some text, and more of it. ')
  for (const options of [[], ['--no-frame-crc'], ['-BX', '-B4'], ['--content-size', '-B5'], ['-B7', '-9']]) {
    const packed = peer('lz4', ['-q', '-c', ...options], plain)
    t.ok((await unpacked(packed)).equals(plain), options.join(' '))
    t.equal(
      (await decompress(Buffer.concat([packed, Buffer.alloc(9, 1)]), { limit: 200_000, trailing: 'ignore' })).length,
      plain.length,
    )
  }
  t.equal((await unpacked(peer('lz4', ['-q', '-c'], Buffer.from('stored')))).toString(), 'stored')
  await t.rejects(unpacked(peer('lz4', ['-q', '-c'], plain), 1000), { code: 'FORMAT_TOO_LARGE' })
})

t.test('a frame that U-Boot cannot read is refused', async t => {
  const frame = (flags: number, ...rest: readonly number[]) =>
    unpacked(Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, 0x40, 0, ...rest]))
  const refused = (found: string) => ({ code: 'FORMAT_UNSUPPORTED', details: { found } })
  await t.rejects(frame(0x40), refused('linked blocks'))
  await t.rejects(frame(0xa0), refused('lz4 frame version 2'))
  await t.rejects(frame(0x61), refused('a dictionary'))
  await t.rejects(frame(0x60, 5, 0), { code: 'FORMAT_TRUNCATED' })
  await t.rejects(frame(0x60, 5, 0, 0, 0, 1), { code: 'FORMAT_TRUNCATED' })
  const endless = [0x1f, 0x61, 1, 0, ...Array<number>(300).fill(255), 0, 0x10, 0x62]
  await t.rejects(
    frame(0x60, endless.length & 255, endless.length >> 8, 0, 0, ...endless),
    refusedFor(/more than 0x10000/),
  )
})

t.test('the error for an invalid block has the reason and the offset', async t => {
  await t.rejects(unpacked(frameOf(0x20, 0x61)), refusedFor(/2 literals exceed the block, at 0x9/))
  await t.rejects(unpacked(frameOf(0xf0, 255, 255)), refusedFor(/ends within a length/))
  await t.rejects(unpacked(frameOf(0x10, 0x61, 1)), refusedFor(/ends within a distance/))
  await t.rejects(unpacked(frameOf(0x10, 0x61, 0, 0, 0x10, 0x62)), refusedFor(/distance 0 /))
  await t.rejects(unpacked(frameOf(0x10, 0x61, 2, 0, 0x10, 0x62)), refusedFor(/distance 2 exceeds the 1 bytes/))
})

t.test('a block that decompresses to more than 8 MiB is refused before it is written', async t => {
  const endless = frameOf(0x1f, 0x61, 1, 0, ...Array<number>(40_000).fill(255), 0, 0x10, 0x62)
  await t.rejects(unpacked(endless), refusedFor(/more than 0x800000/))
})

t.test('a match beyond the limit is refused', async t => {
  await t.rejects(unpacked(frameOf(0x1f, 0x61, 1, 0, 100, 0x10, 0x62), 50), { code: 'FORMAT_TOO_LARGE' })
})

t.test('a truncated block is refused', async t => {
  await t.rejects(unpacked(frameOf(0x10, 0x61).subarray(0, 9)), {
    code: 'FORMAT_TRUNCATED',
    details: { where: '0x8 (block)' },
  })
  await t.rejects(decompress(Buffer.from([2, 0x21]), { limit: 1, format: 'lz4' }), { code: 'FORMAT_TRUNCATED' })
  await t.rejects(decompress(Buffer.alloc(10), { limit: 1, format: 'lz4' }), { code: 'FORMAT_MAGIC' })
})
