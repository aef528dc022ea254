import t from 'tap'
import { FINAL_STATES, JOB_STATES } from '../../../../agent/boot/jobs/job.js'
import { fault } from '../../../../agent/errors.js'
import { BoardClient, isFinal } from '../../../../lava/client/board-client.js'
import { answer, bodyOf, type Handler, nobody, serve } from '../stand-in.js'

const JOB = { id: 'j1', state: 'queued' }

/** A client that does not wait between attempts. */
function client(url: URL, options = {}) {
  return new BoardClient(url, { retrySeconds: 0, retries: 2, ...options })
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

function event(seq: number, fields: object): string {
  return `id: ${seq}\ndata: ${JSON.stringify({ seq, time: '2026-01-01T00:00:00.000Z', ...fields })}\n\n`
}

t.test('the client knows which states are final as the agent does', async t => {
  for (const state of JOB_STATES) t.equal(isFinal(state), FINAL_STATES.includes(state), state)
})

t.test('a token is sent as a bearer token, and a path before the API is kept', async t => {
  const seen: unknown[] = []
  const url = await serve(t, (request, response) => {
    seen.push([request.method, request.path, request.headers.authorization])
    answer(response, { jobs: [] })
  })
  await client(new URL('/lab/board7', url), { token: 'secret' }).jobs()
  await client(new URL('/lab/board7/', url)).jobs()
  t.same(seen, [
    ['GET', '/lab/board7/v1/jobs', 'Bearer secret'],
    ['GET', '/lab/board7/v1/jobs', undefined],
  ])
})

t.test('a job is submitted with its media type', async t => {
  const url = await serve(t, async (request, response) => {
    const body = (await bodyOf(request)).toString()
    t.same(
      [request.method, request.path, request.headers['content-type'], body],
      ['POST', '/v1/jobs', 'application/yaml', 'device_type: x'],
    )
    answer(response, JOB, 201)
  })
  t.same(await client(url).submit({ type: 'application/yaml', content: 'device_type: x' }), JOB)
})

t.test('an error of the agent arrives as the same error, whatever remedy its version knows', async t => {
  const error = fault('JOB_UNKNOWN', { id: 'j9' }).toJSON()
  for (const message of [error.message, 'there is no job j9', 'there is no job j9; look elsewhere']) {
    const url = await serve(t, (_, response) => answer(response, { ...error, message }, 404))
    await t.rejects(client(url).job('j9'), { name: 'FauxbootError', ...error })
  }
})

t.test('a GET whose connection breaks off before the answer is sent once more, and nothing else is', async t => {
  const seen: string[] = []
  const url = await serve(t, ({ method, message }, response) => {
    seen.push(method)
    if (seen.length % 2 === 1) message.socket.resetAndDestroy()
    else answer(response, { jobs: [] })
  })
  t.same(await client(url).jobs(), [])
  await t.rejects(client(url).submit({ type: 'application/json', content: '{}' }), { code: 'BOARD_UNREACHABLE' })
  t.same(seen, ['GET', 'GET', 'POST'])
})

t.test('an answer that is not what the API promises is named, with its status', async t => {
  const bad: [string, Handler, RegExp][] = [
    ['HTML of a proxy', (_, r) => void r.writeHead(502).end('<html>'), /unexpected answer: 502 Bad Gateway/],
    ['an unknown code', (_, r) => answer(r, { code: 'NEW', message: 'new words' }, 422), /422 new words/],
    [
      'a known code with other words',
      (_, r) => answer(r, { code: 'JOB_UNKNOWN', message: 'kein Auftrag', details: { id: 'x' } }, 404),
      /404 kein Auftrag/,
    ],
    [
      'details that are none',
      (_, r) => answer(r, { code: 'JOB_UNKNOWN', message: 'there is no job x', details: { id: {} } }, 404),
      /404 there is no job x/,
    ],
    ['no object', (_, r) => answer(r, 'gone', 410), /410 Gone/],
    ['no JSON', (_, r) => void r.end('hello'), /no JSON: "hello"/],
    ['a job without an id', (_, r) => answer(r, { state: 'queued' }), /a job without id and state/],
    ['null', (_, r) => answer(r, null), /a job without id and state/],
  ]
  for (const [name, handler, message] of bad) {
    const url = await serve(t, handler)
    await t.rejects(client(url).job('x'), { code: 'BOARD_ANSWER', message, exitCode: 2 }, name)
  }
  for (const list of [{}, null, { jobs: [{}] }, { jobs: 3 }]) {
    const url = await serve(t, (_, response) => answer(response, list))
    await t.rejects(client(url).jobs(), { code: 'BOARD_ANSWER', message: /no list of jobs/ }, JSON.stringify(list))
  }
})

t.test('a board that is not there is named, with what to look at', async t => {
  const url = await nobody()
  await t.rejects(client(url).jobs(), {
    code: 'BOARD_UNREACHABLE',
    message: `${url.href}v1/jobs: connection refused: no agent listens at this port; check the address, and that the board is on and its agent runs`,
  })
})

t.test('a board that says nothing is given up, and the error names what was waited for', async t => {
  const silent = await serve(t, () => undefined)
  await t.rejects(client(silent, { idleSeconds: 0.05 }).jobs(), {
    code: 'BOARD_UNREACHABLE',
    message: /no answer to GET \/v1\/jobs for 0.05 s/,
  })
  const half = await serve(t, (_, response) => void response.writeHead(200).write('['))
  await t.rejects(client(half, { idleSeconds: 0.05 }).jobs(), {
    code: 'BOARD_UNREACHABLE',
    message: /no answer to GET \/v1\/jobs for 0.05 s/,
  })
})

t.test('an answer that breaks off is an outage', async t => {
  const url = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('[', () => response.destroy())
  })
  await t.rejects(client(url).jobs(), { code: 'BOARD_UNREACHABLE', message: /the board closed the connection/ })
})

t.test('a request ends at once when its signal fires, with the reason of the signal', async t => {
  const stop = new AbortController()
  const url = await serve(t, () => stop.abort(new Error('enough')))
  await t.rejects(client(url).jobs(stop.signal), { message: 'enough' })
  await t.rejects(client(url).jobs(stop.signal), { message: 'enough' })
})

t.test('events are taken up again where the connection ended', async t => {
  const asked: unknown[] = []
  const url = await serve(t, ({ headers, path }, response) => {
    asked.push([path, headers['last-event-id']])
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    if (asked.length === 1) {
      response.write(event(1, { type: 'state', state: 'fetching' }), () => response.destroy())
    } else if (asked.length === 2) {
      response.end(`: nothing new\n\n`)
    } else {
      response.end(event(2, { type: 'state', state: 'planned' }) + event(3, { type: 'log', message: 'never read' }))
    }
  })
  const events = await collect(client(url).events('j1'))
  t.match(events, [
    { seq: 1, state: 'fetching' },
    { seq: 2, state: 'planned' },
  ])
  t.equal(events.length, 2)
  t.same(asked, [
    ['/v1/jobs/j1/events', undefined],
    ['/v1/jobs/j1/events', '1'],
    ['/v1/jobs/j1/events', '1'],
  ])
})

t.test('events of a board that does not come back end with the last reason', async t => {
  let connections = 0
  const url = await serve(t, (_, response) => {
    connections += 1
    response.writeHead(200).end()
  })
  await t.rejects(collect(client(url).events('j1')), {
    code: 'BOARD_UNREACHABLE',
    message: /the event stream ended early/,
  })
  t.equal(connections, 3)
})

t.test('a job of which nothing more is to be heard has no more events', async t => {
  const url = await serve(t, (_, response) => void response.writeHead(204).end())
  t.same(await collect(client(url).events('j1')), [])
})

t.test('an event stream that holds something else is no event stream', async t => {
  for (const data of ['data: hello\n\n', 'data: {"seq":"1","type":"state"}\n\n', 'data: 1\n\n']) {
    const url = await serve(t, (_, response) => void response.end(data))
    await t.rejects(collect(client(url).events('j1')), { code: 'BOARD_ANSWER' }, data)
  }
})

t.test('an unknown job has no events, and is not asked for again', async t => {
  let connections = 0
  const error = { code: 'JOB_UNKNOWN', message: 'there is no job j9', statusCode: 404, details: { id: 'j9' } }
  const url = await serve(t, (_, response) => {
    connections += 1
    answer(response, error, 404)
  })
  await t.rejects(collect(client(url).events('j9')), { code: 'JOB_UNKNOWN' })
  t.equal(connections, 1)
})

t.test('waiting for a board that is coming up ends when it is ready', async t => {
  let asked = 0
  const url = await serve(t, (_, response) => {
    asked += 1
    answer(response, {}, asked < 3 ? 503 : 200)
  })
  await client(url).waitUntilReady(60)
  t.equal(asked, 3)
})

t.test('an agent that was up before its board was reset is not the one that is waited for', async t => {
  const uptimes = [5000, 5001, 0]
  let asked = 0
  const url = await serve(t, (_, response) => answer(response, { status: 'ok', uptime: uptimes[asked++] }))
  await client(url).waitUntilReady(60, undefined, performance.now())
  t.equal(asked, 3)
})

t.test('waiting for a board that never comes up ends with the last reason', async t => {
  await t.rejects(client(await nobody()).waitUntilReady(0), {
    code: 'BOARD_UNREACHABLE',
    message: /not ready within 0 s; the last attempt: connection refused/,
  })
})

t.test('waiting ends at once when its signal fires', async t => {
  const stop = new AbortController()
  const url = await serve(t, (_, response) => {
    answer(response, {}, 503)
    stop.abort()
  })
  await t.rejects(client(url, { retrySeconds: 60 }).waitUntilReady(60, stop.signal), { name: 'AbortError' })
})
