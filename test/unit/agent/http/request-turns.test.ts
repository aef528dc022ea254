import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { RequestTurns } from '../../../../agent/http/request-turns.js'
import { fakeHost } from '../boot/board-fixture.js'
import { dial, readUntil, startAgent, submitStalled } from './agent-fixture.js'

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`

/** An agent that counts how often, and by how many at a time, the model of its board is read. */
async function startCounting(t: Test) {
  const seen = { readings: 0, now: 0, most: 0 }
  const agent = await startAgent(t, {
    host: {
      model: async () => {
        seen.readings++
        seen.most = Math.max(seen.most, ++seen.now)
        await new Promise(resolve => setTimeout(resolve, 5))
        seen.now--
        return fakeHost().model()
      },
    },
  })
  return { agent, seen }
}

t.test('a thousand requests on one connection read the board a few times, and the agent goes on', async t => {
  const { agent, seen } = await startCounting(t)
  const socket = await dial(t, agent)
  socket.on('error', () => undefined)
  socket.write(get('/v1/board').repeat(1000))
  await once(socket.resume(), 'close')
  t.equal((await agent.fetch('/healthz')).status, 200)
  t.match(seen, { readings: 1, most: 1 })
})

t.test('too many requests at once get an error of the table, and the connection ends', async t => {
  const { agent } = await startCounting(t)
  const socket = await dial(t, agent)
  socket.write(get('/v1/board').repeat(100))
  const answer = await readUntil(socket, /\}\}$/)
  t.match(answer, /^HTTP\/1\.1 429 Too Many Requests\r\n/)
  t.match(answer, '"code":"HTTP_PIPELINE"')
  await once(socket.resume(), 'close')
})

t.test('of thousands of requests in one segment, Node parses no more than may wait', async t => {
  const agent = await startAgent(t)
  let parsed = 0
  agent.server.server.on('request', () => parsed++)
  const socket = await dial(t, agent)
  socket.on('error', () => undefined)
  socket.write(get('/healthz').repeat(3000))
  await once(socket.resume(), 'close')
  t.ok(parsed < 50, `${parsed} requests`)
  t.equal((await agent.fetch('/healthz')).status, 200)
})

t.test('a connection that sends on while its answer is under way ends', async t => {
  const agent = await startAgent(t)
  const { id } = await submitStalled(t, agent)
  const socket = await dial(t, agent)
  socket.on('error', () => undefined)
  socket.write(get(`/v1/jobs/${id}/events`))
  await readUntil(socket, /event: state/)
  socket.write(get('/v1/board').repeat(100))
  await once(socket.resume(), 'close')
  while (agent.boot.metrics().followers > 0) await new Promise(resolve => setImmediate(resolve))
})

t.test('a few requests that are sent together are answered in their order, one after the other', async t => {
  const { agent, seen } = await startCounting(t)
  const socket = await dial(t, agent)
  socket.write(['/healthz', '/v1/board', '/v1/jobs', '/v1/board', '/v1/jobs/none'].map(get).join(''))
  const answers = await readUntil(socket, /JOB_UNKNOWN.*\}$/)
  t.same(
    Array.from(answers.matchAll(/"(uptime|model|jobs|JOB_UNKNOWN)"/g), match => match[1]),
    ['uptime', 'model', 'jobs', 'model', 'JOB_UNKNOWN'],
  )
  t.match(seen, { most: 1 })
})

t.test('after an answer that closes the connection, what was sent after it is not handled', async t => {
  const agent = await startAgent(t)
  const socket = await dial(t, agent)
  const last = 'GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
  const change = 'DELETE /v1/artifacts/x HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'
  socket.write(`${last}${change}`)
  await once(socket.resume(), 'close')
  await agent.fetch('/v1/jobs')
  t.same(
    agent.lines.filter(({ url }) => url === '/v1/artifacts/x'),
    [],
  )
})

t.test('one reading of the board serves all who ask within a moment, and who owns it is never old', async t => {
  const { agent, seen } = await startCounting(t)
  await Promise.all(Array.from({ length: 10 }, () => agent.fetch('/v1/board')))
  t.match(seen, { readings: 1 })
  await agent.fetch('/v1/artifacts/x', { method: 'PUT', body: 'hello' })
  const { id } = await submitStalled(t, agent)
  const { body } = await agent.json('/v1/board')
  t.match(body, { owner: id, artifacts: { count: agent.boot.artifacts.count, stored: 5 } })
})

t.test('a request on a connection that has ended is not handled, nor is anything behind it read', t => {
  const parser = { onIncoming: () => 0 }
  let handled = 0
  const turns = new RequestTurns().inTurn(() => handled++)
  turns({ socket: { writable: false, parser } } as unknown as IncomingMessage, {} as ServerResponse)
  t.equal(handled, 0)
  t.equal(parser.onIncoming(), 2)
  t.end()
})
