import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { startAgent, type TestAgent } from '../agent-fixture.js'

const HTML = '<!doctype html><title>x</title>'

async function startWithPage(t: Test, html = HTML): Promise<TestAgent> {
  const pageDirectory = t.testdir({})
  writeFileSync(join(pageDirectory, 'index.html.gz'), gzipSync(html))
  writeFileSync(join(pageDirectory, 'main-ABC.js.gz'), gzipSync('"script"'))
  writeFileSync(join(pageDirectory, 'other-ABC.gz'), gzipSync('?'))
  mkdirSync(join(pageDirectory, 'folder'))
  return startAgent(t, { pageDirectory, http: { tokenFile: join(pageDirectory, 'token'), tokenForReads: true } })
}

t.test('the page comes packed, and only its own files may run or be shown in it', async t => {
  const { url } = await startWithPage(t)
  const answer = await fetch(`${url}/`)
  t.equal(await answer.text(), HTML)
  t.equal(answer.headers.get('content-encoding'), 'gzip')
  t.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8')
  t.equal(answer.headers.get('cache-control'), 'no-cache')
  const policy = answer.headers.get('content-security-policy') ?? ''
  t.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/)
  t.match(policy, /frame-ancestors 'none'/)
  t.notMatch(policy, /unsafe|http|\*/)
  t.equal(answer.headers.get('x-content-type-options'), 'nosniff')
})

t.test('who does not unpack gets the page unpacked', async t => {
  const { server } = await startWithPage(t)
  const answer = await server.inject({ url: '/', headers: { 'accept-encoding': 'identity' } })
  t.equal(answer.body, HTML)
  t.equal(answer.headers['content-encoding'], undefined)
})

t.test('a browser that has the page gets 304; a page that has changed is sent again', async t => {
  const { server } = await startWithPage(t)
  const { headers } = await server.inject({ url: '/' })
  const again = { 'if-none-match': String(headers.etag) }
  t.equal((await server.inject({ url: '/', headers: again })).statusCode, 304)
  const newer = await startWithPage(t, HTML.replace('x', 'y'))
  t.equal((await newer.server.inject({ url: '/', headers: again })).statusCode, 200, 'although it is as long')
})

t.test('files with digests in their names are kept for ever', async t => {
  const { server } = await startWithPage(t)
  const { headers, statusCode } = await server.inject({ url: '/page/main-ABC.js' })
  t.equal(statusCode, 200)
  t.equal(headers['content-type'], 'text/javascript; charset=utf-8')
  t.match(headers['cache-control'], 'immutable')
  const { headers: other } = await server.inject({ url: '/page/other-ABC' })
  t.equal(other['content-type'], 'application/octet-stream')
})

t.test('the page is there without the token, because it asks for it; what it shows is not', async t => {
  const { server } = await startWithPage(t)
  t.equal((await server.inject({ url: '/' })).statusCode, 200)
  t.equal((await server.inject({ url: '/page/main-ABC.js' })).statusCode, 200)
  for (const url of ['/v1/board', '/v1/board/dtb', '/v1/jobs', '/pages', '/docs'])
    t.not((await server.inject({ url })).statusCode, 200, url)
})

t.test('no name leads out of the folder of the page', async t => {
  const { refused } = await startWithPage(t)
  const names = ['folder', 'main-ABC.js.gz', '..%2F..%2Fetc%2Fpasswd', '__proto__', '.gz']
  for (const name of names) t.equal((await refused(`/page/${name}`)).code, 'HTTP_ROUTE', name)
})

t.test('an agent without a page serves its API', async t => {
  const { refused } = await startAgent(t, { pageDirectory: join(t.testdir({}), 'none') })
  t.equal((await refused('/')).code, 'HTTP_ROUTE')
})

t.test('an unreadable folder of the page is an error of the board', async t => {
  const file = join(t.testdir({ file: '' }), 'file')
  const { refused } = await startAgent(t, { pageDirectory: file })
  t.equal((await refused('/')).statusCode, 500)
})

t.test('a file of the page that is gone is an error of the board', async t => {
  const pageDirectory = t.testdir({})
  const file = join(pageDirectory, 'index.html.gz')
  writeFileSync(file, gzipSync(HTML))
  const agent = await startAgent(t, { pageDirectory })
  t.equal((await agent.fetch('/')).status, 200)
  rmSync(file)
  t.equal((await agent.refused('/')).code, 'INTERNAL')
  t.equal((await agent.fetch('/healthz')).status, 200)
})

t.test('the device tree of the running kernel can be read; without one the answer is empty', async t => {
  const agent = await startAgent(t)
  const answer = await agent.fetch('/v1/board/dtb')
  t.equal(answer.headers.get('content-type'), 'application/octet-stream')
  t.strictSame(new Uint8Array(await answer.arrayBuffer()).subarray(0, 4), new Uint8Array([0xd0, 0x0d, 0xfe, 0xed]))
  const bare = await startAgent(t, { host: { runningDtb: async () => null } })
  t.equal((await bare.fetch('/v1/board/dtb')).status, 204)
})
