import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { awaitHttp } from '../../../../systemd/qemu/await-http.js'

/** A server on a free port, and its address. */
async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`
}

t.test('a server that answers is answered for at once', async t => {
  const url = await serve(t, (_, response) => response.end('ok'))
  t.equal(await awaitHttp(url, new AbortController().signal), true)
})

t.test('a request that hangs does not keep the next from being answered', async t => {
  let requests = 0
  const url = await serve(t, (_, response) => {
    requests++
    if (requests > 1) response.end('ok')
  })
  t.equal(await awaitHttp(url, new AbortController().signal), true)
  t.equal(requests, 2)
})

t.test('a bad status is no answer', async t => {
  let requests = 0
  const url = await serve(t, (_, response) => {
    requests++
    response.writeHead(requests > 2 ? 200 : 503).end()
  })
  t.equal(await awaitHttp(url, new AbortController().signal), true)
  t.equal(requests, 3)
})

t.test('the signal ends the waiting', async t => {
  const stop = new AbortController()
  const url = await serve(t, () => stop.abort())
  t.equal(await awaitHttp(url, stop.signal), false)
})
