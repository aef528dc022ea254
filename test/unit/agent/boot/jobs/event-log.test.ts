import t from 'tap'
import { EventLog } from '../../../../../agent/boot/jobs/event-log.js'
import type { JobEvent } from '../../../../../agent/boot/jobs/job.js'
import { thinProgress } from '../../../../../agent/boot/pipeline/progress.js'

const clock = () => Date.UTC(2020, 3, 14)
const read = async (events: AsyncIterable<JobEvent>): Promise<JobEvent[]> => {
  const all: JobEvent[] = []
  for await (const event of events) all.push(event)
  return all
}
const say = (message: string) => ({ type: 'log', level: 'info', message }) as const
const seqs = (events: readonly JobEvent[]): number[] => events.map(({ seq }) => seq)

t.test('events have numbers from 1 and a time, and come in order', async t => {
  const log = new EventLog(clock)
  log.append({ type: 'state', state: 'queued' })
  log.append(say('hello'))
  log.end()
  t.same(await read(log.follow(0)), [
    { type: 'state', state: 'queued', seq: 1, time: '2020-04-14T00:00:00.000Z' },
    { type: 'log', level: 'info', message: 'hello', seq: 2, time: '2020-04-14T00:00:00.000Z' },
  ])
})

t.test('a reader gets events as they come, each reader all of them', async t => {
  const log = new EventLog(clock)
  const readers = Array.from({ length: 20 }, () => read(log.follow(0)))
  for (let i = 0; i < 5; i++) {
    log.append(say(`${i}`))
    await new Promise(resolve => setImmediate(resolve))
  }
  t.equal(log.followers, 20)
  log.append(say('together with the end'))
  log.end()
  for (const events of await Promise.all(readers)) t.same(seqs(events), [1, 2, 3, 4, 5, 6])
  t.equal(log.followers, 0)
})

t.test('a returning reader gets the events that it has not seen', async t => {
  const log = new EventLog(clock)
  for (let i = 0; i < 10; i++) log.append(say(`${i}`))
  log.end()
  t.same(seqs(await read(log.follow(7))), [8, 9, 10])
  t.same(seqs(await read(log.follow(10))), [])
  t.same(seqs(await read(log.follow(99))), [])
  t.same(seqs(await read(log.follow(-1))).length, 10)
})

t.test('a reader whose client is gone leaves nothing', async t => {
  const log = new EventLog(clock)
  log.append(say('one'))
  const abort = new AbortController()
  const reading = read(log.follow(0, abort.signal))
  await new Promise(resolve => setImmediate(resolve))
  t.equal(log.followers, 1)
  abort.abort()
  t.same(seqs(await reading), [1])
  t.equal(log.followers, 0)
  t.same(await read(log.follow(0, abort.signal)), [], 'nor does one that was gone before it began')
})

t.test('progress is kept for a while, everything else for long', async t => {
  const log = new EventLog(clock)
  log.append({ type: 'state', state: 'fetching' })
  for (let i = 1; i <= 1000; i++) log.append({ type: 'progress', role: 'kernel', received: i, size: null })
  log.append(say('done'))
  log.end()
  const events = await read(log.follow(0))
  t.equal(events.length, 514)
  t.same([events[0]?.seq, events[1]?.seq, events.at(-1)?.seq], [1, 490, 1002])
  t.same(seqs(log.lasting), [1, 1002])
  t.same(seqs(await read(log.follow(100))), seqs(events).slice(1), 'a reader in the gap goes on behind it')
})

t.test('a job that talks without end keeps its newest words', async t => {
  const log = new EventLog(clock)
  for (let i = 1; i <= 2100; i++) log.append(say(`${i}`))
  t.equal(log.lasting.length, 2000)
  t.equal(log.lasting[0]?.seq, 101)
})

t.test('the log has a line for everything but progress', async t => {
  const log = new EventLog(clock)
  log.append({ type: 'state', state: 'fetching' })
  log.append({ type: 'progress', role: 'kernel', received: 1, size: 2 })
  log.append({ type: 'finding', check: 'console', severity: 'warning', message: 'no console=', remedy: 'add one' })
  log.append({ type: 'finding', check: 'links', severity: 'info', message: 'eth0 goes down', remedy: '' })
  log.append({ type: 'log', level: 'error', message: 'oh' })
  log.append(say('well'))
  const error = { code: 'X', message: 'it broke', statusCode: 500, details: {} }
  log.append({ type: 'state', state: 'failed', error })
  const stamp = '2020-04-14T00:00:00.000Z'
  t.equal(
    log.text,
    [
      `${stamp} fetching`,
      `${stamp} warning: no console=; add one`,
      `${stamp} info: eth0 goes down`,
      `${stamp} error: oh`,
      `${stamp} well`,
      `${stamp} failed: it broke (X)`,
      '',
    ].join('\n'),
  )
})

t.test('a restored log has ended, and its numbers go on', async t => {
  const first = new EventLog(clock)
  first.append({ type: 'state', state: 'fetching' })
  const log = new EventLog(clock, first.lasting)
  t.same(seqs(await read(log.follow(0))), [1])
  log.append({ type: 'state', state: 'failed' })
  t.same(seqs(await read(log.follow(0))), [1, 2])
})

t.test('progress is reported at whole percents, or per MiB if the size is unknown', async t => {
  const told: [number, number | null][] = []
  let time = 0
  const progress = thinProgress(
    (...step) => told.push(step),
    () => (time += 100),
  )
  for (let received = 1; received <= 10_000; received++) progress(received, 10_000)
  t.equal(told.length, 101)
  t.same(told.at(-1), [10_000, 10_000])
  told.length = 0
  for (let received = 0; received < 3 * 2 ** 20; received += 1000) progress(received, null)
  t.equal(told.length, 3)
  told.length = 0
  progress(0, 0)
  progress(0, 0)
  t.same(told, [[0, 0]])
})

t.test('progress of a fast transfer is reported ten times a second, and at its end', async t => {
  const told: number[] = []
  let time = 0
  const progress = thinProgress(
    received => told.push(received),
    () => time,
  )
  for (let received = 1; received <= 100; received++) {
    time += 10
    progress(received, 100)
  }
  t.same(told, [1, 11, 21, 31, 41, 51, 61, 71, 81, 91, 100])
})
