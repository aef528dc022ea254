import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { FirstStageDeps } from '../../../../../agent/boot/card/first-stage.js'
import * as schemas from '../../../../../agent/http/schemas/schemas.js'
import { boardWithCard, MemoryCard, sha256, slotImage } from '../../boot/card/card-fixture.js'
import { asJson, conforms, dial, KERNEL, readUntil, startAgent, submitStalled } from '../agent-fixture.js'

const IMAGE = slotImage(0xbb)

const put = (headers: Record<string, string> = {}): RequestInit => ({
  method: 'PUT',
  body: new Uint8Array(IMAGE),
  headers: { 'x-content-sha256': sha256(IMAGE), ...headers },
})

/** An agent on a board that has started from a card. */
function agentWith(t: Test, card = new MemoryCard(), changes: Partial<FirstStageDeps> = {}, http = {}) {
  const withJobs = (boot: { withoutJobs: FirstStageDeps['withoutJobs'] }): Partial<FirstStageDeps> => ({
    withoutJobs: work => boot.withoutJobs(work),
    ...changes,
  })
  return startAgent(t, { http, firstStage: boot => boardWithCard(t, card, withJobs(boot)).firstStage })
}

t.test('a new first stage is written, and confirmed after the next start', async t => {
  const card = new MemoryCard()
  const agent = await agentWith(t, card)
  const { status, body } = await agent.json('/v1/first-stage', put())
  t.equal(status, 200)
  conforms(t, schemas.WrittenUpdate, body)
  t.strictSame(body, { slot: 'b', size: IMAGE.length, sha256: sha256(IMAGE) })

  const next = await agentWith(t, card)
  const shown = await next.json('/v1/first-stage')
  conforms(t, schemas.FirstStage, shown.body)
  t.strictSame(shown.body, { slot: 'b', trial: true })
  t.strictSame((await next.json('/v1/first-stage/confirm', { method: 'POST' })).body, { slot: 'b', trial: false })
  t.strictSame((await next.json('/v1/first-stage')).body, { slot: 'b', trial: false })
})

t.test('an upload needs the token, its size and its digest', async t => {
  const card = new MemoryCard()
  const tokenFile = `${t.testdir({ token: 'secret' })}/token`
  const agent = await agentWith(t, card, {}, { tokenFile })
  for (const [path, method] of [
    ['/v1/first-stage', 'PUT'],
    ['/v1/first-stage/confirm', 'POST'],
    ['/v1/first-stage/restart', 'POST'],
  ] as const) {
    t.match(await agent.refused(path, { method }), { code: 'AUTH_REQUIRED' }, path)
  }
  const authorization = 'Bearer secret'
  const without = { method: 'PUT', body: new Uint8Array(IMAGE), headers: { authorization } }
  t.match(await agent.refused('/v1/first-stage', without), { code: 'HTTP_REQUEST', message: /sha256/ })
  const socket = await dial(t, agent)
  socket.write(
    'PUT /v1/first-stage HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer secret\r\n' +
      `x-content-sha256: ${sha256(IMAGE)}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  )
  t.match(await readUntil(socket, /\}\}$/), /Content-Length/)
  t.equal((await agent.json('/v1/first-stage', put({ authorization }))).status, 200)
})

t.test('a refused image leaves the card alone, and the client gets its answer', async t => {
  const card = new MemoryCard()
  const agent = await agentWith(t, card)
  const other = slotImage(0xbb, { board: 'other' })
  const init = { method: 'PUT', body: new Uint8Array(other), headers: { 'x-content-sha256': sha256(other) } }
  t.match(await agent.refused('/v1/first-stage', init), { code: 'UPDATE_REFUSED', statusCode: 422 })
  t.strictSame(card.writes, [])
})

t.test('a board with a job is not updated, and does not restart', async t => {
  const card = new MemoryCard()
  const agent = await agentWith(t, card)
  const { id } = await submitStalled(t, agent)
  t.match(await agent.refused('/v1/first-stage', put()), { code: 'JOB_BUSY', details: { owner: id } })
  t.match(await agent.refused('/v1/first-stage/restart', { method: 'POST' }), { code: 'JOB_BUSY' })
  await agent.boot.cancel(id)
  t.equal((await agent.json('/v1/first-stage', put())).status, 200)
})

t.test('while an update is being written, the board takes no job, no other update, and does not restart', async t => {
  const card = new MemoryCard()
  const agent = await agentWith(t, card)
  const socket = await dial(t, agent)
  socket.write(
    `PUT /v1/first-stage HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${IMAGE.length}\r\nx-content-sha256: ${sha256(IMAGE)}\r\n\r\n`,
  )
  socket.write(IMAGE.subarray(0, 1_200_000))
  while (card.writes.length < 3) await delay(5)
  await agent.fetch('/v1/artifacts/kernel', { method: 'PUT', body: new Uint8Array(KERNEL) })
  const job = asJson({ kernel: { artifact: 'kernel' }, cmdline: '' })
  t.match(await agent.refused('/v1/jobs', job), { code: 'UPDATE_BUSY', statusCode: 409 })
  t.match(await agent.refused('/v1/first-stage', put()), { code: 'UPDATE_BUSY' })
  t.match(await agent.refused('/v1/first-stage/restart', { method: 'POST' }), { code: 'UPDATE_BUSY' })
  socket.destroy()
  while (card.opened > 0) await delay(5)
  t.equal((await agent.json('/v1/first-stage', put())).status, 200, 'an upload that broke off can be sent again')
})

t.test('the board restarts after the answer; if it does not, the log says so', async t => {
  let restarts = 0
  const restart = () => {
    restarts++
    return Promise.reject(new Error('no reset'))
  }
  const agent = await agentWith(t, undefined, { restart })
  const answer = await agent.fetch('/v1/first-stage/restart', { method: 'POST' })
  t.equal(answer.status, 202)
  await answer.text()
  agent.server.server.closeAllConnections()
  while (restarts === 0) await delay(5)
  await new Promise(resolve => setImmediate(resolve))
  t.match(
    agent.lines.filter(line => line.msg === 'the board does not restart'),
    [{ err: { message: 'no reset' } }],
  )
})
