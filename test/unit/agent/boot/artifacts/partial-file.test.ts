import { createHash } from 'node:crypto'
import { link, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { after, PartialFile } from '../../../../../agent/boot/artifacts/partial-file.js'
import { failure, MIB, patternBytes, sha256, temporaryDirectory } from '../fixture.js'

const FILE = patternBytes(2 * MIB + 3)
const measure = async () => () => 1e9

t.test('a file that starts over has only what came since', async t => {
  const path = join(await temporaryDirectory(t), 'a')
  const file = await PartialFile.create(path, { what: 'a', measure })
  await file.write(FILE)
  await file.reset()
  t.equal(file.received, 0)
  await file.write(FILE.subarray(7))
  await file.close()
  t.equal(file.digest.digest('hex'), sha256(FILE.subarray(7)))
  t.ok(FILE.subarray(7).equals(await readFile(path)))
})

t.test('a new file never writes into an old one of its name', async t => {
  const directory = await temporaryDirectory(t)
  const [path, other] = [join(directory, 'a'), join(directory, 'b')]
  await writeFile(path, 'old')
  await link(path, other)
  const file = await PartialFile.create(path, { what: 'a', measure })
  await file.write(Buffer.from('new'))
  await file.close()
  t.equal(await readFile(other, 'utf8'), 'old')
  t.equal(await readFile(path, 'utf8'), 'new')
})

t.test('a full file system makes a file too large, however late it shows', async t => {
  // /dev/full answers every write with ENOSPC, as a tmpfs does when it is full.
  for (const chunks of [[FILE.subarray(0, 10)], [FILE, FILE, FILE]]) {
    const path = join(await temporaryDirectory(t), 'a')
    await symlink('/dev/full', path)
    const file = await PartialFile.resume(path, { what: 'ramdisk', measure, digest: false }, createHash('sha256'))
    const write = async (): Promise<void> => {
      for (const chunk of chunks) await file.write(chunk)
      await file.close()
    }
    const error = await failure(write())
    t.match(error, { code: 'ARTIFACT_TOO_LARGE', details: { what: 'ramdisk' } })
    t.match(error.cause, { code: 'ENOSPC' })
    await file.discard()
    await t.rejects(readFile(path), { code: 'ENOENT' })
  }
})

t.test('another error of the file system is passed on as it is', async t => {
  const path = join(await temporaryDirectory(t), 'a')
  await symlink('/dev/null', path)
  const file = await PartialFile.resume(path, { what: 'a', measure }, null)
  await file.close()
  const write = async (): Promise<void> => {
    await file.write(FILE)
    await file.write(FILE)
  }
  await t.rejects(write(), { code: 'EBADF' })
})

t.test('free memory is checked now and then, not for every chunk', async t => {
  let asked = 0
  const file = await PartialFile.create(join(await temporaryDirectory(t), 'a'), {
    what: 'a',
    measure: async () => {
      asked++
      return () => 1e9
    },
  })
  for (let i = 0; i < 320; i++) await file.write(FILE.subarray(0, 65_536))
  await file.discard()
  t.equal(asked, 3, '20 MiB in steps of 8 MiB')
})

t.test('a file that is promised its memory still ends when others have taken it', async t => {
  let free = 100 * MIB
  const file: PartialFile = await PartialFile.create(join(await temporaryDirectory(t), 'a'), {
    what: 'a',
    measure: async () => () => free - file.promised,
  })
  await file.expect(50 * MIB)
  t.equal(file.promised, 50 * MIB)
  t.match(await failure(file.expect(101 * MIB)), { details: { size: 101 * MIB, limit: 100 * MIB } })
  await file.write(FILE)
  t.equal(file.promised, 50 * MIB - FILE.length)
  free = 0
  const write = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await file.write(FILE)
  }
  t.match(await failure(write()), { code: 'ARTIFACT_TOO_LARGE' })
  await file.discard()
  t.equal(file.promised, 0)
})

t.test('a write that the system cuts short goes on with the rest', async t => {
  const chunks = [Buffer.from('abc'), Buffer.from(''), Buffer.from('defg')]
  for (let bytes = 0; bytes <= 7; bytes++) {
    t.equal(Buffer.concat(after(chunks, bytes)).toString(), 'abcdefg'.slice(bytes))
  }
  t.same(after(chunks, 7), [])
})
