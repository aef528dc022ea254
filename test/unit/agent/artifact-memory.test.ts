import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { collectGarbage, mapOrRead } from '../../../agent/artifact-memory.js'
import { mappedBytes } from '../../../native/index.js'
import { fileNeeds } from '../../peer.js'

fileNeeds('addon')

t.test(
  'a file that others may write is read, because one that they truncate ends the process if it is mapped',
  async t => {
    const path = join(t.testdir(), 'zImage')
    writeFileSync(path, Buffer.alloc(8192, 'k'))
    chmodSync(path, 0o666)
    const [whole, part] = [await mapOrRead(path), await mapOrRead(path, { offset: 4096, size: 4096 })]
    truncateSync(path, 0)
    t.ok(Buffer.alloc(8192, 'k').equals(whole))
    t.ok(Buffer.alloc(4096, 'k').equals(part))
  },
)

t.test('a file of our own is mapped, and what is no file is refused', async t => {
  const directory = t.testdir()
  const path = join(directory, 'zImage')
  writeFileSync(path, Buffer.alloc(8192, 'k'), { mode: 0o600 })
  t.ok(Buffer.alloc(4096, 'k').equals(await mapOrRead(path, { offset: 4096, size: 4096 })))
  mkdirSync(join(directory, 'sub'))
  await t.rejects(mapOrRead(join(directory, 'sub')), /only a regular file can be mapped/)
  await t.rejects(mapOrRead(join(directory, 'none')), { code: 'ENOENT' })
})

t.test('maps that nothing uses are undone, and no others', async t => {
  const path = join(t.testdir(), 'zImage')
  writeFileSync(path, Buffer.alloc(8192, 'k'), { mode: 0o600 })
  await collectGarbage()
  t.equal(mappedBytes(), 0)
  const readOne = async (): Promise<number> => (await mapOrRead(path)).length
  const useOther = async (): Promise<void> => {
    const used = await mapOrRead(path)
    t.equal(await readOne(), 8192)
    await collectGarbage()
    t.equal(mappedBytes(), 8192, 'what is used stays')
    t.equal(used[8191], 0x6b)
  }
  await useOther()
  await collectGarbage()
  t.equal(mappedBytes(), 0)
})
