import { once } from 'node:events'
import { mock } from 'node:test'
import t from 'tap'
import { FINAL_STATES, type JobEvent } from '../../../../../agent/boot/jobs/job.js'
import { EventStream } from '../../../../../agent/http/replies/event-stream.js'
import { parseEventStream } from '../../../../../lava/client/event-stream.js'
import { eventsOf, reaches, statesOf } from '../../boot/board-fixture.js'
import { dial, readUntil, startAgent, submit, submitStalled, type TestAgent } from '../agent-fixture.js'

async function readEvents(answer: Response): Promise<JobEvent[]> {
  const events: JobEvent[] = []
  if (answer.body === null) return events
  for await (const { id, type, data } of parseEventStream(answer.body, answer.url)) {
    const event = JSON.parse(data) as JobEvent
    if (id !== String(event.seq) || type !== event.type) throw new Error(`id or type differ from ${data}`)
    events.push(event)
  }
  return events
}

const follow = (agent: TestAgent, id: string, headers: Record<string, string> = {}, query = '') =>
  agent.fetch(`/v1/jobs/${id}/events${query}`, { headers })

t.test('the events of a job are streamed from the first to the final state', async t => {
  const agent = await startAgent(t)
  const { id } = await submit(agent, { options: { dryRun: true } })
  const answer = await follow(agent, id)
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('content-type'), 'text/event-stream')
  t.equal(answer.headers.get('cache-control'), 'no-store')
  const events = await readEvents(answer)
  t.same(events, await eventsOf(agent.boot, id))
  t.match(events.at(-1), { type: 'state', state: 'planned' })
  t.ok(FINAL_STATES.includes('planned'))
})

t.test('an ended job is streamed all the same', async t => {
  const agent = await startAgent(t)
  const { id } = await submit(agent, { options: { dryRun: true } })
  await statesOf(agent.boot, id)
  t.same(await readEvents(await follow(agent, id)), await eventsOf(agent.boot, id))
})

t.test('a stream goes on after the event that the client saw last', async t => {
  const agent = await startAgent(t)
  const { id } = await submit(agent, { options: { dryRun: true } })
  const all = await eventsOf(agent.boot, id)
  const after = (seq: number) => all.filter(event => event.seq > seq)
  t.same(await readEvents(await follow(agent, id, { 'last-event-id': '2' })), after(2))
  t.same(await readEvents(await follow(agent, id, {}, '?after=3')), after(3))
  const both = await follow(agent, id, { 'last-event-id': '2' }, '?after=1')
  t.same(await readEvents(both), after(2), 'the header is newer than the query')
  t.same(await readEvents(await follow(agent, id, { 'last-event-id': '' })), all)
})

t.test('a client that has seen the end of a job gets 204 and stops asking', async t => {
  const agent = await startAgent(t)
  const { id } = await submit(agent, { options: { dryRun: true } })
  const last = (await eventsOf(agent.boot, id)).at(-1)?.seq
  const answer = await follow(agent, id, { 'last-event-id': String(last) })
  t.equal(answer.status, 204)
  t.equal(await answer.text(), '')
})

t.test('a Last-Event-ID that is not a number is refused', async t => {
  const agent = await startAgent(t)
  const { id } = await submit(agent, { options: { dryRun: true } })
  for (const value of ['x', '-1', '1.5', '9'.repeat(16)]) {
    const error = await agent.refused(`/v1/jobs/${id}/events`, { headers: { 'last-event-id': value } })
    t.match(error, { code: 'HTTP_REQUEST', statusCode: 400, message: /^Last-Event-ID: expected a number/ })
  }
})

t.test('events come while the job runs, and its cancellation ends the stream', async t => {
  const agent = await startAgent(t)
  const { id } = await submitStalled(t, agent)
  const answer = await follow(agent, id)
  const events = readEvents(answer)
  await reaches(agent.boot, id, 'fetching')
  await agent.fetch(`/v1/jobs/${id}`, { method: 'DELETE' })
  t.match((await events).at(-1), { type: 'state', state: 'cancelled', error: { code: 'JOB_CANCELLED' } })
})

t.test('a client that goes away is forgotten', async t => {
  const agent = await startAgent(t)
  const { id } = await submitStalled(t, agent)
  const socket = await dial(t, agent)
  socket.write(`GET /v1/jobs/${id}/events HTTP/1.1\r\nhost: x\r\n\r\n`)
  await readUntil(socket, /event: state/)
  t.equal(agent.boot.metrics().followers, 1)
  socket.destroy()
  while (agent.boot.metrics().followers > 0) await new Promise(resolve => setImmediate(resolve))
  t.equal(agent.boot.get(id).state, 'fetching', 'the job is not touched')
})

t.test('a quiet stream shows that it is alive', async t => {
  const agent = await startAgent(t, { http: { heartbeatSeconds: 0.01 } })
  const { id } = await submitStalled(t, agent)
  const socket = await dial(t, agent)
  socket.write(`GET /v1/jobs/${id}/events HTTP/1.1\r\nhost: x\r\n\r\n`)
  t.match(await readUntil(socket, /(\n: \n[\s\S]*){3}/), /retry: 1000\n\n/)
})

t.test('the agent ends without waiting for those who follow a job', async t => {
  const agent = await startAgent(t)
  const { id } = await submitStalled(t, agent)
  const socket = await dial(t, agent)
  socket.write(`GET /v1/jobs/${id}/events HTTP/1.1\r\nhost: x\r\n\r\n`)
  await readUntil(socket, /event: state/)
  const gone = once(socket.resume(), 'close')
  await agent.boot.close()
  await agent.server.close()
  await gone
})

/** A source of events that never brings one, and what became of it. */
function silence() {
  const seen = { asked: 0, stopped: 0 }
  const events = {
    next: () => {
      seen.asked += 1
      return new Promise<IteratorResult<JobEvent>>(() => undefined)
    },
  }
  return { seen, events, stop: () => (seen.stopped += 1) }
}

t.test('a quiet stream brings a comment, but never a second one before the first was read', async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { events, stop } = silence()
  const stream = new EventStream(events, 1000, stop)
  t.teardown(() => stream.destroy())
  t.equal(String(stream.read()), 'retry: 1000\n\n')
  t.equal(stream.read(), null)
  mock.timers.tick(10_000)
  t.equal(String(stream.read()), ': \n\n')
  t.equal(stream.read(), null)
  mock.timers.tick(1000)
  t.equal(String(stream.read()), ': \n\n')
})

t.test('a stream that is destroyed stops its source and its clock', async t => {
  const { events, stop, seen } = silence()
  const stream = new EventStream(events, 1, stop)
  stream.read()
  stream.destroy()
  await once(stream, 'close')
  t.match(seen, { stopped: 1 })
})

t.test('a source that fails ends the stream with its error', async t => {
  const failure = new Error('no more')
  const stream = new EventStream({ next: async () => Promise.reject(failure) }, 1000, () => undefined)
  const [error] = await once(stream.resume(), 'error').then(
    values => values,
    thrown => [thrown],
  )
  t.equal(error, failure)
})
