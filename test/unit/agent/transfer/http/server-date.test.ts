import type { RequestListener } from 'node:http'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { fetchHttp } from '../../../../../agent/transfer/http/fetch.js'
import { parseDate, serverDate } from '../../../../../agent/transfer/http/server-date.js'
import { MemorySink, serve, wholeFile } from '../fixture.js'
import { cert, futureCert, key } from './certificate.js'
import { AT_ONCE, FILE, failure, serveTls } from './http-fixture.js'

const DATE = 'Wed, 01 Jun 2118 12:00:00 GMT'

/** A file server over TLS, with a certificate that is not yet valid unless another is given, and all that it is asked. */
async function dateServer(t: Test, certificate = futureCert) {
  const asked: string[] = []
  const file = wholeFile(FILE)
  const listener: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? 'without a password'}`)
    response.setHeader('date', DATE)
    file(request, response)
  }
  const { url, server } = await serveTls(t, certificate, listener)
  return { url, server, asked }
}

t.test('a clock that can be set by the Date of the server makes its certificate valid', async t => {
  const { url, server, asked } = await dateServer(t)
  // The URL leads to the server over a redirect, so its host is not the server's.
  const start = await serve(t, (_request, response) =>
    response.writeHead(302, { location: url.replace('//', '//lab:s3cret@').concat('/zImage?key=1') }).end(),
  )
  const times: (Date | string)[] = []
  const sink = new MemorySink()
  await fetchHttp(start, sink, {
    ...AT_ONCE,
    ca: cert + futureCert,
    async advanceClock(to, host) {
      times.push(to, host)
      // No test sets the clock; the server takes a certificate that is valid now.
      server.setSecureContext({ cert, key })
      return true
    },
  })
  t.ok(sink.bytes.equals(FILE))
  t.same(times, [new Date(DATE), new URL(url).host])
  t.match(asked, ['HEAD / without a password', /^GET \/zImage\?key=1 Basic /], 'who is not verified learns nothing')
})

t.test('the certificate is verified again at the new time, and once only', async t => {
  const { url, asked } = await dateServer(t)
  let calls = 0
  const advanceClock = async () => ++calls > 0
  const error = await failure(fetchHttp(url, new MemorySink(), { ...AT_ONCE, ca: futureCert, advanceClock }))
  t.equal(error.code, 'FETCH_CLOCK')
  t.equal(calls, 1)
  t.equal(asked.length, 1)
})

t.test('a clock that stays as it is leaves the error of the certificate', async t => {
  const { url } = await dateServer(t)
  const advanceClock = async () => false
  const error = await failure(fetchHttp(url, new MemorySink(), { ...AT_ONCE, ca: futureCert, advanceClock }))
  t.equal(error.code, 'FETCH_CLOCK')
})

t.test('no other error asks a server for its time', async t => {
  const { url, asked } = await dateServer(t, cert)
  const advanceClock = async () => t.fail('the clock is no remedy')
  await failure(fetchHttp(url, new MemorySink(), { ...AT_ONCE, retries: 0, advanceClock }))
  t.same(asked, [])
})

t.test('a server that sends no date, or nothing, has no time', async t => {
  const silent = await serveTls(t, cert, (_request, response) => {
    response.sendDate = false
    response.end()
  })
  t.equal(await serverDate(new URL(silent.url).host, {}), null)
  t.equal(await serverDate('localhost:1', {}), null)
})

t.test('a question for the time ends when the transfer is cancelled', async t => {
  const mute = createServer(() => {}).listen(0, '127.0.0.1')
  t.teardown(() => mute.close())
  await new Promise(resolve => mute.once('listening', resolve))
  const address = mute.address()
  const abort = new AbortController()
  mute.once('connection', socket => {
    t.teardown(() => socket.destroy())
    abort.abort(new Error('enough'))
  })
  const port = typeof address === 'object' ? address?.port : 0
  await t.rejects(serverDate(`127.0.0.1:${port}`, { signal: abort.signal }), { message: 'enough' })
})

t.test('a date has the one form that servers send', async t => {
  t.same(parseDate('Sun, 06 Nov 1994 08:49:37 GMT'), new Date('1994-11-06T08:49:37Z'))
  for (const text of [
    undefined,
    '',
    '1994-11-06T08:49:37Z',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun, 99 Nov 1994 08:49:37 GMT',
  ]) {
    t.equal(parseDate(text), null, text ?? 'no header')
  }
})
