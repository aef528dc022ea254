import { createReadStream, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { receiveBundle } from '../../../../../agent/boot/requests/bundle.js'
import { openStore, temporaryDirectory } from '../../../agent/boot/fixture.js'
import { fauxboot } from '../../capture.js'

t.test('a bundle is what the agent takes for the same job and the same files', async t => {
  const kernel = 'k'.repeat(3 << 20)
  const dir = t.testdir({ zImage: kernel, initrd: 'ramdisk', 'board.dtb': 'dtb', 'a.dtbo': 'a', 'b.dtbo': 'b' })
  const at = (name: string): string => join(dir, name)
  const overlays = ['--overlay', at('a.dtbo'), at('b.dtbo')]
  const files = ['--kernel', at('zImage'), '--ramdisk', at('initrd'), '--dtb', at('board.dtb'), ...overlays]
  const { code, stdout } = await fauxboot(['bundle', ...files, '--append', 'quiet', '--out', at('job.zip')])
  t.equal(code, 0)
  t.match(stdout, /job\.zip: 5 files, 3\.\d MiB/)

  const store = await openStore(t, { directory: await temporaryDirectory(t) })
  const job = await receiveBundle(createReadStream(at('job.zip')), store)
  t.equal(job.cmdline, 'quiet')
  const references = [job.kernel, job.ramdisk, job.dtb, ...job.overlays]
  const contents = await Promise.all(references.map(reference => store.bytes(reference?.artifact ?? '')))
  t.same(
    contents.map(bytes => Buffer.from(bytes).toString()),
    [kernel, 'ramdisk', 'dtb', 'a', 'b'],
  )
})

t.test('a file that is missing is named, and no half of a bundle is left', async t => {
  const dir = t.testdir({ zImage: 'kernel' })
  const files = ['--kernel', join(dir, 'zImage'), '--dtb', join(dir, 'nowhere.dtb')]
  const { code, stderr } = await fauxboot(['bundle', ...files, '--out', join(dir, 'job.zip')])
  t.equal(code, 1)
  t.match(stderr, 'nowhere.dtb')
  t.same(readdirSync(dir), ['zImage'])
})

t.test('a place that cannot be written to is named', async t => {
  const dir = t.testdir({ zImage: 'kernel' })
  const to = (out: string) => fauxboot(['bundle', '--kernel', join(dir, 'zImage'), '--out', out])
  const missing = join(dir, 'no/job.zip')
  const noFolder = `fauxboot: ${missing}: there is no folder ${join(dir, 'no')}\n`
  t.same(await to(missing), { code: 1, stdout: '', stderr: noFolder })
  t.same(await to(dir), { code: 1, stdout: '', stderr: `fauxboot: ${dir}: is a directory\n` })
  t.same(readdirSync(dir), ['zImage'])
})
