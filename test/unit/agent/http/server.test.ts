import { once } from 'node:events'
import fc from 'fast-check'
import t from 'tap'
import { ERRORS } from '../../../../agent/errors.js'
import * as schemas from '../../../../agent/http/schemas/schemas.js'
import { boardWithCard } from '../boot/card/card-fixture.js'
import { asJson, conforms, dial, KERNEL, readUntil, startAgent, submitStalled } from './agent-fixture.js'

t.test('the agent says that it is healthy, and its version', async t => {
  const agent = await startAgent(t)
  const { status, body } = await agent.json('/healthz')
  t.equal(status, 200)
  conforms(t, schemas.Health, body)
  t.match(body, { status: 'ok', version: '1.2.3' })
})

t.test('the board is shown', async t => {
  const agent = await startAgent(t)
  const { id } = await submitStalled(t, agent)
  const { status, body } = await agent.json('/v1/board')
  t.equal(status, 200)
  conforms(t, schemas.Board, body)
  t.match(body, { model: 'linux,dummy-virt', owner: id, links: [{ name: 'eth0' }, { name: 'eth1' }] })
})

t.test('metrics are shown as Prometheus reads them', async t => {
  const agent = await startAgent(t)
  await agent.fetch('/v1/artifacts/x', { method: 'PUT', body: new Uint8Array(KERNEL) })
  const answer = await agent.fetch('/metrics')
  t.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  const text = await answer.text()
  t.match(text, `\nfauxboot_uploaded_bytes_total ${KERNEL.length}\n`)
  t.match(text, '\nfauxboot_agent_info{version="1.2.3"} 1\n')
  for (const line of text.trimEnd().split('\n')) {
    t.match(line, /^(# (HELP|TYPE) fauxboot_\w+ .+|fauxboot_\w+(\{\w+="[^"]*"\})? [\d.e+-]+)$/)
  }
})

t.test('metrics count the damaged input of the serial line', async t => {
  const damage = { overrun: 3, frame: 0, parity: 0, break: 1 }
  const host = {
    consoleLine: async () => ({ tty: 'ttyS0', baud: 115200, node: null }),
    serialDamage: async () => damage,
  }
  const agent = await startAgent(t, { host })
  t.match(await (await agent.fetch('/metrics')).text(), '\nfauxboot_serial_damage_total{kind="overrun"} 3\n')
})

t.test('a route that does not exist is an error of the table', async t => {
  const agent = await startAgent(t)
  t.match(await agent.refused('/v2/jobs?x=1'), {
    code: 'HTTP_ROUTE',
    statusCode: 404,
    details: { method: 'GET', path: '/v2/jobs' },
  })
  t.match(await agent.refused('/v1/board', { method: 'DELETE' }), { code: 'HTTP_ROUTE' })
  t.match(await agent.refused('/v1/board', asJson({})), { code: 'HTTP_ROUTE' })
})

t.test('a path that cannot be decoded is an error of the table', async t => {
  const agent = await startAgent(t)
  t.match(await agent.refused('/v1/jobs/%zz'), { code: 'HTTP_REQUEST', statusCode: 400 })
})

t.test('bytes that are not HTTP get an error of the table', async t => {
  const agent = await startAgent(t)
  const nonsense = [
    'hello there\r\n\r\n',
    'GET / HTTP/1.1\r\nbad header\r\n\r\n',
    `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
  ]
  for (const text of nonsense) {
    const socket = await dial(t, agent)
    socket.write(text)
    const answer = await readUntil(socket, /\}$/)
    t.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/)
    t.match(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))), { code: 'HTTP_REQUEST', statusCode: 400 })
  }
})

t.test('an error outside the table becomes INTERNAL, and its cause is logged', async t => {
  const cause = new Error('the sensor fell off')
  const agent = await startAgent(t, { host: { model: async () => Promise.reject(cause) } })
  const error = await agent.refused('/v1/board')
  t.match(error, { code: 'INTERNAL', statusCode: 500 })
  t.match(error.message, 'the sensor fell off')
  const logged = agent.lines.filter(line => line.level === 50)
  t.match(logged, [{ code: 'INTERNAL', err: { message: 'the sensor fell off', stack: /server\.test/ } }])
})

t.test('a token in a query is not logged, and no error shows it', async t => {
  const agent = await startAgent(t, { host: { model: async () => Promise.reject(new Error('no model')) } })
  const urls = ['/v1/board', '/v1/jobs/x', '/nowhere', '/docs/json', '/v1/jobs/x/events']
  for (const url of urls) t.notMatch(await (await agent.fetch(`${url}?token=secret`)).text(), /secret/, url)
  await agent.fetch('/v1/artifacts/x?access_token=secret', { method: 'PUT', body: 'x' })
  await agent.fetch('/v1/artifacts/x', { method: 'PUT', body: 'x' })
  await agent.fetch('/v1/artifacts/x?token=secret', { method: 'DELETE' })
  await agent.fetch('/v1/jobs')
  t.notMatch(JSON.stringify(agent.lines), /secret/)
  t.match(JSON.stringify(agent.lines), '/v1/artifacts/x"')
})

t.test('a body in a transfer coding other than chunked is refused', async t => {
  const agent = await startAgent(t)
  const put = (coding: string) =>
    `PUT /v1/artifacts/x HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: ${coding}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`
  const socket = await dial(t, agent)
  for (const coding of ['gzip, chunked', 'identity, chunked']) {
    socket.write(put(coding))
    t.match(await readUntil(socket, /\}\}$/), /^HTTP\/1\.1 501 Not Implemented[\s\S]*"HTTP_TRANSFER_CODING"/)
  }
  t.same(await agent.boot.artifacts.list(), [])
  socket.write(put('Chunked'))
  t.match(await readUntil(socket, /\}$/), /^HTTP\/1\.1 201 Created/, 'the connection is still good')
})

t.test('changes are logged, reading is not', async t => {
  const agent = await startAgent(t)
  await agent.fetch('/v1/jobs')
  await agent.fetch('/v1/artifacts/x', { method: 'PUT', body: 'x' })
  await agent.fetch('/v1/artifacts/x', { method: 'HEAD' })
  // A request is logged when its answer is out; the next one comes after it on the same connection.
  await agent.fetch('/v1/jobs')
  const logged = agent.lines.filter(line => line.msg === 'changed')
  t.match(logged, [{ method: 'PUT', url: '/v1/artifacts/x', statusCode: 201, ip: '127.0.0.1' }])
  t.equal(logged.length, 1)
})

t.test('a client that stops amid its upload is disconnected', async t => {
  const agent = await startAgent(t, { http: { idleSeconds: 0.05 } })
  // On a busy machine the time may be over before the agent has read a byte; another client begins again.
  do {
    const socket = await dial(t, agent)
    socket.write('PUT /v1/artifacts/x HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10\r\n\r\nhello')
    await once(socket.resume(), 'close')
  } while ((await agent.boot.artifacts.list())[0]?.received !== 5)
})

t.test('the documents are made when they are asked for, and cover every route', async t => {
  const agent = await startAgent(t, { firstStage: () => boardWithCard(t).firstStage })
  const { status, body } = await agent.json<{ openapi: string; paths: Record<string, object> }>('/docs/json')
  t.equal(status, 200)
  t.equal(body.openapi, '3.1.0')
  const methods = Object.entries(body.paths).map(([path, operations]) => `${path} ${Object.keys(operations).sort()}`)
  t.same(methods.sort(), [
    '/healthz get',
    '/metrics get',
    '/v1/artifacts get',
    '/v1/artifacts/{name} delete,get,head,put',
    '/v1/board get',
    '/v1/board/dtb get',
    '/v1/first-stage get,put',
    '/v1/first-stage/confirm post',
    '/v1/first-stage/restart post',
    '/v1/jobs get,post',
    '/v1/jobs/{id} delete,get',
    '/v1/jobs/{id}/events get',
    '/v1/jobs/{id}/log get',
    '/v1/jobs/{id}/plan get',
  ])
  const page = await agent.fetch('/docs')
  t.equal(page.status, 200)
  t.match(page.headers.get('content-type'), 'text/html')
  t.match(await page.text(), 'swagger-ui')
  const script = await agent.fetch('/docs/static/swagger-ui-bundle.js')
  t.match(script.headers.get('content-type'), 'javascript')
  t.equal(Number(script.headers.get('content-length')), (await script.arrayBuffer()).byteLength)
  t.equal((await agent.fetch('/docs/static/none.js')).status, 404)
})

t.test('eight documents are sent at a time, because each is in memory until it is sent', async t => {
  const { server } = await startAgent(t)
  for (const round of ['first', 'second']) {
    const answers = await Promise.all(Array.from({ length: 9 }, () => server.inject('/docs/json')))
    t.same(
      answers.map(({ statusCode }) => statusCode),
      [200, 200, 200, 200, 200, 200, 200, 200, 503],
      round,
    )
    t.match(answers.at(-1)?.json(), { code: 'HTTP_BUSY' })
  }
})

t.test('whatever is sent, the answer is of the table and the agent lives', async t => {
  const agent = await startAgent(t)
  const codes = Object.keys(ERRORS)
  const methods = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD')
  const word = fc.oneof(fc.constantFrom('v1', 'jobs', 'artifacts', 'plan', 'events', 'x', '..', '%00'), fc.string())
  const path = fc.array(word, { maxLength: 4 }).map(words => `/${words.map(encodeURI).join('/')}`)
  const types = fc.constantFrom(
    'application/json',
    'application/yaml',
    'application/zip',
    'multipart/form-data; boundary=b',
    '',
  )
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
  )
  await fc.assert(
    fc.asyncProperty(methods, path, types, body, async (method, url, type, payload) => {
      const headers = type === '' ? {} : { 'content-type': type }
      const sent = method === 'GET' || method === 'HEAD' ? {} : { payload }
      const { statusCode, body: answer } = await agent.server.inject({ method, url, headers, ...sent })
      if (statusCode < 400 || method === 'HEAD') return
      const { code } = JSON.parse(answer) as { code: string }
      if (!codes.includes(code) || code === 'INTERNAL') throw new Error(`${method} ${url}: ${answer}`)
    }),
    { numRuns: 300 },
  )
  t.equal((await agent.fetch('/healthz')).status, 200)
})
