import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { FauxbootError } from '../../../../../agent/errors.js'
import {
  COMPRESSION_FORMATS,
  type CompressionFormat,
  decompress,
  detectCompression,
} from '../../../../../agent/image/compression/compression.js'
import { needs, type Program, peer } from '../../../../peer.js'
import { mutatedBytes } from '../mutated-bytes.js'
import { assertOnlyFaultsAsync } from '../only-faults.js'

/** Text, noise and runs, so that every part of a decoder is used. */
const PLAIN = Buffer.concat([
  Buffer.from('Uncompressing Linux... done, booting the kernel.\n'.repeat(2000)),
  Buffer.from(Uint8Array.from({ length: 50_000 }, (_, i) => (i * i * 2654435761) >>> 24)),
  Buffer.alloc(100_000, 0),
  Buffer.from('\xff\xfe\xfd'.repeat(3000), 'latin1'),
])

/** How to compress with the program of each format; `check`: whether the format detects damaged data. */
const PEERS: Readonly<
  Record<CompressionFormat, { readonly command: readonly [Program, ...string[]]; readonly check: boolean }>
> = {
  gzip: { command: ['gzip', '-c'], check: true },
  xz: { command: ['xz', '-1', '-c'], check: true },
  lzma: { command: ['xz', '--format=lzma', '-1', '-c'], check: false },
  zstd: { command: ['zstd', '-q', '--check', '-c'], check: true },
  bzip2: { command: ['bzip2', '-1', '-c'], check: true },
  lz4: { command: ['lz4', '-l', '-q', '-c'], check: false },
}

function compress(format: CompressionFormat, plain: Uint8Array): Buffer {
  const [command, ...args] = PEERS[format].command
  return peer(command, args, plain)
}

const limit = 1_000_000

/** How output beyond the limit is refused. A zstd frame from a pipe does not say its size, so its decoder just fails. */
const tooLarge = (format: CompressionFormat) =>
  format === 'zstd'
    ? { code: 'DECOMPRESS_FAILED', details: { reason: /corrupt, or more than \d+ bytes/ } }
    : { code: 'FORMAT_TOO_LARGE' }

const hasOnlyATool = (format: CompressionFormat): boolean => format === 'lzma' || format === 'bzip2'

for (const format of COMPRESSION_FORMATS) {
  t.test(format, needs(PEERS[format].command[0]), async t => {
    const packed = compress(format, PLAIN)
    const small = compress(format, PLAIN.subarray(97_000, 99_000))

    t.equal(detectCompression(packed), format, 'its first bytes identify it')

    t.same(Buffer.from(await decompress(packed, { limit })), PLAIN, 'it is decompressed')
    t.equal((await decompress(compress(format, Buffer.from('a')), { limit })).length, 1, 'so is a single byte')

    t.equal((await decompress(packed, { limit: PLAIN.length })).length, PLAIN.length, 'output may reach the limit')
    await t.rejects(decompress(packed, { limit: PLAIN.length - 1, what: 'Image' }), tooLarge(format))
    await t.rejects(decompress(packed, { limit: 100 }), tooLarge(format))

    t.equal(
      (await decompress(Buffer.concat([packed, Buffer.alloc(511)]), { limit })).length,
      PLAIN.length,
      'zeros after it are padding',
    )

    const followed = Buffer.concat([packed, Buffer.from('not compressed')])
    // The programs for the other two ignore it.
    if (!hasOnlyATool(format)) {
      await t.rejects(decompress(followed, { limit }), {
        code: 'FORMAT_VALUE',
        details: { expected: `the end of the ${format} data` },
      })
    }
    t.equal(
      (await decompress(followed, { limit, trailing: 'ignore' })).length,
      PLAIN.length,
      'what follows can be ignored',
    )

    const cuts = [1, 2, 5, 9, 20, Math.floor(packed.length / 2), packed.length - 13].map(cut =>
      packed.subarray(0, packed.length - cut),
    )
    for (const cut of cuts)
      await t.rejects(decompress(cut, { limit, format }), { code: /FORMAT_|DECOMPRESS_/ }, `cut to ${cut.length}`)

    await t.resolves(
      assertOnlyFaultsAsync([small], bytes => decompress(bytes, { limit, format }), 200),
      'it throws nothing but errors of the table',
    )
  })
}

for (const format of COMPRESSION_FORMATS.filter(format => PEERS[format].check)) {
  t.test(`damaged ${format} is never accepted`, needs(PEERS[format].command[0]), async t => {
    const packed = compress(format, PLAIN.subarray(0, 20_000))
    const isNoticed = async (bytes: Uint8Array) => {
      const unpacked = await decompress(bytes, { limit, format }).catch((error: unknown) => {
        if (error instanceof FauxbootError) return null
        throw error
      })
      // Harmless additions (zeros, a second member, a comment in a header) may pass, changed data may not.
      return unpacked === null || Buffer.from(unpacked).includes(PLAIN.subarray(0, 20_000))
    }
    await t.resolves(fc.assert(fc.asyncProperty(mutatedBytes(packed), isNoticed), { numRuns: 200 }))
  })
}

for (const format of COMPRESSION_FORMATS.filter(format => !hasOnlyATool(format))) {
  t.test(`consecutive ${format} members become one output`, needs(PEERS[format].command[0]), async t => {
    const members = ['one', 'two', ''].map(text => compress(format, Buffer.from(text.repeat(1000))))
    const unpacked = await decompress(Buffer.concat([...members, Buffer.alloc(8), ...members]), { limit })
    t.equal(Buffer.from(unpacked).toString(), `${'one'.repeat(1000)}${'two'.repeat(1000)}`.repeat(2))
    await t.rejects(decompress(Buffer.concat(members), { limit: 5999 }), tooLarge(format))
  })
}

t.test('plain data is not mistaken for compressed data', async t => {
  for (const plain of [
    Buffer.alloc(0),
    Buffer.alloc(100),
    Buffer.from('MZ'),
    Buffer.from('070701'),
    Buffer.alloc(100, 0x5d),
  ]) {
    t.equal(detectCompression(plain), null)
  }
  await t.rejects(decompress(Buffer.from('plain text'), { limit, what: 'Image' }), {
    code: 'FORMAT_MAGIC',
    message: 'Image has the wrong magic at 0x0: expected gzip, xz, lzma, zstd, bzip2, lz4, found 706c61696e207465',
  })
})

t.test('lzma is recognised by all fields of its header', async t => {
  const header = (properties: number, dictionary: number, size: bigint, first = 0) => {
    const bytes = Buffer.alloc(20, 0x55)
    bytes.writeUInt8(properties, 0)
    bytes.writeUInt32LE(dictionary, 1)
    bytes.writeBigUInt64LE(size, 5)
    bytes.writeUInt8(first, 13)
    return bytes
  }
  const unknown = 2n ** 64n - 1n
  t.equal(detectCompression(header(0x5d, 0x80_0000, unknown)), 'lzma')
  t.equal(detectCompression(header(0x5d, 0xc0_0000, 1000n)), 'lzma')
  t.equal(detectCompression(header(0xe1, 0x80_0000, unknown)), null, 'properties that cannot be')
  t.equal(detectCompression(header(0x5d, 0x80_0001, unknown)), null, 'an unusual dictionary size')
  t.equal(detectCompression(header(0x5d, 0x800, unknown)), null, 'a dictionary that is too small')
  t.equal(detectCompression(header(0x5d, 0x80_0000, 2n ** 40n)), null, 'an implausible size')
  t.equal(detectCompression(header(0x5d, 0x80_0000, unknown, 1)), null, 'a range coder that does not start with zero')
})

t.test('a given format is not detected', async t => {
  await t.rejects(decompress(gzipSync('x'), { limit, format: 'xz' }), { code: 'FORMAT_MAGIC' })
})

t.test('nothing is decompressed if the signal is aborted already', async t => {
  const reason = new Error('cancelled')
  await t.rejects(decompress(gzipSync('x'), { limit, signal: AbortSignal.abort(reason) }), reason)
})

for (const format of COMPRESSION_FORMATS) {
  t.test(`a signal ends the decompression of ${format} with its reason`, needs(PEERS[format].command[0]), async t => {
    const reason = new Error('cancelled')
    const controller = new AbortController()
    const packed = compress(format, Buffer.alloc(1_200_000, format))
    const work = decompress(packed, { limit: 2_000_000, signal: controller.signal })
    setImmediate(() => controller.abort(reason))
    await t.rejects(work, reason)
    t.equal((await decompress(packed, { limit: 2_000_000 })).length, 1_200_000, 'the next one works')
  })
}

for (const format of ['gzip', 'zstd', 'bzip2', 'xz'] as const) {
  t.test(`a ${format} bomb is stopped at the limit`, needs(PEERS[format].command[0]), async t => {
    await t.rejects(decompress(compress(format, Buffer.alloc(5_000_000)), { limit }), tooLarge(format))
  })
}
