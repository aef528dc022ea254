import type { RequestListener } from 'node:http'
import t from 'tap'
import { FauxbootError } from '../../../../../agent/errors.js'
import { networkFailure } from '../../../../../agent/transfer/failure.js'
import { type FetchOptions, fetchHttp } from '../../../../../agent/transfer/http/fetch.js'
import { inTurn, MemorySink, serve, sha256, wholeFile } from '../fixture.js'
import { cert, futureCert } from './certificate.js'
import { AT_ONCE, FILE, failure, serveTls, status } from './http-fixture.js'

t.test('a file arrives whole, with its size, digest and progress', async t => {
  const origin = await serve(t, wholeFile(FILE))
  const sink = new MemorySink()
  const progress: [number, number | null][] = []
  const fetched = await fetchHttp(`${origin}/zImage`, sink, {
    limit: FILE.length,
    onProgress: (...step) => progress.push(step),
  })
  t.same(fetched, { size: FILE.length, sha256: sha256(FILE), url: `${origin}/zImage` })
  t.ok(sink.bytes.equals(FILE))
  t.same(progress.at(-1), [FILE.length, FILE.length])
  t.same(
    progress.map(([received]) => received),
    progress.map(([received]) => received).toSorted((a, b) => a - b),
  )
})

t.test('a file whose size the server does not tell arrives whole', async t => {
  const origin = await serve(t, (_request, response) => {
    response.write(FILE.subarray(0, 100_000))
    response.end(FILE.subarray(100_000))
  })
  const sink = new MemorySink()
  const sizes = new Set<number | null>()
  const { size } = await fetchHttp(origin, sink, { ...AT_ONCE, onProgress: (_, size) => sizes.add(size) })
  t.equal(size, FILE.length)
  t.ok(sink.bytes.equals(FILE))
  t.same([...sizes], [null])
})

t.test('an empty file is a file', async t => {
  const origin = await serve(t, wholeFile(Buffer.alloc(0)))
  t.same(await fetchHttp(origin, new MemorySink(), AT_ONCE), {
    size: 0,
    sha256: sha256(Buffer.alloc(0)),
    url: `${origin}/`,
  })
})

t.test('the file is asked for as it is: a digest is that of the file, not of its encoding', async t => {
  const answers = inTurn(wholeFile(FILE, { 'content-encoding': 'gzip' }))
  const { sha256: digest } = await fetchHttp(await serve(t, answers), new MemorySink(), AT_ONCE)
  t.equal(answers.requests[0]?.headers['accept-encoding'], 'identity')
  t.equal(digest, sha256(FILE))
})

t.test('user and password of a URL are sent, and never shown', async t => {
  const answers = inTurn(status(404))
  const origin = await serve(t, answers)
  const error = await failure(
    fetchHttp(origin.replace('//', '//lab:s3cret@'), new MemorySink(), { ...AT_ONCE, retries: 0 }),
  )
  t.equal(answers.requests[0]?.headers.authorization, `Basic ${Buffer.from('lab:s3cret').toString('base64')}`)
  t.notMatch(error.message, /s3cret/)
  t.match(error.message, /http:\/\/\*\*\*@/)
})

t.test('a server that stalls is named with what it had sent, at every stage', async t => {
  const stages: Record<string, [RequestListener, number]> = {
    'before the answer': [() => {}, 0],
    'after the head': [
      (_request, response) => {
        response.writeHead(200, { 'content-length': 10 })
        response.flushHeaders()
      },
      0,
    ],
    'in the body': [
      (_request, response) => {
        response.writeHead(200, { 'content-length': 10 })
        response.write('123')
      },
      3,
    ],
  }
  for (const [name, [listener, received]] of Object.entries(stages)) {
    const error = await failure(
      fetchHttp(await serve(t, listener), new MemorySink(), { limit: 100, retries: 0, stallSeconds: 0.1 }),
    )
    t.equal(error.code, 'FETCH_STALLED', name)
    t.same([error.details.seconds, error.details.received], [0.1, received], name)
  }
})

t.test('a stalled transfer is taken up where it stalled', async t => {
  const etag = { etag: '"v1"' }
  const answers = inTurn(
    (_request, response) => {
      response.writeHead(200, { 'content-length': FILE.length, ...etag })
      response.write(FILE.subarray(0, 1000))
    },
    wholeFile(FILE, etag),
  )
  const sink = new MemorySink()
  await fetchHttp(await serve(t, answers), sink, { ...AT_ONCE, stallSeconds: 0.1 })
  t.equal(answers.requests[1]?.headers.range, 'bytes=1000-')
  t.ok(sink.bytes.equals(FILE))
})

t.test('a slow sink is waited for: it is not the server that stalls', async t => {
  const origin = await serve(t, wholeFile(FILE))
  const sink = new MemorySink()
  let slept = false
  const slow = {
    reset: () => sink.reset(),
    write: async (chunk: Uint8Array): Promise<void> => {
      // Longer than the time after which silence counts as a stall.
      if (!slept) await new Promise(resolve => setTimeout(resolve, 1300))
      slept = true
      await sink.write(chunk)
    },
  }
  await fetchHttp(origin, slow, { limit: FILE.length, stallSeconds: 1, retries: 0 })
  t.ok(sink.bytes.equals(FILE))
})

t.test('a chunk is asked for only when the sink has taken the one before', async t => {
  const origin = await serve(t, wholeFile(FILE))
  let [pending, most, written] = [0, 0, 0]
  const sink = {
    reset: async () => {},
    write: async (chunk: Uint8Array): Promise<void> => {
      most = Math.max(most, ++pending)
      await new Promise(resolve => setImmediate(resolve))
      pending--
      written += chunk.length
    },
  }
  await fetchHttp(origin, sink, AT_ONCE)
  t.same([most, written], [1, FILE.length])
})

t.test('a transfer ends at once although its sink hangs', async t => {
  const origin = await serve(t, wholeFile(FILE))
  const abort = new AbortController()
  const stuck = {
    reset: async () => {},
    write: (): Promise<void> => {
      setImmediate(() => abort.abort(new Error('enough')))
      return new Promise(() => {})
    },
  }
  await t.rejects(fetchHttp(origin, stuck, { ...AT_ONCE, signal: abort.signal }), { message: 'enough' })
})

t.test('an error of the sink ends the transfer and is not tried again', async t => {
  const answers = inTurn(wholeFile(FILE))
  const full = { write: async () => Promise.reject(new Error('full')), reset: async () => {} }
  await t.rejects(fetchHttp(await serve(t, answers), full, AT_ONCE), { message: 'full' })
  t.equal(answers.requests.length, 1)
})

t.test('redirects are followed, relative ones too, and counted', async t => {
  const answers = inTurn(
    status(301, { location: '/a/b' }),
    status(302, { location: 'c' }),
    status(303, { location: '?d' }),
    (request, response) => status(307, { location: `//${request.headers.host}/e` })(request, response),
    status(308, { location: '/f' }),
    wholeFile(FILE),
  )
  const origin = await serve(t, answers)
  const { url } = await fetchHttp(`${origin}/start`, new MemorySink(), AT_ONCE)
  t.equal(url, `${origin}/f`)
  t.same(
    answers.requests.map(request => request.url),
    ['/start', '/a/b', '/a/c', '/a/c?d', '/e', '/f'],
  )
})

t.test('a redirect that leads in a circle, nowhere, or to another protocol ends the transfer', async t => {
  const circle = inTurn(status(302, { location: '/' }))
  const error = await failure(fetchHttp(await serve(t, circle), new MemorySink(), { ...AT_ONCE, maxRedirects: 3 }))
  t.equal(error.code, 'FETCH_REDIRECTS')
  t.equal(circle.requests.length, 4)
  const elsewhere: Record<string, RequestListener> = {
    FETCH_STATUS: status(302),
    FETCH_PROTOCOL: status(302, { location: 'file:///etc/passwd' }),
  }
  for (const [code, listener] of Object.entries(elsewhere)) {
    t.equal((await failure(fetchHttp(await serve(t, listener), new MemorySink(), AT_ONCE))).code, code)
  }
  const malformed = await failure(
    fetchHttp(await serve(t, status(302, { location: 'http://[' })), new MemorySink(), AT_ONCE),
  )
  t.match(malformed.message, /http:\/\/\[: cannot fetch text that is not a URL/)
})

t.test('what is not an http URL is refused before anything is sent', async t => {
  for (const url of ['ftp://host/zImage', 'file:///etc/passwd', 'data:,x', 'zImage', '']) {
    t.equal((await failure(fetchHttp(url, new MemorySink(), AT_ONCE))).code, 'FETCH_PROTOCOL', url)
  }
})

t.test('a file with an announced size above the limit is refused before its first byte', async t => {
  const sink = new MemorySink()
  const error = await failure(fetchHttp(await serve(t, wholeFile(FILE)), sink, { ...AT_ONCE, limit: 299_999 }))
  t.equal(error.code, 'ARTIFACT_TOO_LARGE')
  t.same([error.details.size, error.details.limit], [300_000, 299_999])
  t.same(sink.chunks, [])
})

t.test('a file above the limit whose size is not told is stopped there', async t => {
  const origin = await serve(t, (_request, response) => {
    const more = (): void => {
      while (response.write(FILE));
      response.once('drain', more)
    }
    more()
  })
  const sink = new MemorySink()
  const error = await failure(fetchHttp(origin, sink, { ...AT_ONCE, limit: 500_000 }))
  t.equal(error.code, 'ARTIFACT_TOO_LARGE')
  t.ok(sink.bytes.length <= 500_000)
})

t.test('a transfer ends at once with the reason of its signal, in every phase', async t => {
  const reason = new Error('cancelled')
  const during = async (name: string, url: string, options: Partial<FetchOptions>, until: Promise<unknown>) => {
    const abort = new AbortController()
    const pending = fetchHttp(url, new MemorySink(), { limit: 1e9, signal: abort.signal, ...options })
    pending.catch(() => {})
    await until
    abort.abort(reason)
    await t.rejects(pending, reason, name)
  }
  const gate = (): { promise: Promise<void>; open: () => void } => {
    let open = (): void => {}
    const promise = new Promise<void>(resolve => {
      open = resolve
    })
    return { promise, open }
  }

  await t.rejects(
    fetchHttp('http://127.0.0.1:1/', new MemorySink(), { limit: 1, signal: AbortSignal.abort(reason) }),
    reason,
    'before it starts',
  )

  const dns = gate()
  await during('in the name look-up', 'http://board.invalid/', { lookup: dns.open }, dns.promise)

  const asked = gate()
  await during('before the answer', await serve(t, asked.open), {}, asked.promise)

  const moving = gate()
  const endless = await serve(t, (_request, response) => {
    response.write('1')
  })
  await during('in the body', endless, { onProgress: moving.open }, moving.promise)

  const failed = gate()
  await during('between two attempts', await serve(t, status(503)), { onRetry: failed.open }, failed.promise)
})

t.test('network errors appear in plain words', async t => {
  const refused = await failure(fetchHttp('http://127.0.0.1:1/', new MemorySink(), { limit: 1, retries: 0 }))
  t.equal(refused.code, 'FETCH_NETWORK')
  t.match(refused.message, /the connection was refused \(ECONNREFUSED\) after 0 bytes/)
  const unknown = await failure(
    fetchHttp('http://board.invalid/', new MemorySink(), {
      limit: 1,
      retries: 0,
      lookup: (_host, _options, done) => done(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), ''),
    }),
  )
  t.match(unknown.message, /the host name is unknown \(ENOTFOUND\)/)
  const nonsense = await serve(t, (_request, response) => {
    response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n')
  })
  const garbled = await failure(fetchHttp(nonsense, new MemorySink(), { limit: 1, retries: 0 }))
  t.match(garbled.message, /Parse Error.*HPE_/)
})

t.test('a file comes over https from a server whose authority is known, and from no other', async t => {
  const { url } = await serveTls(t, cert, wholeFile(FILE))
  const sink = new MemorySink()
  await fetchHttp(url, sink, { ...AT_ONCE, ca: cert })
  t.ok(sink.bytes.equals(FILE))
  let retries = 0
  const error = await failure(fetchHttp(url, new MemorySink(), { ...AT_ONCE, onRetry: () => retries++ }))
  t.match(error.message, /DEPTH_ZERO_SELF_SIGNED_CERT/)
  t.equal(retries, 0, 'a certificate does not get better')
})

t.test('a certificate that is not yet valid produces an error that names the clock', async t => {
  const { url } = await serveTls(t, futureCert, wholeFile(FILE))
  const { host } = new URL(url)
  // The certificate is that of the host to which the redirect leads.
  const redirect = await serve(t, (_request, response) => response.writeHead(302, { location: `${url}/zImage` }).end())
  let retries = 0
  const options = { ...AT_ONCE, ca: futureCert, onRetry: () => retries++ }
  for (const start of [url, redirect]) {
    const before = new Date().toISOString()
    const error = await failure(fetchHttp(start, new MemorySink(), options))
    t.equal(error.code, 'FETCH_CLOCK')
    t.equal(error.details.host, host)
    t.match(error.message, `and the certificate of ${host} is not yet valid; set the clock`)
    const { clock } = error.details
    t.ok(String(clock) >= before && String(clock) <= new Date().toISOString(), `the clock reads ${clock}`)
  }
  t.equal(retries, 0, 'nobody sets the clock between two attempts')
})

t.test('the error for an expired certificate shows the clock, which may be the cause', async t => {
  const thrown = Object.assign(new Error('x'), { code: 'CERT_HAS_EXPIRED' })
  const error = networkFailure(thrown, 'https://lab/', 0)
  t.ok(error instanceof FauxbootError)
  t.match(String(error), /has expired .*the clock here says \d{4}-\d\d-\d\dT/)
  t.match(networkFailure('no error at all', 'https://lab/', 7), { error: { message: /no error at all after 7 bytes/ } })
})
