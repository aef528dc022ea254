import { crc32 } from 'node:zlib'
import t from 'tap'
import { decompress } from '../../../../../agent/image/compression/compression.js'
import { fileNeeds, peer } from '../../../../peer.js'

fileNeeds('xz')

const limit = 1_000_000
const plain = Buffer.from(Uint8Array.from({ length: 30_000 }, (_, i) => (i * i * 40503) >>> 20))
const xz = (...args: readonly string[]) => peer('xz', ['-c', ...args], plain)
const WHOLE = xz()
const unpacked = async (bytes: Uint8Array) => Buffer.from(await decompress(bytes, { limit }))

const HEADER_BYTES = 12

/** A copy with bytes replaced, and the CRC32 of a range corrected. */
function patched(
  bytes: Uint8Array,
  at: number,
  values: readonly number[],
  crcOf: readonly [number, number],
  crcAt: number,
) {
  const copy = Buffer.from(bytes)
  copy.set(values, at)
  copy.writeUInt32LE(crc32(copy.subarray(...crcOf)), crcAt)
  return copy
}

/** The block header with bytes replaced. */
function withBlockHeader(at: number, ...values: readonly number[]): Buffer {
  const bytes = Buffer.from(WHOLE)
  const end = HEADER_BYTES + (bytes.readUInt8(HEADER_BYTES) + 1) * 4 - 4
  return patched(bytes, HEADER_BYTES + at, values, [HEADER_BYTES, end], end)
}

t.test('streams with each supported check are decompressed', async t => {
  for (const check of ['none', 'crc32', 'crc64']) t.same(await unpacked(xz(`--check=${check}`)), plain, check)
  await t.rejects(unpacked(xz('--check=sha256')), {
    code: 'FORMAT_UNSUPPORTED',
    details: { where: '0x7', found: 'check 10', expected: 'none, crc32, crc64' },
  })
})

t.test('streams of many blocks are decompressed, with sizes in the block headers or not', async t => {
  t.same(await unpacked(xz('-T2', '--block-size=5000')), plain)
  t.same(await unpacked(xz('-T1', '--block-size=5000')), plain)
  t.same(await unpacked(withBlockHeader(4, 28)), plain, 'with the dictionary of xz -9')
})

t.test('filters and dictionaries that the decoder lacks are named', async t => {
  await t.rejects(unpacked(xz('--arm', '--lzma2=preset=6')), {
    code: 'FORMAT_UNSUPPORTED',
    details: { found: 'filter arm', expected: 'only lzma2' },
  })
  await t.rejects(unpacked(withBlockHeader(2, 0x40)), { code: 'FORMAT_UNSUPPORTED', details: { found: 'filter 64' } })
  await t.rejects(unpacked(withBlockHeader(4, 29)), {
    code: 'FORMAT_UNSUPPORTED',
    details: { found: 'a dictionary of 100663296 bytes' },
  })
})

t.test('an invalid block header is refused', async t => {
  await t.rejects(unpacked(withBlockHeader(1, 0x04)), { code: 'FORMAT_VALUE', details: { where: '0xd (block flags)' } })
  await t.rejects(unpacked(withBlockHeader(4, 41)), {
    code: 'FORMAT_VALUE',
    details: { where: '0x10 (dictionary size)' },
  })
  await t.rejects(unpacked(withBlockHeader(1, 0x40, ...Array<number>(9).fill(0xff))), {
    code: 'FORMAT_VALUE',
    details: { expected: 'less than 2^53' },
  })
})

t.test('an invalid chunk is refused', async t => {
  const bytes = Buffer.from(WHOLE)
  bytes.writeUInt8(0x7f, 24)
  await t.rejects(unpacked(bytes), { code: 'FORMAT_VALUE', details: { where: '0x18 (chunk)', found: '0x7f' } })
})

t.test('the CRCs of header, block header, index and footer are checked', async t => {
  const bytes = Buffer.from(WHOLE)
  for (const at of [8, 20, bytes.length - 16, bytes.length - 6]) {
    const damaged = Buffer.from(bytes)
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at)
    await t.rejects(unpacked(damaged), { code: 'FORMAT_CRC' }, `at ${at}`)
  }
})

t.test('a footer that does not match the header is refused', async t => {
  const bytes = Buffer.from(WHOLE)
  const footer = bytes.length - 12
  const crc = [footer + 4, footer + 10] as const
  await t.rejects(unpacked(patched(bytes, footer + 9, [1], crc, footer)), {
    code: 'FORMAT_VALUE',
    details: { found: '0x1' },
  })
  await t.rejects(unpacked(patched(bytes, footer + 11, [0x59], crc, footer)), {
    code: 'FORMAT_MAGIC',
    details: { expected: '0x595a' },
  })
})

t.test('data that does not match its check is refused', async t => {
  const bytes = Buffer.from(WHOLE)
  bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000)
  await t.rejects(decompress(bytes, { limit, what: 'ramdisk' }), {
    code: 'DECOMPRESS_FAILED',
    message: 'ramdisk cannot be decompressed as xz: corrupt: its data, a check or the index is wrong',
  })
  t.same(await unpacked(WHOLE), plain, 'and the decoder works again')
})

t.test('two files decompressed at the same time do not block each other', async t => {
  const [one, two] = await Promise.all([unpacked(WHOLE), unpacked(WHOLE)])
  t.same(one, two)
})
