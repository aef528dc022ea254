import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { RamdiskCache } from '../../../../lava/rootfs/ramdisk-cache.js'
import {
  type BoardMemory,
  RootfsBoot,
  type RootfsBootOptions,
  type RootfsFiles,
} from '../../../../lava/rootfs/rootfs-boot.js'
import { needs } from '../../../peer.js'
import { failure } from '../../agent/boot/fixture.js'
import { readCpio } from '../../agent/image/cpio/read-cpio.js'
import { type Member, makeTar } from '../../agent/image/tar/make-tar.js'

const MIB = 2 ** 20

/** A little Debian. */
const TREE: readonly Member[] = [
  { name: './', type: 'directory' },
  { name: './usr/lib/', type: 'directory' },
  { name: './lib', type: 'symlink', linkname: 'usr/lib', mode: 0o777 },
  { name: './sbin/init', data: '#!/bin/sh', mode: 0o755 },
  { name: './home/user/file', data: 'mine', mode: 0o600, uid: 1000, gid: 1000 },
  { name: './home/user/other', type: 'link', linkname: './home/user/file', uid: 1000, gid: 1000 },
]
const MODULES: readonly Member[] = [{ name: 'lib/modules/6.12/a.ko', data: 'module' }]

const ROOM: BoardMemory = {
  memory: { total: 1024 * MIB, available: 900 * MIB, ram: [] },
  artifacts: { count: 0, stored: 0, limit: 800 * MIB },
}

interface Bench {
  readonly notes: string[]
  readonly folder: string
  readonly files: RootfsFiles
  prepare(files?: Partial<RootfsFiles>, options?: Partial<RootfsBootOptions>): Promise<RootfsBoot>
}

const { signal: NEVER } = new AbortController()

/** Each `prepare` is a job with a folder of its own. */
async function bench(t: Test, tarball: Uint8Array): Promise<Bench> {
  const folder = t.testdir({
    cache: {},
    nfs: {},
    ...Object.fromEntries(['1', '2', '3', '4', '5', '6'].map(n => [n, {}])),
  })
  const file = async (name: string, bytes: Uint8Array) => {
    await writeFile(join(folder, name), bytes)
    return join(folder, name)
  }
  const files = {
    rootfs: await file('rootfs', tarball),
    modules: await file('modules', gzipSync(await makeTar(MODULES))),
    extras: [],
  }
  const notes: string[] = []
  let jobs = 0
  return {
    notes,
    folder,
    files,
    prepare: (changes = {}, options = {}) => {
      jobs += 1
      const cache = new RamdiskCache(join(folder, 'cache'))
      const note = (line: string): void => void notes.push(line)
      const given = {
        cache,
        nfs: null,
        board: 'board-1',
        workDir: join(folder, String(jobs)),
        note,
        ...options,
      }
      return RootfsBoot.prepare({ ...files, ...changes }, given, NEVER)
    },
  }
}

const unpacked = (ramdisk = '') => readCpio(gunzipSync(readFileSync(ramdisk)))
const text = (data: Uint8Array = new Uint8Array()): string => Buffer.from(data).toString()

for (const [format, ...command] of [['gzip', '-c'], ['xz', '-0c'], ['zstd', '-qc'], ['cat']] as const) {
  const test = async (t: Test): Promise<void> => {
    const { prepare, files } = await bench(t, execFileSync(format, command, { input: await makeTar(TREE) }))
    const { ramdisk, modules, cmdline } = await (await prepare()).target(ROOM, 'console=ttyS0', NEVER)
    t.equal(cmdline, 'console=ttyS0')
    t.equal(modules, files.modules, 'the agent appends them')
    const entries = unpacked(ramdisk)
    const of = (name: string) => entries.find(entry => entry.name === name)
    t.match(text(of('init')?.data), /^#!\/bin\/sh\nmount -t devtmpfs .*\nexec \/sbin\/init/)
    t.equal(of('init')?.mode, 0o100755)
    t.match(of('home/user/file'), { mode: 0o100600, uid: 1000, gid: 1000, hardLink: { names: 2 } })
    t.same(of('home/user/other')?.hardLink, of('home/user/file')?.hardLink)
    t.equal(text(of('lib')?.data), 'usr/lib')
  }
  const name = format === 'cat' ? 'as it is' : `compressed with ${format}`
  t.test(
    `a tarball ${name} becomes a ramdisk with an init that the kernel finds`,
    format === 'cat' ? {} : needs(format),
    test,
  )
}

t.test("a tree's own /init is kept", async t => {
  const { prepare } = await bench(t, gzipSync(await makeTar([...TREE, { name: './init', data: 'own', mode: 0o755 }])))
  const { ramdisk } = await (await prepare()).target(ROOM, '', NEVER)
  t.same(
    unpacked(ramdisk).flatMap(({ name, data }) => (name === 'init' ? [text(data)] : [])),
    ['own'],
  )
})

t.test('further tarballs are appended in their folders, and not to the ramdisk that is kept', async t => {
  const { prepare, folder } = await bench(t, gzipSync(await makeTar(TREE)))
  const extra = join(folder, 'kselftest')
  await writeFile(extra, gzipSync(await makeTar([{ name: './run_kselftest.sh', data: 'run', mode: 0o755 }])))
  const boot = await prepare({ extras: [{ file: extra, folder: 'opt/kselftest' }] })
  const { ramdisk } = await boot.target(ROOM, '', NEVER)
  t.match(unpacked(ramdisk).at(-1), { name: 'opt/kselftest/run_kselftest.sh', mode: 0o100755 })
  const [kept = ''] = readdirSync(join(folder, 'cache'))
  t.equal(unpacked(join(folder, 'cache', kept)).at(-1)?.name, 'init')
})

t.test('a ramdisk is kept for later jobs with the same tarball', async t => {
  const { prepare, notes, folder } = await bench(t, gzipSync(await makeTar(TREE)))
  await (await prepare()).target(ROOM, '', NEVER)
  t.ok(notes.includes('rootfs: converting it into a ramdisk'))
  notes.length = 0
  const { ramdisk = '' } = await (await prepare()).target(ROOM, '', NEVER)
  t.match(notes, [/its ramdisk is there from an earlier job/])
  t.equal(statSync(ramdisk).nlink, 3, 'in the cache and in the folders of both jobs')
  t.equal(readdirSync(join(folder, 'cache')).length, 1)
})

t.test('the ramdisks that were used last are kept, at most four', async t => {
  const { prepare, folder } = await bench(t, gzipSync(await makeTar(TREE)))
  for (let job = 0; job < 6; job++) {
    const rootfs = join(folder, `rootfs-${job}`)
    await writeFile(rootfs, gzipSync(await makeTar([...TREE, { name: 'job', data: String(job) }])))
    await (await prepare({ rootfs })).target(ROOM, '', NEVER)
  }
  const jobs = readdirSync(join(folder, 'cache')).map(name =>
    text(unpacked(join(folder, 'cache', name)).find(entry => entry.name === 'job')?.data),
  )
  t.same(jobs.sort(), ['2', '3', '4', '5'])
})

t.test('a tree that is too large for the board is refused with the sizes and what to do', async t => {
  const { prepare, folder } = await bench(
    t,
    gzipSync(await makeTar([...TREE, { name: 'big', data: Buffer.alloc(6 * MIB) }])),
  )
  const small = { ...ROOM, memory: { total: 10 * MIB, available: 9 * MIB, ram: [] } }
  const error = await failure((await prepare()).target(small, '', NEVER))
  t.equal(error.code, 'PULL_UNSUPPORTED')
  t.match(
    error.message,
    /artifacts\.rootfs takes 6\.0 MiB in memory, and a ramdisk may take 5\.0 MiB of the board's 10\.0 MiB/,
  )
  t.match(error.message, /to serve it over NFS, add nfs to the settings/)
  t.same(readdirSync(join(folder, 'cache')), [], 'nothing was converted')
})

t.test('a ramdisk that the agent has no room for is refused', async t => {
  const { prepare } = await bench(t, gzipSync(await makeTar(TREE)))
  const full = { ...ROOM, artifacts: { count: 9, stored: 700 * MIB, limit: 100 } }
  const error = await failure((await prepare()).target(full, '', NEVER))
  t.match(error.message, /makes a ramdisk of \d+ bytes, and the board has room for 100 bytes/)
})

t.test('a tarball that cannot be read is refused before the board is switched on', async t => {
  const tarball = gzipSync(await makeTar(TREE))
  for (const bytes of [tarball.subarray(0, -20), Buffer.from('<html>404</html>'), await makeTar([{ name: '../x' }])]) {
    const { prepare } = await bench(t, bytes)
    t.match((await failure(prepare())).message, /^rootfs /)
  }
})

t.test('a tree that no ramdisk can hold is refused, and no kernel is blamed', async t => {
  const name = `${'folder/'.repeat(600)}file`
  const { prepare } = await bench(t, gzipSync(await makeTar([...TREE, { name, pax: { path: name }, data: '' }])))
  const error = await failure((await prepare()).target(ROOM, '', NEVER))
  t.match(error, { code: 'PULL_UNSUPPORTED', message: /cannot become a ramdisk: .*a name of less than 4096 bytes/ })
})

t.test('a job that is broken off leaves no part of a ramdisk', async t => {
  const { prepare, folder } = await bench(t, gzipSync(await makeTar(TREE)))
  const stop = new AbortController()
  const note = (line: string): void => {
    if (line.includes('converting')) stop.abort(new Error('stopped'))
  }
  const boot = await prepare({}, { note })
  await t.rejects(boot.target(ROOM, '', stop.signal), { message: 'stopped' })
  t.same(readdirSync(join(folder, 'cache')), [])
})

const ROOT = process.geteuid?.() === 0 ? {} : { skip: 'only root may give files their owners' }
const TINY = { ...ROOM, memory: { total: 4096, available: 4096, ram: [] } }

t.test('a tree that is too large is served over NFS, with its modules, and removed afterwards', ROOT, async t => {
  const { prepare, folder, notes } = await bench(t, gzipSync(await makeTar(TREE)))
  const root = join(folder, 'nfs')
  const boot = await prepare({}, { nfs: { root, address: '192.168.1.2' } })
  const { ramdisk, modules, cmdline } = await boot.target(TINY, 'console=ttyS0 root=/dev/ram0 quiet', NEVER)
  t.same([ramdisk, modules], [undefined, undefined])
  t.equal(cmdline, `console=ttyS0 quiet root=/dev/nfs nfsroot=192.168.1.2:${root}/board-1,tcp,v3 rw ip=dhcp`)
  t.match(notes.at(-1), /4\.0 KiB; it is served over NFS/)
  t.match(statSync(join(root, 'board-1/home/user/file')), { uid: 1000, gid: 1000, mode: 0o100600, nlink: 2 })
  t.equal(readFileSync(join(root, 'board-1/usr/lib/modules/6.12/a.ko'), 'utf8'), 'module', 'lib stays a link')
  await boot.remove()
  t.notOk(existsSync(join(root, 'board-1')))
})

t.test("a board's own address and mount options are kept", ROOT, async t => {
  const { prepare, folder } = await bench(t, gzipSync(await makeTar(TREE)))
  const nfs = { root: join(folder, 'nfs'), address: '10.0.0.1', options: 'tcp,v3,port=2049' }
  const boot = await prepare({}, { nfs })
  const { cmdline } = await boot.target(TINY, 'ip=10.0.0.9 nfsroot=other', NEVER)
  t.equal(cmdline, `ip=10.0.0.9 root=/dev/nfs nfsroot=10.0.0.1:${nfs.root}/board-1,tcp,v3,port=2049 rw`)
})

t.test('a folder that cannot be unpacked into is an error of the lab', ROOT, async t => {
  const { prepare, folder } = await bench(t, gzipSync(await makeTar(TREE)))
  const boot = await prepare({}, { nfs: { root: join(folder, 'rootfs'), address: '10.0.0.1' } })
  t.match(await failure(boot.target(TINY, '', NEVER)), {
    code: 'PULL_NFS',
    message: /a part of the path is not a directory/,
  })
})
