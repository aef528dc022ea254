import { crc32, deflateRawSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { decompress } from '../../../../../agent/image/compression/compression.js'

const limit = 10_000
const plain = Buffer.from('a kernel, small enough for a test')

/** A member with optional fields according to its flags (RFC 1952 section 2.3). */
function memberOf(flags: number, fields: Uint8Array): Buffer {
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc32(plain), 0)
  trailer.writeUInt32LE(plain.length, 4)
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3]), fields, deflateRawSync(plain), trailer])
}

const unpacked = async (bytes: Uint8Array) => Buffer.from(await decompress(bytes, { limit })).toString()

t.test('the optional fields of the header are skipped', async t => {
  const extra = Buffer.from([3, 0, 1, 2, 3])
  const name = Buffer.from('vmlinux\0')
  const comment = Buffer.from('from a test\0')
  const crc = Buffer.alloc(2)
  t.equal(await unpacked(memberOf(0x00, Buffer.alloc(0))), plain.toString())
  t.equal(await unpacked(memberOf(0x04, extra)), plain.toString())
  t.equal(await unpacked(memberOf(0x08, name)), plain.toString())
  t.equal(await unpacked(memberOf(0x1f, Buffer.concat([extra, name, comment, crc]))), plain.toString())
})

t.test('a truncated header is refused', async t => {
  await t.rejects(unpacked(memberOf(0x04, Buffer.from([0xff, 0xff]))), {
    code: 'FORMAT_TRUNCATED',
    details: { where: '0x0 (extra field)' },
  })
  const endless = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0x08, 0, 0, 0, 0, 0, 3]), Buffer.from('name')])
  await t.rejects(unpacked(endless), { code: 'FORMAT_VALUE', details: { where: '0xa (file name)' } })
  await t.rejects(unpacked(endless.subarray(0, 9)), { code: 'FORMAT_TRUNCATED' })
  await t.rejects(unpacked(memberOf(0x02, Buffer.alloc(0)).subarray(0, 11)), { code: 'FORMAT_TRUNCATED' })
})

t.test('a reserved flag is refused', async t => {
  await t.rejects(unpacked(memberOf(0x20, Buffer.alloc(0))), {
    code: 'FORMAT_VALUE',
    details: { where: '0x3 (flags)' },
  })
})

t.test('CRC and size are checked', async t => {
  const damaged = (fromEnd: number) => {
    const bytes = gzipSync(plain)
    bytes.writeUInt8(bytes.readUInt8(bytes.length - fromEnd) ^ 1, bytes.length - fromEnd)
    return bytes
  }
  await t.rejects(unpacked(damaged(8)), { code: 'FORMAT_CRC' })
  await t.rejects(unpacked(damaged(4)), { code: 'FORMAT_VALUE', details: { expected: '0x21', found: '0x20' } })
})

t.test("the error for corrupt data is zlib's", async t => {
  const bytes = gzipSync(plain)
  bytes.writeUInt8(0x07, 10)
  await t.rejects(decompress(bytes, { limit, what: 'Image' }), {
    code: 'DECOMPRESS_FAILED',
    message: 'Image cannot be decompressed as gzip: invalid block type',
  })
  await t.rejects(unpacked(gzipSync(plain).subarray(0, 20)), {
    code: 'DECOMPRESS_FAILED',
    details: { reason: 'unexpected end of file' },
  })
})
