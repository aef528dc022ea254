import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { fetchHttp } from '../../../../../agent/transfer/http/fetch.js'
import { breakOff, inTurn, MemorySink, patternBytes, serve, sha256, wholeFile } from '../fixture.js'
import { AT_ONCE, FILE, failure, status } from './http-fixture.js'

t.test('a connection that breaks off is taken up where it broke', async t => {
  const validators: Record<string, string>[] = [{ etag: '"v1"' }, { 'last-modified': 'Tue, 14 Apr 2020 08:00:00 GMT' }]
  for (const validator of validators) {
    const answers = inTurn(breakOff(FILE, 100_000, validator), wholeFile(FILE, validator))
    const retries: unknown[] = []
    const sink = new MemorySink()
    const { sha256: digest } = await fetchHttp(await serve(t, answers), sink, {
      ...AT_ONCE,
      onRetry: (attempt, error) => retries.push([attempt, error.code]),
    })
    t.equal(digest, sha256(FILE))
    t.ok(sink.bytes.equals(FILE))
    t.equal(sink.resets, 0)
    t.match(answers.requests[1]?.headers.range, /^bytes=\d+-$/)
    t.equal(answers.requests[1]?.headers['if-range'], Object.values(validator)[0])
    t.same(retries, [[1, 'FETCH_NETWORK']])
  }
})

t.test('a file that changed between two attempts is fetched anew from its first byte', async t => {
  const changed = patternBytes(300_000, 7)
  const answers = inTurn(breakOff(FILE, 100_000, { etag: '"v1"' }), wholeFile(changed, { etag: '"v2"' }))
  const sink = new MemorySink()
  const { sha256: digest } = await fetchHttp(await serve(t, answers), sink, AT_ONCE)
  t.equal(digest, sha256(changed))
  t.ok(sink.bytes.equals(changed))
  t.equal(sink.resets, 1)
})

t.test('a server that ignores Range, or gives no strong validator, sends the file anew', async t => {
  for (const [headers, asked] of [
    [{ etag: '"v1"' }, true],
    [{ etag: 'W/"weak"' }, false],
    [{}, false],
  ] as const) {
    const answers = inTurn(breakOff(FILE, 100_000, headers), (_request, response) => {
      response.writeHead(200, { 'content-length': FILE.length }).end(FILE)
    })
    const sink = new MemorySink()
    await fetchHttp(await serve(t, answers), sink, AT_ONCE)
    t.equal(answers.requests[1]?.headers.range !== undefined, asked)
    t.ok(sink.bytes.equals(FILE))
    t.equal(sink.resets, 1)
  }
})

t.test('parts that do not fit together are never joined', async t => {
  const part =
    (range: string, extra: Record<string, string> = {}): RequestListener =>
    (request, response) => {
      const start = /\d+/.exec(request.headers.range ?? '')?.[0] ?? ''
      const rest = FILE.subarray(Number(start))
      response.writeHead(206, { 'content-range': range.replace('START', start), ...extra }).end(rest)
    }
  const wrong: Record<string, RequestListener> = {
    'another first byte': part('bytes 5-299999/300000'),
    'another size': part('bytes START-299998/299999'),
    'another version': part('bytes START-299999/300000', { etag: '"v2"' }),
    'no range': part(''),
    'a last byte before the first': part('bytes START-0/300000'),
    'a last byte beyond the size': part('bytes START-300000/300000'),
  }
  for (const [name, listener] of Object.entries(wrong)) {
    const answers = inTurn(breakOff(FILE, 100_000, { etag: '"v1"' }), listener, wholeFile(FILE, { etag: '"v1"' }))
    const sink = new MemorySink()
    const retries: string[] = []
    await fetchHttp(await serve(t, answers), sink, {
      ...AT_ONCE,
      onRetry: (_attempt, error) => retries.push(error.code),
    })
    t.same(retries, ['FETCH_NETWORK', 'FETCH_RANGE'], name)
    t.ok(sink.bytes.equals(FILE), name)
    const again = inTurn(breakOff(FILE, 100_000, { etag: '"v1"' }), listener)
    const error = await failure(fetchHttp(await serve(t, again), new MemorySink(), { ...AT_ONCE, retries: 1 }))
    t.equal(error.code, 'FETCH_RANGE', name)
  }
})

t.test('a part whose total is not told is joined', async t => {
  const answers = inTurn(breakOff(FILE, 100_000, { etag: '"v1"' }), (request, response) => {
    const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0])
    response.writeHead(206, { 'content-range': `bytes ${start}-299999/*` }).end(FILE.subarray(start))
  })
  const sink = new MemorySink()
  await fetchHttp(await serve(t, answers), sink, AT_ONCE)
  t.ok(sink.bytes.equals(FILE))
})

t.test('a part shorter than it claims is completed by another attempt', async t => {
  const etag = { etag: '"v1"' }
  const answers = inTurn(
    breakOff(FILE, 100_000, etag),
    (request, response) => {
      const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0])
      response
        .writeHead(206, { 'content-range': `bytes ${start}-299999/300000`, 'content-length': 1000, ...etag })
        .end(FILE.subarray(start, start + 1000))
    },
    wholeFile(FILE, etag),
  )
  const sink = new MemorySink()
  const reasons: string[] = []
  await fetchHttp(await serve(t, answers), sink, { ...AT_ONCE, onRetry: (_, error) => reasons.push(error.message) })
  t.match(reasons[1], /the server sent \d+ of 300000 bytes/)
  t.ok(sink.bytes.equals(FILE))
})

t.test('a file that has become shorter than what is here is fetched anew', async t => {
  const short = patternBytes(50_000, 3)
  const answers = inTurn(breakOff(FILE, 100_000, { etag: '"v1"' }), status(416), wholeFile(short, { etag: '"v2"' }))
  const sink = new MemorySink()
  const { sha256: digest } = await fetchHttp(await serve(t, answers), sink, AT_ONCE)
  t.equal(digest, sha256(short))
  t.ok(sink.bytes.equals(short))
})

t.test('statuses that may get better are tried again, the others are final', async t => {
  for (const code of [408, 425, 429, 500, 502, 503]) {
    const answers = inTurn(status(code, { 'retry-after': '0' }), wholeFile(FILE))
    await fetchHttp(await serve(t, answers), new MemorySink(), AT_ONCE)
    t.equal(answers.requests.length, 2, `${code}`)
  }
  for (const code of [204, 206, 300, 304, 400, 401, 403, 404, 410, 416]) {
    const answers = inTurn(status(code), wholeFile(FILE))
    const sink = new MemorySink()
    const error = await failure(fetchHttp(await serve(t, answers), sink, AT_ONCE))
    t.equal(error.code, 'FETCH_STATUS', `${code}`)
    t.equal(error.details.status, code)
    t.equal(answers.requests.length, 1, `${code}`)
    t.same(sink.chunks, [])
  }
})

t.test('attempts are bounded, and the last failure is the one reported', async t => {
  const answers = inTurn(breakOff(FILE, 10), status(503))
  const error = await failure(fetchHttp(await serve(t, answers), new MemorySink(), { ...AT_ONCE, retries: 2 }))
  t.equal(error.code, 'FETCH_STATUS')
  t.match(error.message, /503 Service Unavailable/)
  t.equal(answers.requests.length, 3)
})

t.test('Retry-After lengthens the pause before the next attempt', async t => {
  const answers = inTurn(status(503, { 'retry-after': '7' }), status(503, { 'retry-after': 'tomorrow' }))
  const asked: number[] = []
  const abort = new AbortController()
  const pending = fetchHttp(await serve(t, answers), new MemorySink(), {
    limit: 10,
    backoff: attempt => {
      asked.push(attempt)
      return 0
    },
    signal: abort.signal,
    onRetry: () => setImmediate(() => abort.abort(new Error('seven seconds are too long'))),
  })
  await t.rejects(pending, { message: 'seven seconds are too long' })
  t.same(asked, [1])
})

t.test('a server that dies in mid-body, is away, and comes back at its port costs attempts, and no byte', async t => {
  const etag = { etag: '"v1"' }
  let server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': FILE.length, ...etag })
    // A reset, and then nobody listens.
    response.write(FILE.subarray(0, 100_000), () => setImmediate(() => response.socket?.resetAndDestroy()))
    server.close()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const refused: string[] = []
  const sink = new MemorySink()
  const comeBack = (): void => {
    server = createServer(wholeFile(FILE, etag)).listen(port, '127.0.0.1')
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
  }
  await fetchHttp(`http://127.0.0.1:${port}/`, sink, {
    ...AT_ONCE,
    onRetry(attempt, error) {
      refused.push(error.message)
      if (attempt === 3) comeBack()
    },
  })
  t.ok(sink.bytes.equals(FILE))
  t.equal(sink.resets, 0, 'what had come is kept')
  t.match(refused[0], /the connection broke off \(ECONNRESET\) after \d+ bytes/)
  t.match(refused[1], /the connection was refused \(ECONNREFUSED\)/)
  t.equal(refused.length, 3)
})
