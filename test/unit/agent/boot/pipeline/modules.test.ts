import { execFileSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import t from 'tap'
import { isReadyForTarget, type ModulesOptions, modulesToCpio } from '../../../../../agent/boot/pipeline/modules.js'
import { FauxbootError } from '../../../../../agent/errors.js'
import { packCpio } from '../../../../../agent/image/cpio/cpio.js'
import { needs } from '../../../../peer.js'
import { readCpio } from '../../image/cpio/read-cpio.js'
import { type Member, makeTar } from '../../image/tar/make-tar.js'
import { failure, MIB, patternBytes } from '../fixture.js'

async function convert(bytes: Uint8Array, options: Partial<ModulesOptions> = {}): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of modulesToCpio(bytes, { limit: 64 * MIB, ...options })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** What is in a cpio: `NAME MODE TEXT`, the mode in octal. */
const listed = (archive: Uint8Array): string[] =>
  readCpio(archive).map(({ name, mode, data }) =>
    `${name} ${mode.toString(8)} ${Buffer.from(data ?? []).toString()}`.trim(),
  )

const MODULE = patternBytes(300_000)
const MEMBERS: Member[] = [
  { name: 'lib/', type: 'directory', mode: 0o755 },
  { name: 'lib/modules/6.17.0/kernel/fs/ext4.ko', data: MODULE, mode: 0o644, mtime: new Date(1_586_851_200_000) },
  { name: 'lib/modules/6.17.0/modules.dep', data: 'ext4.ko:', mode: 0o600 },
]
const LISTED = [
  'lib/ 40755',
  'lib/modules/ 40755',
  'lib/modules/6.17.0/ 40755',
  'lib/modules/6.17.0/kernel/ 40755',
  'lib/modules/6.17.0/kernel/fs/ 40755',
  `lib/modules/6.17.0/kernel/fs/ext4.ko 100644 ${MODULE.toString()}`,
  'lib/modules/6.17.0/modules.dep 100600 ext4.ko:',
].map(line => line.trim())

t.test('a tar becomes a cpio with the folders that its files need', async t => {
  const archive = await convert(await makeTar(MEMBERS))
  t.same(listed(archive), LISTED)
  const entry = readCpio(archive).find(({ name }) => name.endsWith('ext4.ko'))
  t.match(entry, { mtime: 1_586_851_200, uid: 0, gid: 0 })
  t.equal(archive.length % 4, 0, 'another archive may follow')
})

t.test('compression is recognised by its magic, or stated', needs('xz'), async t => {
  const tar = await makeTar(MEMBERS)
  const xz = execFileSync('xz', ['-0c'], { input: tar, maxBuffer: 64 * MIB })
  t.same(listed(await convert(xz)), LISTED)
  t.same(listed(await convert(gzipSync(tar), { compression: 'gzip' })), LISTED)
  t.same(listed(await convert(tar, { compression: 'none' })), LISTED)
  t.equal((await failure(convert(tar, { compression: 'gzip' }))).code, 'DECOMPRESS_FAILED')
  t.equal((await failure(convert(xz, { compression: 'none' }))).code, 'FORMAT_VALUE')
})

t.test('a cpio is used as it is, a compressed one unpacked', async t => {
  const cpio = packCpio([
    { name: 'lib', mode: 0o040755 },
    { name: 'lib/x', mode: 0o100644, data: MODULE },
  ])
  t.ok(isReadyForTarget(cpio, {}))
  t.ok(isReadyForTarget(cpio, { compression: 'none' }))
  t.notOk(isReadyForTarget(cpio, { compression: 'gzip' }))
  t.notOk(isReadyForTarget(gzipSync(cpio), {}))
  t.ok((await convert(gzipSync(cpio))).equals(cpio))
  t.ok((await convert(cpio)).equals(cpio))
})

t.test('links stay links, and hard links become symbolic ones', async t => {
  const tar = await makeTar([
    { name: 'lib/modules/6.17/build', type: 'symlink', linkname: '/usr/src/linux' },
    { name: 'lib/modules/6.17/a.ko', data: 'a' },
    { name: 'lib/modules/6.17/kernel/b.ko', type: 'link', linkname: 'lib/modules/6.17/a.ko' },
  ])
  const links = listed(await convert(tar)).filter(line => line.includes(' 120'))
  t.same(
    links.map(line => line.replace(/ 120\d+/, '')),
    ['lib/modules/6.17/build /usr/src/linux', 'lib/modules/6.17/kernel/b.ko ../a.ko'],
  )
  const astray = await makeTar([{ name: 'b', type: 'link', linkname: '../../etc/shadow' }])
  t.equal((await failure(convert(astray))).code, 'FORMAT_VALUE')
  const none = await makeTar([{ name: 'b', type: 'symlink', linkname: 'x' }])
  none.fill(0, 157, 158)
  // The header's own sum has to be right again: 8 blanks in its place, 120 less for the x.
  none.write((Number.parseInt(none.toString('latin1', 148, 154), 8) - 120).toString(8).padStart(6, '0'), 148)
  t.match(await failure(convert(none)), { message: /expected a link with a target, found none/ })
})

t.test('devices and the like are refused by name', async t => {
  for (const type of ['fifo', 'character-device', 'block-device'] as const) {
    const error = await failure(convert(await makeTar([{ name: 'dev/x', type }])))
    t.match(error, { code: 'FORMAT_UNSUPPORTED', message: new RegExp(`member "dev/x" uses a ${type}`) })
  }
})

t.test('a tar that is cut anywhere is an error', async t => {
  const tar = await makeTar(MEMBERS)
  for (const length of [tar.length - 1, tar.length - 512, tar.length - 1024, 300_000, 1000, 512]) {
    const error = await failure(convert(tar.subarray(0, length)))
    t.match(error.code, /FORMAT_(TRUNCATED|VALUE)/, `cut at ${length}`)
  }
  t.match(await failure(convert(tar.subarray(0, -1024))), { message: /expected 1024 bytes of zeros, found \d+/ })
})

t.test('anything but tar or cpio is refused', async t => {
  t.match(await failure(convert(MODULE)), {
    code: 'FORMAT_VALUE',
    message: /expected a tar or cpio archive, found Invalid tar header/,
  })
  t.match(await failure(convert(Buffer.alloc(0))), { code: 'FORMAT_TRUNCATED' })
})

t.test('a member that would fill the memory is refused before it is read', async t => {
  const tar = await makeTar([{ name: 'big', data: MODULE }])
  const error = await failure(convert(tar, { limit: 299_999 }))
  t.match(error, { code: 'FORMAT_TOO_LARGE', message: /member "big" unpacks to more than 299999 bytes/ })
})

t.test('a member is passed on as it is read, however long it is', async t => {
  const data = Buffer.alloc(24 * MIB)
  const tar = await makeTar([
    { name: 'big', data },
    { name: 'y', data: 'last' },
  ])
  let [size, longest] = [0, 0]
  for await (const chunk of modulesToCpio(gzipSync(tar, { level: 1 }), { limit: 64 * MIB })) {
    size += chunk.length
    longest = Math.max(longest, chunk.length)
  }
  t.ok(size > 24 * MIB)
  t.ok(longest <= MIB, 'no chunk is longer than what the decompressor makes')
})

t.test('headers of a tar that would fill the memory are refused', async t => {
  const name = 'x'.repeat(8 * MIB)
  const tar = await makeTar([{ name: 'a', pax: { comment: name }, data: '' }])
  t.match(await failure(convert(tar)), { code: 'FORMAT_VALUE', message: /Header exceeds max size/ })
})

t.test('a signal ends it at once, with its reason', async t => {
  const many = Array.from({ length: 20 }, (_, i) => ({ name: `m${i}`, data: MODULE }))
  const tar = await makeTar(many)
  for (const bytes of [tar, gzipSync(tar), packCpio(many.map(({ name, data }) => ({ name, data, mode: 0o100644 })))]) {
    const abort = new AbortController()
    const stopped = async (): Promise<void> => {
      for await (const chunk of modulesToCpio(bytes, { limit: 64 * MIB, signal: abort.signal })) {
        if (chunk.length > 0) abort.abort(new Error('cancelled'))
      }
    }
    await t.rejects(stopped(), { message: 'cancelled' })
  }
})

t.test('a reader that stops early ends the source', async t => {
  const tar = await makeTar(Array.from({ length: 50 }, (_, i) => ({ name: `m${i}`, data: MODULE })))
  const chunks = modulesToCpio(gzipSync(tar), { limit: 64 * MIB })
  t.equal((await chunks.next()).done, false)
  t.same(await chunks.return(undefined), { value: undefined, done: true })
})

t.test('whatever is changed in a tar, the answer is an archive or an error of the table', async t => {
  const tar = await makeTar([
    { name: 'lib/modules/x.ko', data: 'abc' },
    { name: 'y', type: 'symlink', linkname: 'x' },
  ])
  const changed = fc.asyncProperty(
    fc.nat(tar.length - 1),
    fc.uint8Array({ minLength: 1, maxLength: 20 }),
    async (at, bytes) => {
      const copy = Buffer.from(tar)
      copy.set(bytes.subarray(0, copy.length - at), at)
      return convert(copy).then(
        archive => readCpio(archive).length >= 0,
        error => error instanceof FauxbootError,
      )
    },
  )
  await t.resolves(fc.assert(changed, { numRuns: 200 }))
})
