import t from 'tap'
import { decompress } from '../../../../../agent/image/compression/compression.js'
import { peer } from '../peer.js'

const limit = 10_000_000
const unpacked = async (bytes: Uint8Array, most = limit) =>
  Buffer.from(await decompress(bytes, { limit: most, format: 'lzma' }))
const refusedFor = (reason: RegExp) => ({ code: 'DECOMPRESS_FAILED', details: { format: 'lzma', reason } })

/** What the LZMA SDK 9.22 makes of three times this text: the size in the header, no end marker. */
const TEXT = 'Hello hello hello hello, LZMA of known size. '.repeat(3)
const KNOWN_SIZE = Buffer.from('XQAAgACHAAAAAAAAAAAkGUmYbxAWI3vSLOwI9nu9FPn7V6K3i8VuCQxbX8wdBK5rMqqAAA==', 'base64')
const lzma = (plain: Uint8Array, options = 'preset=6') =>
  peer('xz', ['--format=lzma', `--lzma1=${options}`, '-c'], plain)

/** A copy that says another size in its header. */
function sized(bytes: Uint8Array, size: bigint): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeBigUInt64LE(size, 5)
  return copy
}

t.test('a stream of known size without an end marker is taken', async t => {
  t.equal((await unpacked(KNOWN_SIZE)).toString(), TEXT)
  t.equal((await unpacked(KNOWN_SIZE, TEXT.length)).toString(), TEXT)
})

t.test('a stream of known size with an end marker is taken', async t => {
  t.equal((await unpacked(sized(lzma(Buffer.from(TEXT)), BigInt(TEXT.length)))).toString(), TEXT)
})

t.test('a stream that ends before or after its size is refused', async t => {
  const marked = lzma(Buffer.from(TEXT))
  await t.rejects(unpacked(sized(marked, BigInt(TEXT.length + 1))), refusedFor(/it ends after 0x87 bytes of output/))
  await t.rejects(
    unpacked(sized(marked, BigInt(TEXT.length - 1))),
    refusedFor(/it goes on beyond its size|it ends after/),
  )
  await t.rejects(unpacked(sized(marked, 2n)), refusedFor(/it goes on beyond its size/))
})

t.test('every way of counting contexts is taken', async t => {
  const plain = Buffer.from(Uint8Array.from({ length: 40_000 }, (_, i) => ((i * i) >>> 7) ^ (i & 0xff)))
  for (const options of ['lc=0,lp=4,pb=4', 'lc=4,lp=0,pb=0', 'lc=1,lp=2,pb=1', 'dict=4KiB', 'nice=273,mf=bt4']) {
    t.ok((await unpacked(lzma(plain, options))).equals(plain), options)
  }
})

t.test('far and near matches, runs and noise are taken', async t => {
  const noise = Uint8Array.from({ length: 300_000 }, (_, i) => Math.imul(i, 2654435761) >>> 13)
  const plain = Buffer.concat([noise, Buffer.alloc(1_000_000, 'x'), noise, Buffer.from(noise).reverse(), noise])
  t.ok((await unpacked(lzma(plain))).equals(plain))
})

t.test('wherever it is cut, it is noticed', async t => {
  for (const whole of [KNOWN_SIZE, lzma(Buffer.from(TEXT))]) {
    for (let length = 0; length < whole.length - 5; length++) {
      await t.rejects(
        unpacked(whole.subarray(0, length)),
        { code: /FORMAT_TRUNCATED|DECOMPRESS_FAILED/ },
        `${length} bytes`,
      )
    }
  }
})

t.test('a size beyond the limit is refused before anything is allocated', async t => {
  await t.rejects(unpacked(sized(KNOWN_SIZE, 2n ** 63n)), { code: 'FORMAT_TOO_LARGE' })
  await t.rejects(unpacked(KNOWN_SIZE, TEXT.length - 1), { code: 'FORMAT_TOO_LARGE' })
  await t.rejects(unpacked(lzma(Buffer.alloc(100_000)), 99_999), { code: 'FORMAT_TOO_LARGE' })
})

t.test('a dictionary of 4 GiB costs nothing, for the output is the dictionary', async t => {
  const huge = Buffer.from(KNOWN_SIZE)
  huge.writeUInt32LE(0xffff_ffff, 1)
  t.equal((await unpacked(huge)).toString(), TEXT)
})

t.test('what cannot be is refused', async t => {
  const properties = Buffer.from(KNOWN_SIZE)
  properties.writeUInt8(225, 0)
  await t.rejects(unpacked(properties), { code: 'FORMAT_VALUE', details: { where: '0x0 (properties)', found: '225' } })
  const first = Buffer.from(KNOWN_SIZE)
  first.writeUInt8(1, 13)
  await t.rejects(unpacked(first), refusedFor(/does not start with a zero, at 0xd/))
  const distance = Buffer.concat([KNOWN_SIZE.subarray(0, 14), Buffer.alloc(40, 0xc0)])
  await t.rejects(unpacked(distance), refusedFor(/distance \d+ reaches beyond the \d+ bytes so far/))
})
