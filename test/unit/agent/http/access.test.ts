import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startAgent } from './agent-fixture.js'

const CHANGE = { method: 'PUT', url: '/v1/artifacts/x', payload: 'x' } as const
const withToken = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

t.test('without a token anybody may read', async t => {
  const { server } = await startAgent(t)
  for (const url of ['/healthz', '/v1/jobs', '/v1/artifacts', '/v1/board', '/metrics', '/docs/json']) {
    const { statusCode } = await server.inject({ url, remoteAddress: '192.0.2.1' })
    t.equal(statusCode, 200, url)
  }
})

t.test('without a token only loopback may change anything', async t => {
  const { server } = await startAgent(t)
  for (const remoteAddress of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
    t.equal((await server.inject({ ...CHANGE, remoteAddress })).statusCode, 201, remoteAddress)
  }
  for (const remoteAddress of ['10.0.2.2', '128.0.0.1', '::2', '::ffff:10.0.2.2', 'fe80::1']) {
    const answer = await server.inject({ ...CHANGE, remoteAddress })
    t.equal(answer.statusCode, 403, remoteAddress)
    t.match(answer.json(), {
      code: 'AUTH_LOOPBACK',
      details: {
        remedy: `you come from ${remoteAddress}: configure tokenFile, or list your network in allowNetworks`,
      },
    })
  }
})

t.test('each way to change something is refused alike, routes that do not exist too', async t => {
  const { server, boot } = await startAgent(t)
  const changes = [
    ['POST', '/v1/jobs'],
    ['DELETE', '/v1/jobs/x'],
    ['PUT', '/v1/artifacts/x'],
    ['DELETE', '/v1/artifacts/x'],
    ['POST', '/nowhere'],
    ['PATCH', '/v1/jobs'],
  ] as const
  for (const [method, url] of changes) {
    const answer = await server.inject({ method, url, payload: 'x', remoteAddress: '10.0.2.2' })
    t.equal(answer.statusCode, 403, `${method} ${url}`)
  }
  t.same(await boot.artifacts.list(), [])
})

t.test('a header of a proxy does not make a client local', async t => {
  const { server } = await startAgent(t)
  const headers = { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1', 'x-real-ip': '127.0.0.1' }
  t.equal((await server.inject({ ...CHANGE, headers, remoteAddress: '10.0.2.2' })).statusCode, 403)
})

t.test('networks that are listed may change things too', async t => {
  const { server } = await startAgent(t, { http: { allowNetworks: ['10.0.2.0/24', 'fd00::/8'] } })
  for (const remoteAddress of ['10.0.2.2', '::ffff:10.0.2.255', 'fd12::1', '127.0.0.1']) {
    t.equal((await server.inject({ ...CHANGE, remoteAddress })).statusCode, 201, remoteAddress)
  }
  for (const remoteAddress of ['10.0.3.1', '::ffff:10.0.1.255', 'fe00::1']) {
    t.equal((await server.inject({ ...CHANGE, remoteAddress })).statusCode, 403, remoteAddress)
  }
})

t.test('a page of another host may not use a browser in a trusted network', async t => {
  const { server } = await startAgent(t, { http: { hostNames: ['a80'] } })
  const from = (origin: string, host = 'a80:8080') => server.inject({ ...CHANGE, headers: { origin, host } })
  t.equal((await from('http://a80:8080')).statusCode, 201, 'a page of the board itself may')
  for (const origin of ['http://evil.example', 'http://a80:9090', 'null', 'nonsense']) {
    const answer = await from(origin)
    t.equal(answer.statusCode, 403, origin)
    t.match(answer.json(), { code: 'AUTH_ORIGIN', details: { origin, host: 'a80:8080' } })
  }
})

t.test('without a token, a name that others own may not stand for the board', async t => {
  const { server, boot } = await startAgent(t, { http: { hostNames: ['a80.lab'] } })
  const sent = (host: string) => server.inject({ ...CHANGE, headers: { host, origin: `http://${host}` } })
  for (const host of [
    'rebound.example',
    'rebound.example:8080',
    '1.2.3.4.example',
    'localhost.example',
    'a80.lab.example',
  ]) {
    const answer = await sent(host)
    t.equal(answer.statusCode, 403, host)
    t.match(answer.json(), { code: 'AUTH_HOST', details: { host: host.replace(/:\d+$/, '') } })
  }
  t.match((await server.inject({ ...CHANGE, headers: { host: ':8080' } })).json(), { code: 'AUTH_HOST' })
  t.same(await boot.artifacts.list(), [])
  for (const host of [
    '127.0.0.1:8080',
    '10.0.2.15',
    '[::1]:8080',
    '[fe80::1]',
    'localhost',
    'LocalHost:8080',
    'A80.lab:8080',
  ])
    t.equal((await sent(host)).statusCode, 201, host)
})

t.test('with a token, its holder may change things from anywhere', async t => {
  const tokenFile = join(t.testdir({ token: '  secret\n' }), 'token')
  const { server } = await startAgent(t, { http: { tokenFile } })
  for (const authorization of ['Bearer secret', 'bearer  secret ']) {
    const answer = await server.inject({ ...CHANGE, headers: { authorization }, remoteAddress: '192.0.2.1' })
    t.equal(answer.statusCode, 201, authorization)
  }
  const evil = { authorization: 'Bearer secret', origin: 'http://evil.example' }
  t.equal((await server.inject({ ...CHANGE, headers: evil })).statusCode, 201, 'no page knows the token by itself')
})

t.test('with a token nobody may change anything without it, not even loopback or a listed network', async t => {
  const tokenFile = join(t.testdir({ token: 'secret' }), 'token')
  const { server } = await startAgent(t, { http: { tokenFile, allowNetworks: ['10.0.2.0/24'] } })
  const missing: Record<string, string>[] = [{}, { authorization: 'Basic c2VjcmV0' }, { authorization: 'Bearer' }]
  for (const headers of missing) {
    for (const remoteAddress of ['127.0.0.1', '10.0.2.2']) {
      const answer = await server.inject({ ...CHANGE, headers, remoteAddress })
      t.equal(answer.statusCode, 401)
      t.equal(answer.headers['www-authenticate'], 'Bearer')
      t.match(answer.json(), { code: 'AUTH_REQUIRED' })
    }
  }
  for (const token of ['wrong', 'secre', 'secretx', 'SECRET']) {
    const answer = await server.inject({ ...CHANGE, ...withToken(token) })
    t.equal(answer.statusCode, 401, token)
    t.match(answer.json(), { code: 'AUTH_TOKEN' })
  }
})

t.test('with a token, reading stays open unless a setting closes it', async t => {
  const tokenFile = join(t.testdir({ token: 'secret' }), 'token')
  const open = await startAgent(t, { http: { tokenFile } })
  t.equal((await open.server.inject('/v1/jobs')).statusCode, 200)
  const closed = await startAgent(t, { http: { tokenFile, tokenForReads: true } })
  for (const url of ['/v1/jobs', '/v1/board', '/metrics', '/docs', '/nowhere']) {
    t.match((await closed.server.inject(url)).json(), { code: 'AUTH_REQUIRED' }, url)
  }
  t.equal((await closed.server.inject({ url: '/v1/jobs', ...withToken('secret') })).statusCode, 200)
  t.equal((await closed.server.inject('/healthz')).statusCode, 200, 'whoever supervises the board needs no token')
  t.equal((await closed.server.inject('/healthz?x=1')).statusCode, 200)
})

t.test('a token that is changed is valid at once', async t => {
  const tokenFile = join(t.testdir({ token: 'old' }), 'token')
  const { server } = await startAgent(t, { http: { tokenFile } })
  t.equal((await server.inject({ ...CHANGE, ...withToken('old') })).statusCode, 201)
  writeFileSync(tokenFile, 'new\n')
  t.equal((await server.inject({ ...CHANGE, ...withToken('old') })).statusCode, 401)
  t.equal((await server.inject({ ...CHANGE, ...withToken('new') })).statusCode, 201)
})

t.test('a token file that is gone or empty lets nobody in', async t => {
  const tokenFile = join(t.testdir({ token: 'secret' }), 'token')
  const { server } = await startAgent(t, { http: { tokenFile } })
  writeFileSync(tokenFile, ' \n')
  for (const token of ['secret', '']) {
    t.match((await server.inject({ ...CHANGE, ...withToken(token) })).json(), { code: 'CONFIG_INVALID' })
  }
  rmSync(tokenFile)
  const answer = await server.inject({ ...CHANGE, ...withToken('secret') })
  t.match(answer.json(), { code: 'CONFIG_INVALID', message: /^setting tokenFile: the file cannot be read: ENOENT/ })
  t.equal(answer.statusCode, 500)
})
