import t from 'tap'
import { cpioChunks } from '../../../../../agent/image/cpio/cpio.js'
import { tarMembers } from '../../../../../agent/image/tar/tar-members.js'
import { cpioEntries, memberName, type TarToCpioOptions } from '../../../../../agent/image/tar/tar-to-cpio.js'
import { needs, peer } from '../../../../peer.js'
import { failure, refusal } from '../../boot/fixture.js'
import { readCpio } from '../cpio/read-cpio.js'
import { type Member, makeTar } from './make-tar.js'

async function convert(members: readonly Member[], options: Partial<TarToCpioOptions> = {}): Promise<Buffer> {
  const tar = await makeTar(members)
  const read = tarMembers([tar] as unknown as AsyncIterable<Uint8Array>, { what: 'rootfs', limit: 1000 })
  const chunks: Uint8Array[] = []
  for await (const chunk of cpioChunks(cpioEntries(read, { what: 'rootfs', ...options }))) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const named = async (members: readonly Member[], options?: Partial<TarToCpioOptions>): Promise<string[]> =>
  readCpio(await convert(members, options)).map(({ name }) => name)

/** A little root file system. */
const SYSTEM: readonly Member[] = [
  { name: './', type: 'directory' },
  { name: './bin/', type: 'directory', mode: 0o755 },
  { name: './bin/gzip', data: 'program', mode: 0o755, uid: 1, gid: 2 },
  { name: './bin/uncompress', type: 'link', linkname: './bin/gzip', mode: 0o755, uid: 1, gid: 2 },
  { name: './dev/null', type: 'character-device', mode: 0o666, devmajor: 1, devminor: 3 },
  { name: './dev/vda', type: 'block-device', mode: 0o660, gid: 6, devmajor: 254, devminor: 0 },
  { name: './run/initctl', type: 'fifo', mode: 0o600 },
  { name: './sh', type: 'symlink', linkname: 'bin/sh', mode: 0o777 },
]
const NAMES = new Map([['bin/gzip', 2]])

t.test('names are brought inside the root of the target', async t => {
  t.equal(memberName('./lib//modules/.', 'modules'), 'lib/modules')
  t.equal(memberName('/lib/modules/', 'modules'), 'lib/modules')
  t.equal(memberName('./', 'modules'), '')
  for (const name of ['..', '../etc', 'lib/../../etc', '/..']) {
    const error = await refusal(() => memberName(name, 'modules'))
    t.match(error, { code: 'FORMAT_VALUE', message: /modules is .*a name without "\.\."/ }, name)
  }
  const members = [
    { name: './', type: 'directory' },
    { name: '/abs/x', data: '1' },
    { name: './rel/y', data: '2' },
  ] as const
  t.same(await named(members), ['abs/', 'abs/x', 'rel/', 'rel/y'])
  t.equal((await failure(convert([{ name: '../x', data: '' }]))).code, 'FORMAT_VALUE')
})

t.test('everything can go into a folder, with the targets of hard links', async t => {
  const members = [
    { name: 'a/x', data: '1' },
    { name: 'b/y', type: 'link', linkname: 'a/x' },
  ] as const
  const entries = readCpio(await convert(members, { folder: 'opt/kselftest' }))
  t.same(
    entries.map(({ name }) => name),
    ['opt/', 'opt/kselftest/', 'opt/kselftest/a/', 'opt/kselftest/a/x', 'opt/kselftest/b/', 'opt/kselftest/b/y'],
  )
  t.equal(Buffer.from(entries.at(-1)?.data ?? []).toString(), '../a/x')
})

t.test('a whole root file system keeps its owners, devices and hard links', async t => {
  const entries = readCpio(await convert(SYSTEM, { names: NAMES }))
  const of = (name: string) => entries.find(entry => entry.name === name)
  t.match(of('bin/gzip'), { mode: 0o100755, uid: 1, gid: 2, hardLink: { names: 2 } })
  t.match(of('bin/uncompress'), { mode: 0o100755, data: { length: 0 }, hardLink: of('bin/gzip')?.hardLink })
  t.match(of('dev/null'), { mode: 0o20666, rdevMajor: 1, rdevMinor: 3 })
  t.match(of('dev/vda'), { mode: 0o60660, gid: 6, rdevMajor: 254, rdevMinor: 0 })
  t.match(of('run/initctl'), { mode: 0o10600 })
  t.match(of('sh'), { mode: 0o120777 })
})

t.test('cpio sees one file with two names', needs('cpio'), async t => {
  const folder = t.testdir({})
  const archive = await convert(SYSTEM.slice(0, 4), { names: NAMES })
  peer('cpio', ['--extract', '--make-directories', '--quiet', '--no-preserve-owner'], archive, folder)
  t.match(peer('ls', ['-l', 'bin'], Buffer.alloc(0), folder).toString(), /^-\S+ 2 .*gzip\n-\S+ 2 .*uncompress$/m)
  t.equal(peer('cat', ['bin/uncompress'], Buffer.alloc(0), folder).toString(), 'program')
})

t.test("members' times that no cpio can hold are brought into its range", async t => {
  for (const [time, expected] of [
    [-5000, 0],
    [Number.NaN, 0],
    [1e14, 0xffffffff],
  ] as const) {
    const header = { name: 'x', type: 'file', mode: 0o644, mtime: new Date(time), size: 0, linkname: '' } as const
    const members = async function* () {
      yield {
        header: { ...header, uid: 0, gid: 0, uname: '', gname: '', devmajor: 0, devminor: 0 },
        data: (async function* () {})(),
      }
    }
    for await (const entry of cpioEntries(members(), { what: 'modules' })) t.equal(entry.mtime, expected)
  }
})
