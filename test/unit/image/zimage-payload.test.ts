import { gzipSync } from 'node:zlib'
import t from 'tap'
import { findPayload } from '../../../agent/image/zimage-payload.js'
import { peer } from './peer.js'

const CODE = 0x200
const kernel = Buffer.from('a kernel, a kernel, my kingdom for a kernel '.repeat(100))

/** Code, the payload, and what the linker puts behind it. */
const imageOf = (payload: Uint8Array, code = Buffer.alloc(CODE, 0xe1)) =>
  Buffer.concat([code, payload, Buffer.alloc(64)])

const PAYLOADS = {
  gzip: () => gzipSync(kernel),
  xz: () => peer('xz', ['--check=crc32', '-c'], kernel),
  lzma: () => peer('xz', ['--format=lzma', '-9', '-c'], kernel),
  zstd: () => peer('zstd', ['-q', '-c'], kernel),
  bzip2: () => peer('bzip2', ['-c'], kernel),
  lz4: () => peer('lz4', ['-l', '-q', '-c'], kernel),
} as const

for (const [format, compress] of Object.entries(PAYLOADS)) {
  t.test(`a ${format} payload is found`, async t => {
    t.strictSame(findPayload(imageOf(compress()), 0), { format, offset: CODE })
  })
}

t.test('LZO is found though it cannot be unpacked', async t => {
  // lzop 1.04: magic, version, library, version needed
  const header = Buffer.from('894c5a4f000d0a1a0a1040209409400301', 'hex')
  t.strictSame(findPayload(imageOf(header), 0), { format: null, offset: CODE })
})

t.test("the magics in the decompressor's own code are passed over", async t => {
  const code = Buffer.alloc(CODE, 0xe1)
  const constants = ['fd377a585a00', '1f8b08e0', '894c5a4f000d0a1a0a', '02214c1800000000', '5d0000800000', '425a680000']
  for (const [i, constant] of constants.entries()) code.write(constant, 0x20 + i * 0x20, 'hex')
  t.strictSame(findPayload(imageOf(PAYLOADS.xz(), code), 0), { format: 'xz', offset: CODE })
})

t.test('what looks like another payload inside the payload is not taken', async t => {
  const payload = Buffer.concat([gzipSync(kernel), PAYLOADS.xz()])
  t.strictSame(findPayload(imageOf(payload), 0), { format: 'gzip', offset: CODE })
})

t.test('the search keeps to its bounds', async t => {
  const image = imageOf(gzipSync(kernel))
  t.equal(findPayload(image, CODE + 1), null)
  t.equal(findPayload(image, 0, CODE), null)
  t.strictSame(findPayload(image, CODE, CODE + 1), { format: 'gzip', offset: CODE })
})

t.test('a magic at the very end is no payload', async t => {
  t.equal(findPayload(Buffer.from('1f8b0800', 'hex'), 0), null)
  t.equal(findPayload(Buffer.alloc(0), 0), null)
})
