import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import type { JobEvent } from '../../../../../agent/boot/jobs/job.js'
import { Job, type JobRecord } from '../../../../../agent/boot/jobs/job-record.js'
import { readJobPage, writeJobPage } from '../../../../../agent/boot/last-words/job-page.js'
import { jobOf } from '../board-fixture.js'
import { refusal } from '../fixture.js'

const SIZE = 0x10000
const REQUEST = jobOf({ name: 'nightly', kernel: 'http://lab/zImage', ramdisk: 'http://lab/ramdisk' })

/** A job that is about to jump. */
function jumping(): JobRecord {
  const job = Job.create('0123456789', 7, REQUEST, 'http', () => Date.parse('2026-11-26T12:00:00Z'))
  job.noteArtifact('kernel', { source: 'http://lab/zImage', received: 10, size: 10, sha256: 'ab'.repeat(32) })
  job.events.append({ type: 'finding', check: 'earlycon', severity: 'info', message: 'found', remedy: '' })
  job.log('info', 'digests checked')
  job.enter('booting')
  return job.record()
}

/** A page that is whole, whatever its text says. */
function pageOf(value: unknown): Uint8Array {
  const text = Buffer.from(JSON.stringify(value) ?? '')
  const header = Buffer.alloc(16)
  header.write('FAUXJOB1')
  header.writeUInt32LE(text.length, 8)
  header.writeUInt32LE(crc32(text), 12)
  return Buffer.concat([header, text])
}

t.test('a noted job comes back with what is shown of it, without its plan', async t => {
  const record = jumping()
  const page = writeJobPage(record, SIZE)
  t.equal(page.length, SIZE)
  const { request, ...view } = record.view
  t.match(readJobPage(page), { version: 1, number: 7, plan: null, events: record.events, view })
  t.match(readJobPage(page)?.view.request, {
    kernel: request.kernel,
    cmdline: request.cmdline,
    options: request.options,
  })
})

t.test('a job with more events than a page holds keeps its last ones', async t => {
  const record = jumping()
  const event = (seq: number): JobEvent => ({
    ...{ seq, time: '2026-11-26T12:00:00.000Z', type: 'log', level: 'info' },
    message: 'x'.repeat(100),
  })
  const events = Array.from({ length: 1000 }, (_, index) => event(index + 1))
  const found = readJobPage(writeJobPage({ ...record, events }, SIZE))?.events ?? []
  t.equal(found.at(-1)?.seq, 1000)
  t.ok(found.length < 1000 && found.length >= 100)
  t.same(readJobPage(writeJobPage({ ...record, events }, 0x1000))?.events.length, 0)
  t.match(await refusal(() => writeJobPage(record, 0x100)), { code: 'INTERNAL' })
})

t.test('memory that lost its contents names no job', async t => {
  const page = writeJobPage(jumping(), SIZE)
  t.equal(readJobPage(new Uint8Array(SIZE)), null)
  t.equal(readJobPage(new Uint8Array()), null)
  for (const offset of [0, 8, 12, 40]) {
    const flipped = Uint8Array.from(page)
    flipped[offset] = (flipped[offset] ?? 0) ^ 0x10
    t.equal(readJobPage(flipped), null, `bit at ${offset}`)
  }
  t.equal(readJobPage(page.subarray(0, 100)), null)
})

t.test('a page that a target forged makes no job that others cannot be', async t => {
  const record = jumping()
  const { view } = record
  for (const forged of [
    null,
    [],
    { ...record, version: 2 },
    { ...record, number: 2 ** 50 },
    { ...record, number: -1 },
    { ...record, events: [{ seq: 1 }] },
    { ...record, events: [{ seq: 1, time: 'never', type: 'state', state: 'queued' }] },
    { ...record, events: [{ seq: 1, time: view.created, type: 'log', level: 'info', message: 5 }] },
    { ...record, view: { ...view, id: '../../etc' } },
    { ...record, view: { ...view, state: 'queued' } },
    { ...record, view: { ...view, origin: 'target' } },
    { ...record, view: { ...view, name: {} } },
    { ...record, view: { ...view, durations: { lost: 1 } } },
    { ...record, view: { ...view, artifacts: [null] } },
    { ...record, view: { ...view, artifacts: [{ ...view.artifacts[0], sha256: '<script>' }] } },
    { ...record, view: { ...view, request: { ...view.request, cmdline: 'x'.repeat(20_000) } } },
    { ...record, view: { ...view, request: { ...view.request, kernel: { url: 5 } } } },
    { ...record, view: { ...view, request: { ...view.request, options: null } } },
  ]) {
    t.equal(readJobPage(pageOf(forged)), null, JSON.stringify(forged)?.slice(0, 60))
  }
  t.match(readJobPage(pageOf({ ...record, more: 1, view: { ...view, lastWords: 'forged' } })), {
    view: { lastWords: null },
  })
})

t.test('no bytes make it throw', async t => {
  const json = fc.json().map(text => pageOf(JSON.parse(text)))
  const property = fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), json), page => readJobPage(page) === null)
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }))
})
