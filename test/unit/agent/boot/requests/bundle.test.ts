import { readdir } from 'node:fs/promises'
import t from 'tap'
import { receiveBundle } from '../../../../../agent/boot/requests/bundle.js'
import { body, breaksOff, failure, openStore, patternBytes, temporaryDirectory } from '../fixture.js'
import { makeZip, streamedZip, type ZipMember } from './zip/zip-fixture.js'

const KERNEL = patternBytes(200_000)
const JOB = { cmdline: 'console=ttyS0', kernel: { compression: 'none' } }
const json = (value: unknown): ZipMember => ({
  name: 'job.json',
  data: Buffer.from(JSON.stringify(value)),
  deflate: true,
})
const file = (name: string, data: Uint8Array = Buffer.from(name)): ZipMember => ({ name, data, deflate: true })

t.test('a bundle becomes a job with its files', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory })
  const members = [
    file('kernel', KERNEL),
    file('overlays/20-b.dtbo'),
    file('ramdisk'),
    json(JOB),
    file('overlays/10-a.dtbo'),
    file('dtb'),
    file('modules'),
  ]
  for (const bytes of [makeZip(members), streamedZip(members)]) {
    const job = await receiveBundle(body(bytes), store)
    t.match(job, { cmdline: 'console=ttyS0', kernel: { compression: 'none' } })
    const { kernel, ramdisk, dtb, overlays, modules } = job
    t.ok(KERNEL.equals(await store.bytes(kernel.artifact ?? '')))
    const texts = await Promise.all(
      [ramdisk, dtb, modules, ...overlays].map(async reference =>
        Buffer.from(await store.bytes(reference?.artifact ?? '')).toString(),
      ),
    )
    t.same(
      texts,
      ['ramdisk', 'dtb', 'modules', 'overlays/10-a.dtbo', 'overlays/20-b.dtbo'],
      'overlays in the order of their names',
    )
    t.same(await store.list(), [], 'the files are of the job, not of the store')
  }
})

t.test('a bad bundle is refused with the reason, and leaves nothing', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory })
  const good = [json(JOB), file('kernel', KERNEL)]
  const wrong: [Uint8Array, string, RegExp][] = [
    [makeZip([file('kernel')]), 'JOB_INVALID', /job.json is missing in the bundle/],
    [makeZip([json(JOB)]), 'JOB_INVALID', /kernel needs a url or an artifact/],
    [
      makeZip([...good, file('../etc/passwd')]),
      'JOB_INVALID',
      /member "..\/etc\/passwd" is not known; known: job.json, kernel/,
    ],
    [makeZip([...good, file('/kernel')]), 'JOB_INVALID', /not known/],
    [makeZip([...good, file('overlays/a/b')]), 'JOB_INVALID', /not known/],
    [makeZip([...good, file('overlays\\a')]), 'JOB_INVALID', /not known/],
    [makeZip([...good, file('kernel')]), 'JOB_INVALID', /member "kernel" is there twice/],
    [makeZip([...good, { ...file('dtb'), crc: 1 }]), 'FORMAT_CRC', /member dtb/],
    [
      makeZip([file('kernel', KERNEL), { name: 'job.json', data: Buffer.from('{') }]),
      'JOB_INVALID',
      /job.json is not JSON/,
    ],
    [
      makeZip([file('kernel', KERNEL), { name: 'job.json', data: Buffer.alloc(1_100_000), deflate: true }]),
      'JOB_INVALID',
      /more than 1048576 bytes/,
    ],
    [
      makeZip([file('kernel', KERNEL), json({ ...JOB, kernel: 'http://lab/k' })]),
      'JOB_INVALID',
      /more than one source/,
    ],
    [makeZip(good).subarray(0, -1), 'FORMAT_TRUNCATED', /the end record/],
    [makeZip(good).subarray(0, 5000), 'FORMAT_TRUNCATED', /member kernel/],
  ]
  for (const [bytes, code, message] of wrong) {
    t.match(await failure(receiveBundle(body(bytes), store)), { code, message })
    t.same(await readdir(directory), [], String(message))
    t.equal(store.count, 0)
  }
})

t.test('a connection that breaks off, and a signal, leave nothing behind', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openStore(t, { directory })
  const bytes = makeZip([json(JOB), file('kernel', KERNEL)])
  t.equal((await failure(receiveBundle(body(bytes.subarray(0, 9000), 999, breaksOff), store))).code, 'FORMAT_TRUNCATED')
  const abort = new AbortController()
  const cut = body(bytes, 999, () => {})
  abort.abort(new Error('cancelled'))
  await t.rejects(receiveBundle(cut, store, abort.signal), { message: 'cancelled' })
  t.same(await readdir(directory), [])
})
