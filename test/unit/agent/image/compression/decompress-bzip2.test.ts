import t from 'tap'
import { decompress } from '../../../../../agent/image/compression/compression.js'
import { peer } from '../peer.js'

const limit = 10_000_000
const unpacked = async (bytes: Uint8Array, most = limit) =>
  Buffer.from(await decompress(bytes, { limit: most, format: 'bzip2' }))
const bzip2 = (plain: Uint8Array, ...args: readonly string[]) => peer('bzip2', ['-c', ...args], plain)
const refusedFor = (reason: RegExp) => ({ code: 'DECOMPRESS_FAILED', details: { format: 'bzip2', reason } })

const bits = (value: number, count: number) => value.toString(2).padStart(count, '0')
const BLOCK = bits(0x3141_5926, 32) + bits(0x5359, 16)

interface BlockParts {
  randomised?: string
  first?: number
  /** which bytes occur: "a" alone by default */
  map?: string
  tables?: number
  selectors?: number
  /** selector of each group, as places in the list of tables */
  selectorBits?: string
  /** lengths of the codes of one table: run A 1, run B 2, end 2 by default */
  lengths?: string
  /** 0 is run A, 10 run B, 11 the end */
  symbols?: string
}

/** A stream whose first block is written bit by bit. */
function streamOf(parts: BlockParts): Buffer {
  const { tables = 2, selectors = 1, lengths = '00001' + '0' + '100' + '0' } = parts
  const text = [
    BLOCK,
    bits(0, 32),
    parts.randomised ?? '0',
    bits(parts.first ?? 0, 24),
    parts.map ?? bits(0x0200, 16) + bits(0x4000, 16),
    bits(tables, 3),
    bits(selectors, 15),
    parts.selectorBits ?? '0'.repeat(selectors),
    lengths.repeat(tables),
    parts.symbols ?? '011',
    '0'.repeat(64),
  ].join('')
  const bytes = text.match(/.{8}/g) ?? []
  return Buffer.concat([Buffer.from('BZh1'), Buffer.from(bytes.map(byte => Number.parseInt(byte, 2)))])
}

t.test('what bzip2 makes of anything is undone', async t => {
  const noise = Buffer.from(Uint8Array.from({ length: 250_000 }, (_, i) => Math.imul(i, 2654435761) >>> 13))
  const runs = Buffer.concat(Array.from({ length: 300 }, (_, i) => Buffer.alloc(i, i)))
  for (const plain of [noise, runs, Buffer.alloc(3_000_000), Buffer.from('banana')]) {
    for (const level of ['-1', '-9']) t.ok((await unpacked(bzip2(plain, level))).equals(plain))
  }
})

t.test('a limit that is just met holds, for runs at the end of a block too', async t => {
  for (const size of [4, 5, 255, 259, 260, 100_000]) {
    const packed = bzip2(Buffer.alloc(size, 'x'))
    t.equal((await unpacked(packed, size)).length, size)
    await t.rejects(unpacked(packed, size - 1), { code: 'FORMAT_TOO_LARGE' })
  }
})

t.test('CRCs of blocks and of the stream are checked', async t => {
  const packed = bzip2(Buffer.from('banana'))
  const damaged = (at: number) => {
    const copy = Buffer.from(packed)
    copy.writeUInt8(copy.readUInt8(at) ^ 0x10, at)
    return copy
  }
  await t.rejects(unpacked(damaged(10)), { code: 'FORMAT_CRC' })
  await t.rejects(unpacked(damaged(packed.length - 3)), { code: 'FORMAT_CRC' })
})

t.test('a run of 2^40 is refused, though its length would overflow', async t => {
  await t.rejects(unpacked(streamOf({ symbols: `${'0'.repeat(40)}11` })), refusedFor(/a run goes beyond the block/))
})

t.test('a stream that goes wrong is refused with the reason', async t => {
  const cases: readonly (readonly [BlockParts, RegExp])[] = [
    [{ randomised: '1' }, /randomised/],
    [{ map: bits(0, 16) }, /without bytes/],
    [{ tables: 1 }, /1 Huffman tables/],
    [{ tables: 7 }, /7 Huffman tables/],
    [{ selectorBits: '1110' }, /selector of 3 among 2/],
    [{ selectors: 0, selectorBits: '' }, /behind the last selector/],
    [{ lengths: '00000' + '0' }, /code of 0 bits/],
    [{ lengths: '10100' + '100' }, /code of 21 bits/],
    [{ lengths: '00011' + '0' + '0' + '0', symbols: '111' }, /not in the table/],
    [{ first: 1 }, /a block of 1 bytes that starts at 1/],
  ]
  for (const [parts, reason] of cases) await t.rejects(unpacked(streamOf(parts)), refusedFor(reason))
  // bytes "a" and "b"; two bits for each symbol: run A, run B, "b", end
  const two = { map: bits(0x0200, 16) + bits(0x6000, 16), lengths: '00010' + '0000', selectors: 3000 }
  await t.rejects(unpacked(streamOf({ ...two, symbols: '10'.repeat(100_001) })), refusedFor(/beyond its size/))
})

t.test('what is no bzip2 stream is refused', async t => {
  await t.rejects(unpacked(Buffer.from('BZh0rest')), {
    code: 'FORMAT_VALUE',
    details: { where: '0x3 (block size)', found: '0x30' },
  })
  await t.rejects(unpacked(Buffer.from('BZx9rest')), { code: 'FORMAT_MAGIC' })
  await t.rejects(unpacked(Buffer.from('BZh9 and something else')), refusedFor(/no block where one must be/))
  await t.rejects(unpacked(bzip2(Buffer.from('banana')).subarray(0, -1)), refusedFor(/ends too early/))
})
