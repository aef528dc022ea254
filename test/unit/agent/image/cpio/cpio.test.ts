import t from 'tap'
import { type CpioEntry, cpioChunks, isCpio, packCpio } from '../../../../../agent/image/cpio/cpio.js'
import { needs, peer } from '../../../../peer.js'
import { readCpio } from './read-cpio.js'

const entries: CpioEntry[] = [
  { name: 'bin', mode: 0o40755 },
  { name: 'bin/init', mode: 0o100755, data: Buffer.from('#!/bin/sh\n'), mtime: 1_700_000_000, uid: 1, gid: 2 },
  { name: 'bin/sh', mode: 0o120777, data: Buffer.from('busybox') },
  { name: 'dev/console', mode: 0o20600, rdevMajor: 5, rdevMinor: 1 },
  { name: 'etc/leer', mode: 0o100644, data: new Uint8Array() },
  { name: 'etc/größe', mode: 0o100600, data: Buffer.from('1234') },
]

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const chunk of chunks) pieces.push(chunk)
  return Buffer.concat(pieces)
}

t.test('cpio lists the entries that we pack', needs('cpio'), async t => {
  const listing = peer('cpio', ['-t', '--quiet'], packCpio(entries)).toString()
  t.strictSame(
    listing.trim().split('\n'),
    entries.map(entry => entry.name),
  )
  const verbose = peer('cpio', ['-tvn', '--quiet'], packCpio(entries)).toString().split('\n')
  t.match(verbose[0], /^drwxr-xr-x +2 0 +0 .* bin$/)
  t.match(verbose[1], /^-rwxr-xr-x +1 1 +2 +10 .* bin\/init$/)
  t.match(verbose[2], /^lrwxrwxrwx .* bin\/sh -> busybox$/)
  t.match(verbose[3], /^crw------- .* 5, +1 .* dev\/console$/)
})

t.test('an archive is recognised, with checksums and without', needs('cpio'), async t => {
  const directory = t.testdir({ a: 'first' })
  for (const format of ['newc', 'crc']) {
    t.equal(isCpio(peer('cpio', ['-o', '--quiet', '-H', format], Buffer.from('a\n'), directory)), true)
  }
  t.equal(isCpio(Buffer.concat([Buffer.from('070707'), Buffer.alloc(200)])), false)
  t.equal(isCpio(packCpio(entries).subarray(0, 10)), false)
})

t.test('entries that are packed and read are the same', async t => {
  const parsed = readCpio(packCpio(entries))
  t.match(
    parsed,
    entries.map(({ data = new Uint8Array(), ...rest }) => ({ ...rest, data: Uint8Array.from(data) })),
  )
})

t.test('an archive ends on a multiple of 512 bytes', async t => {
  t.equal(packCpio(entries).length % 512, 0)
  t.equal(packCpio([]).length, 512)
  t.strictSame(readCpio(packCpio([])), [])
})

t.test('a stream has the same bytes, and passes data on without a copy', async t => {
  async function* later() {
    for (const entry of entries) yield entry
  }
  t.same(await collect(cpioChunks(later())), Buffer.from(packCpio(entries)))
  t.same(await collect(cpioChunks(entries)), Buffer.from(packCpio(entries)))
  const data = new Uint8Array(1000)
  const chunks: Uint8Array[] = []
  for await (const chunk of cpioChunks([{ name: 'big', mode: 0o100644, data }])) chunks.push(chunk)
  t.ok(chunks.includes(data))
})

t.test('entries that the format cannot represent are refused', async t => {
  const pack = (entry: Partial<CpioEntry>) => () => packCpio([{ name: 'file', mode: 0o100644, ...entry }])
  const refused = { code: 'FORMAT_VALUE' }
  t.throws(pack({ name: '' }), refused)
  t.throws(pack({ name: 'a\0b' }), refused)
  t.throws(pack({ name: 'n'.repeat(4096) }), { ...refused, details: { expected: 'a name of less than 4096 bytes' } })
  t.throws(pack({ name: 'TRAILER!!!' }), refused)
  t.throws(pack({ mtime: 2 ** 32 }), {
    ...refused,
    details: { where: '"file"', expected: 'mtime from 0 to 4294967295' },
  })
  t.throws(pack({ uid: -1 }), refused)
  t.throws(pack({ mode: 0.5 }), refused)
  t.doesNotThrow(pack({ name: 'n'.repeat(4095) }))
})

t.test('data may come in chunks, as many bytes as were announced', async t => {
  const streamed = (size: number, ...parts: string[]) =>
    collect(
      cpioChunks([
        {
          name: 'file',
          mode: 0o100644,
          data: {
            size,
            chunks: (async function* () {
              for (const part of parts) yield Buffer.from(part)
            })(),
          },
        },
      ]),
    )
  t.same(
    await streamed(5, 'ab', 'cde'),
    Buffer.from(packCpio([{ name: 'file', mode: 0o100644, data: Buffer.from('abcde') }])),
  )
  await t.rejects(streamed(5, 'ab'), { code: 'FORMAT_VALUE', details: { expected: '5 bytes', found: 2 } })
  await t.rejects(streamed(1, 'ab'), { code: 'FORMAT_VALUE', details: { expected: '1 bytes', found: 2 } })
})
