import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import t from 'tap'
import type { ArtifactView } from '../../../../../agent/boot/artifacts/artifact-store.js'
import * as schemas from '../../../../../agent/http/schemas/schemas.js'
import { conforms, dial, readUntil, startAgent, submitStalled } from '../agent-fixture.js'

const BYTES = randomBytes(300_000)
const SHA256 = createHash('sha256').update(BYTES).digest('hex')
const BASE64 = createHash('sha256').update(BYTES).digest('base64')
const NOUGHTS = '0'.repeat(64)

const put = (bytes: Uint8Array, headers: Record<string, string> = {}): RequestInit => ({
  method: 'PUT',
  body: new Uint8Array(bytes),
  headers,
})
/** A part of BYTES. */
const part = (first: number, end: number, total: number | '*' = BYTES.length): RequestInit =>
  put(BYTES.subarray(first, end), { 'content-range': `bytes ${first}-${end - 1}/${total}` })

t.test('an artifact is stored with 201, its address and its digest', async t => {
  const agent = await startAgent(t)
  const { status, headers, body } = await agent.json<ArtifactView>('/v1/artifacts/vmlinuz', put(BYTES))
  t.equal(status, 201)
  t.equal(headers.get('location'), '/v1/artifacts/vmlinuz')
  conforms(t, schemas.Artifact, body)
  t.match(body, { name: 'vmlinuz', size: BYTES.length, complete: true, sha256: SHA256, usedBy: null })
  t.same(Buffer.from(await agent.boot.artifacts.bytes('vmlinuz')), BYTES)
})

t.test('artifacts are listed by name, and deleted', async t => {
  const agent = await startAgent(t)
  for (const name of ['b', 'a']) await agent.fetch(`/v1/artifacts/${name}`, put(BYTES))
  const { body } = await agent.json<{ artifacts: ArtifactView[] }>('/v1/artifacts')
  conforms(t, schemas.ArtifactList, body)
  t.match(body.artifacts, [{ name: 'a' }, { name: 'b' }])
  const removed = await agent.fetch('/v1/artifacts/a', { method: 'DELETE' })
  t.equal(removed.status, 204)
  t.equal(await removed.text(), '')
  t.match(await agent.refused('/v1/artifacts/a'), { code: 'ARTIFACT_UNKNOWN', statusCode: 404 })
  t.match(await agent.refused('/v1/artifacts/a', { method: 'DELETE' }), { code: 'ARTIFACT_UNKNOWN' })
})

t.test('a body is bytes, whatever type it has, or none', async t => {
  const agent = await startAgent(t)
  for (const type of ['application/json', 'application/x-tar', 'x/y; z=']) {
    const { body } = await agent.json<ArtifactView>('/v1/artifacts/x', put(BYTES, { 'content-type': type }))
    t.equal(body.sha256, SHA256, type)
  }
  const socket = await dial(t, agent)
  socket.write('PUT /v1/artifacts/y HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\n\r\nhello')
  t.match(await readUntil(socket, /\}$/), /"received":5,"complete":true/)
})

t.test('a body without an announced length is stored as it comes', async t => {
  const agent = await startAgent(t)
  const socket = await dial(t, agent)
  socket.write('PUT /v1/artifacts/y HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n')
  socket.write('6\r\n world\r\n0\r\n\r\n')
  t.match(await readUntil(socket, /\}$/), /"size":11,"received":11,"complete":true/)
})

t.test('an artifact may be empty', async t => {
  const agent = await startAgent(t)
  const { status, body } = await agent.json<ArtifactView>('/v1/artifacts/empty', { method: 'PUT' })
  t.equal(status, 201)
  t.match(body, { size: 0, complete: true })
})

t.test('parts follow one another, and HEAD and GET tell where the next one begins', async t => {
  const agent = await startAgent(t)
  const first = await agent.json<ArtifactView>('/v1/artifacts/x', part(0, 100_000))
  t.equal(first.status, 202)
  conforms(t, schemas.Artifact, first.body)
  t.match(first.body, { received: 100_000, size: BYTES.length, complete: false, sha256: null })
  for (const method of ['HEAD', 'GET']) {
    const { status, headers } = await agent.fetch('/v1/artifacts/x', { method })
    t.equal(status, 200)
    t.equal(headers.get('upload-offset'), '100000')
    t.equal(headers.get('upload-length'), String(BYTES.length))
    t.equal(headers.get('upload-complete'), '?0')
  }
  const second = await agent.json<ArtifactView>('/v1/artifacts/x', part(100_000, BYTES.length))
  t.equal(second.status, 201)
  t.match(second.body, { complete: true, sha256: SHA256 })
  t.equal((await agent.fetch('/v1/artifacts/x', { method: 'HEAD' })).headers.get('upload-complete'), '?1')
})

t.test('a part that does not follow is refused with what is here', async t => {
  const agent = await startAgent(t)
  await agent.fetch('/v1/artifacts/x', part(0, 100_000))
  t.match(await agent.refused('/v1/artifacts/x', part(200_000, 300_000)), {
    code: 'ARTIFACT_RANGE',
    statusCode: 416,
    details: { received: 100_000 },
  })
})

t.test('an invalid Content-Range is refused', async t => {
  const agent = await startAgent(t)
  for (const range of ['bytes', 'bytes 5-1/10', 'lines 0-1/2', 'bytes 0-1/1']) {
    const error = await agent.refused('/v1/artifacts/x', put(BYTES, { 'content-range': range }))
    t.match(error, { code: 'HTTP_REQUEST', statusCode: 400, message: /^Content-Range: expected / }, range)
  }
})

t.test('an upload that breaks off goes on where it ended', async t => {
  const agent = await startAgent(t)
  const socket = await dial(t, agent)
  socket.write(`PUT /v1/artifacts/x HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${BYTES.length}\r\n\r\n`)
  socket.write(BYTES.subarray(0, 123_456))
  const received = async () => (await agent.boot.artifacts.list())[0]?.received
  while ((await received()) !== 123_456) await new Promise(resolve => setImmediate(resolve))
  socket.destroy()
  // The next part is refused as long as the last one is being put down.
  let answer = await agent.json<ArtifactView>('/v1/artifacts/x', part(123_456, BYTES.length))
  while (answer.status === 409) answer = await agent.json('/v1/artifacts/x', part(123_456, BYTES.length))
  t.equal(answer.status, 201)
  t.equal(answer.body.sha256, SHA256)
})

t.test('the digest that a client expects is compared, in whichever way it is given', async t => {
  const agent = await startAgent(t)
  const headers = {
    'x-checksum-sha256': SHA256.toUpperCase(),
    'x-content-sha256': SHA256,
    digest: `md5=x, SHA-256=${BASE64}`,
    'repr-digest': `sha-256=:${BASE64}:`,
  }
  for (const [name, value] of Object.entries(headers)) {
    t.equal((await agent.fetch('/v1/artifacts/x', put(BYTES, { [name]: value }))).status, 201, name)
  }
  t.equal((await agent.fetch(`/v1/artifacts/x?sha256=${SHA256}`, put(BYTES))).status, 201)
})

t.test('an artifact with another digest is refused and not kept', async t => {
  const agent = await startAgent(t)
  const wrong = Buffer.from(NOUGHTS, 'hex').toString('base64')
  const headers: Record<string, string>[] = [
    { 'x-checksum-sha256': NOUGHTS },
    { 'x-content-sha256': NOUGHTS },
    { digest: `SHA-256=${wrong}` },
    { 'repr-digest': `sha-256=:${wrong}:` },
  ]
  for (const given of headers) {
    t.match(await agent.refused('/v1/artifacts/x', put(BYTES, given)), {
      code: 'VERIFY_SHA256',
      statusCode: 422,
      details: { expected: NOUGHTS, found: SHA256 },
    })
  }
  t.match(await agent.refused(`/v1/artifacts/x?sha256=${NOUGHTS}`, put(BYTES)), { code: 'VERIFY_SHA256' })
  t.same(await agent.boot.artifacts.list(), [])
})

t.test('an invalid digest, or two that differ, are refused before anything is read', async t => {
  const agent = await startAgent(t)
  const headers: Record<string, string>[] = [
    { 'x-checksum-sha256': 'abc' },
    { digest: 'SHA-256=abc' },
    { 'x-checksum-sha256': NOUGHTS, 'x-content-sha256': SHA256 },
  ]
  for (const given of headers) {
    t.match(await agent.refused('/v1/artifacts/x', put(BYTES, given)), { code: 'HTTP_REQUEST', statusCode: 400 })
  }
  t.match(await agent.refused('/v1/artifacts/x?sha256=abc', put(BYTES)), { code: 'HTTP_REQUEST' })
  t.match(await agent.refused('/v1/artifacts/x?sha265=abc', put(BYTES)), { code: 'HTTP_REQUEST' })
})

t.test('a name that cannot be one is refused', async t => {
  const agent = await startAgent(t)
  for (const name of ['.hidden', 'a%2Fb', 'x'.repeat(129), 'x.partial']) {
    const error = await agent.refused(`/v1/artifacts/${name}`, put(BYTES))
    t.match(error, { code: 'ARTIFACT_NAME', statusCode: 400 }, name)
  }
})

t.test('an artifact that a job uses is neither replaced nor deleted', async t => {
  const agent = await startAgent(t)
  await agent.fetch('/v1/artifacts/initrd', put(BYTES))
  const { id } = await submitStalled(t, agent, { ramdisk: { artifact: 'initrd' } })
  t.match(await agent.refused('/v1/artifacts/initrd', put(BYTES)), { code: 'ARTIFACT_BUSY', statusCode: 409 })
  t.match(await agent.refused('/v1/artifacts/initrd', { method: 'DELETE' }), { code: 'ARTIFACT_BUSY' })
  t.equal((await agent.json<ArtifactView>('/v1/artifacts/initrd')).body.usedBy, id)
})

t.test('an artifact larger than memory is refused before it is sent, when its length is announced', async t => {
  const agent = await startAgent(t)
  const socket = await dial(t, agent)
  const head = `PUT /v1/artifacts/x HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${2 ** 40}\r\n\r\n`
  socket.write(head)
  const answer = await readUntil(socket, /\}$/)
  t.match(answer, /^HTTP\/1\.1 413 /)
  t.match(answer, '"code":"ARTIFACT_TOO_LARGE"')
})

t.test('a client that is refused amid its body reads the answer, though it goes on sending', async t => {
  const agent = await startAgent(t, { host: { memory: async () => ({ total: 2 ** 28, available: 2 ** 27 }) } })
  const upload = request(`${agent.url}/v1/artifacts/x`, { method: 'PUT' })
  const block = Buffer.alloc(1 << 20)
  const answered = once(upload, 'response')
  // 64 MiB, of which half finds room.
  for (let i = 0; i < 64; i++) if (!upload.write(block)) await Promise.race([once(upload, 'drain'), answered])
  const [response] = await answered
  t.equal(response.statusCode, 413)
  upload.destroy()
})

t.test('a client that waits for leave to send is refused without having sent anything', async t => {
  const agent = await startAgent(t, { http: { tokenFile: t.testdir({ token: 'secret' }).concat('/token') } })
  const socket = await dial(t, agent)
  const head = 'PUT /v1/artifacts/x HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\nexpect: 100-continue\r\n'
  socket.write(`${head}\r\n`)
  t.match(await readUntil(socket, /\}$/), /^HTTP\/1\.1 401 /)
})

t.test('a client that waits for leave to send gets it when it may', async t => {
  const agent = await startAgent(t)
  const socket = await dial(t, agent)
  socket.write('PUT /v1/artifacts/x HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n')
  t.match(await readUntil(socket, /\r\n\r\n/), /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  socket.write('hello')
  t.match(await readUntil(socket, /\}$/), /^HTTP\/1\.1 201 /)
})
