import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { downloadFile, downloadText } from '../../../../lava/kernelci/remote-file.js'
import { serve } from '../stand-in.js'

/** More than a stream holds: of a connection that is cut, most has been read by then. */
const WHOLE = Buffer.from(Array.from({ length: 3 * 2 ** 20 }, (_, index) => index % 251))
const sha256 = createHash('sha256').update(WHOLE).digest('hex')
const OPTIONS = { limit: 10 * 2 ** 20, stallSeconds: 2, backoff: () => 0 }

/** End the connection behind what was written: nothing of that is lost, as a reset would lose it. */
const cut = (response: ServerResponse): void => void response.socket?.end()

t.test('a download that breaks off goes on where it ended', async t => {
  const ranges: (string | undefined)[] = []
  const url = await serve(t, ({ headers }, response) => {
    ranges.push(headers.range)
    const start = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0)
    const end = Math.min(WHOLE.length, start + 3 * 2 ** 19)
    const range = `bytes ${start}-${WHOLE.length - 1}/${WHOLE.length}`
    response.writeHead(start > 0 ? 206 : 200, {
      ...{ etag: '"v1"', 'content-length': WHOLE.length - start },
      ...(start > 0 && { 'content-range': range }),
    })
    response.write(WHOLE.subarray(start, end), () => (end === WHOLE.length ? response.end() : cut(response)))
  })
  const path = join(t.testdir(), 'file')
  t.equal(await downloadFile({ url: url.href, sha256 }, path, OPTIONS), WHOLE.length)
  t.same(await readFile(path), WHOLE)
  t.equal(ranges[0], undefined)
  t.match(ranges[1], /^bytes=[1-9]\d*-$/)
})

t.test('a server that sends the whole file again is taken at its word', async t => {
  let count = 0
  const url = await serve(t, (_, response) => {
    count += 1
    response.writeHead(200, { etag: '"v1"', 'content-length': WHOLE.length })
    if (count === 1) response.write(WHOLE.subarray(0, 100), () => cut(response))
    else response.end(WHOLE)
  })
  const path = join(t.testdir(), 'file')
  t.equal(await downloadFile({ url: url.href, sha256 }, path, OPTIONS), WHOLE.length)
})

t.test('a file with another digest is refused, and not kept', async t => {
  const url = await serve(t, (_, response) => void response.end(WHOLE))
  const path = join(t.testdir(), 'file')
  await t.rejects(downloadFile({ url: url.href, sha256: 'a'.repeat(64) }, path, OPTIONS), { code: 'VERIFY_SHA256' })
  await t.rejects(readFile(path), { code: 'ENOENT' })
})

t.test('a file that is too large is refused, announced or not', async t => {
  const announced = await serve(t, (_, response) => void response.end(WHOLE))
  const endless = await serve(t, (_, response) => {
    response.writeHead(200)
    const write = (): void => void response.write(WHOLE, error => error ?? write())
    write()
  })
  const options = { ...OPTIONS, limit: 4000 }
  for (const url of [announced, endless]) {
    await t.rejects(downloadFile({ url: url.href }, join(t.testdir(), 'file'), options), { code: 'ARTIFACT_TOO_LARGE' })
  }
})

t.test('redirects are followed, but not forever, and not out of http', async t => {
  const url = await serve(t, ({ path }, response) => {
    const to: Readonly<Record<string, string>> = { '/a': '/b', '/loop': '/loop', '/out': 'file:///etc/passwd' }
    const location = to[path]
    if (location === undefined) response.end('text')
    else response.writeHead(302, { location }).end()
  })
  const at = (path: string) => new URL(path, url).href
  t.equal(await downloadText(at('/a'), OPTIONS), 'text')
  await t.rejects(downloadText(at('/loop'), OPTIONS), { code: 'FETCH_REDIRECTS' })
  await t.rejects(downloadText(at('/out'), OPTIONS), { code: 'FETCH_PROTOCOL' })
})

t.test('an answer that will not change is not asked for again; one that may is', async t => {
  let count = 0
  const url = await serve(t, ({ path }, response) => {
    count += 1
    response.writeHead(path === '/gone' ? 404 : count < 4 ? 503 : 200).end('text')
  })
  await t.rejects(downloadText(new URL('/gone', url).href, OPTIONS), { code: 'FETCH_STATUS', message: /404 Not Found/ })
  t.equal(count, 1)
  t.equal(await downloadText(new URL('/busy', url).href, OPTIONS), 'text')
})

t.test('a download is given up when it is cancelled', async t => {
  const stop = new AbortController()
  const url = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': 10 })
    response.write('x')
    stop.abort(new Error('enough'))
  })
  const file = join(t.testdir(), 'file')
  await t.rejects(downloadFile({ url: url.href }, file, { ...OPTIONS, signal: stop.signal }), { message: 'enough' })
})
