import { join } from 'node:path'
import t from 'tap'
import { type CpioEntry, cpioChunks, isCpio, packCpio, parseCpio } from '../../../../../agent/image/cpio/cpio.js'
import { needs, peer } from '../../../../peer.js'
import { assertOnlyFaults } from '../only-faults.js'

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

t.test('cpio lists what we pack', needs('cpio'), async t => {
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

t.test('what cpio packs is read, hard links and checksums too', needs('cpio'), async t => {
  const directory = t.testdir({ a: 'first', dir: { b: 'second' }, link: t.fixture('symlink', 'a') })
  peer('ln', ['a', 'hard'], undefined, directory)
  for (const format of ['newc', 'crc']) {
    const archive = peer('cpio', ['-o', '--quiet', '-H', format], Buffer.from('a\nhard\ndir\ndir/b\nlink\n'), directory)
    t.equal(isCpio(archive), true)
    const parsed = parseCpio(archive)
    const byName = new Map(parsed.map(entry => [entry.name, entry]))
    t.equal(parsed.length, 5)
    t.equal(Buffer.from(byName.get('dir/b')?.data ?? []).toString(), 'second')
    t.equal(Buffer.from(byName.get('link')?.data ?? []).toString(), 'a')
    t.equal((byName.get('dir')?.mode ?? 0) & 0o170000, 0o40000)
    t.equal(byName.get('a')?.nlink, 2)
    t.equal(byName.get('a')?.ino, byName.get('hard')?.ino)

    const unpacked = t.testdir({})
    peer('cpio', ['-i', '--quiet'], packCpio(parsed), unpacked)
    t.equal(peer('cat', [join(unpacked, 'a')]).toString(), 'first', 'packed again they still hang together')
    t.equal(peer('cat', [join(unpacked, 'hard')]).toString(), 'first')
  }
})

t.test('entries come back as they were packed', async t => {
  const parsed = parseCpio(packCpio(entries))
  t.match(
    parsed,
    entries.map(({ data = new Uint8Array(), ...rest }) => ({ ...rest, data: Uint8Array.from(data) })),
  )
})

t.test('an archive ends on a multiple of 512 bytes', async t => {
  t.equal(packCpio(entries).length % 512, 0)
  t.equal(packCpio([]).length, 512)
  t.strictSame(parseCpio(packCpio([])), [])
})

t.test('a stream has the same bytes, and hands data on without a copy', async t => {
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

t.test('archives appended to one another are read through, with zeros between them or not', async t => {
  const first = packCpio([{ name: 'one', mode: 0o100644 }])
  const second = packCpio([{ name: 'two', mode: 0o100644 }])
  const names = (...parts: Uint8Array[]) => parseCpio(Buffer.concat(parts)).map(entry => entry.name)
  t.strictSame(names(first, second), ['one', 'two'])
  t.strictSame(names(first, Buffer.alloc(4096), second, Buffer.alloc(100)), ['one', 'two'])
  t.throws(() => names(first, Buffer.from('1f8b080000000000'.repeat(20), 'hex')), {
    code: 'FORMAT_MAGIC',
    details: { where: '0x200', expected: '070701' },
  })
})

t.test('data is a view of the archive', async t => {
  const archive = packCpio(entries)
  t.equal(parseCpio(archive)[1]?.data?.buffer, archive.buffer)
})

t.test('what the format cannot hold is refused', async t => {
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

t.test('a damaged archive is refused', async t => {
  const damaged = (offset: number, text: string) => {
    const archive = packCpio(entries)
    archive.set(Buffer.from(text, 'latin1'), offset)
    return archive
  }
  t.equal(isCpio(damaged(0, '070707')), false)
  t.equal(isCpio(new Uint8Array(10)), false)
  t.throws(() => parseCpio(damaged(0, '070707'), 'initrd'), {
    code: 'FORMAT_MAGIC',
    message: /initrd has the wrong magic at 0x0/,
  })
  t.throws(() => parseCpio(damaged(14, '0000zz00')), { code: 'FORMAT_VALUE', details: { where: '0xe (mode)' } })
  t.throws(() => parseCpio(damaged(6 + 8 * 11, '00000001')), { code: 'FORMAT_VALUE', details: { found: '1' } })
  t.throws(() => parseCpio(damaged(6 + 8 * 11, '00000003')), {
    code: 'FORMAT_VALUE',
    details: { where: '0x6e (name)' },
  })
  t.throws(() => parseCpio(damaged(6 + 8 * 6, 'ffffffff')), {
    code: 'FORMAT_TRUNCATED',
    details: { where: '0x74 (data of bin)' },
  })
  t.throws(() => parseCpio(packCpio(entries).subarray(0, 300)), { code: 'FORMAT_TRUNCATED' })
  t.throws(() => parseCpio(new Uint8Array()), { code: 'FORMAT_TRUNCATED' })
})

t.test('a wrong checksum is refused', async t => {
  const archive = packCpio([{ name: 'file', mode: 0o100644, data: Buffer.from('abc') }])
  archive.set(Buffer.from('070702'))
  archive.set(Buffer.from('00000126'), 102)
  t.equal(parseCpio(archive).length, 1)
  archive.set(Buffer.from('00000127'), 102)
  t.throws(() => parseCpio(archive), { code: 'FORMAT_CRC', details: { expected: '0x127', found: '0x126' } })
})

t.test('whatever is damaged, only errors of the table come out', async t => {
  t.doesNotThrow(() => assertOnlyFaults([packCpio(entries)], bytes => parseCpio(bytes)))
})
