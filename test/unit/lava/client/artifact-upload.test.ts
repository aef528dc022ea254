import { createHash } from 'node:crypto'
import { appendFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { artifactName, uploadFile } from '../../../../lava/client/artifact-upload.js'
import { BoardClient } from '../../../../lava/client/board-client.js'
import { measureFile } from '../../../../lava/client/local-file.js'
import { answer, bodyOf, type Request, serve } from '../stand-in.js'

const CONTENT = Buffer.alloc(3_000_000, 'fauxboot ')
const SHA256 = createHash('sha256').update(CONTENT).digest('hex')
const QUICK = { retrySeconds: 0 }

/** A file on disk, measured. */
function file(t: Test, content: Buffer = CONTENT, name = 'zImage') {
  return measureFile(join(t.testdir({ [name]: content }), name))
}

/** A board that keeps what it is sent; `cut` says after how many bytes of a PUT the connection dies. */
async function board(t: Test, { held = Buffer.alloc(0), cuts = [] as number[], sha256 = SHA256 } = {}) {
  const state = { stored: held, puts: [] as Request[] }
  const url = await serve(t, async (request, response) => {
    if (request.method === 'GET') {
      const received = state.stored.length
      const complete = received === CONTENT.length
      const artifact = { name: `zImage-${sha256.slice(0, 16)}`, received, complete, size: null, usedBy: null }
      answer(response, { artifacts: received > 0 ? [{ name: 'other', received: 9 }, artifact] : [] })
      return
    }
    state.puts.push(request)
    const cut = cuts.shift()
    if (cut === undefined) {
      state.stored = Buffer.concat([state.stored, await bodyOf(request)])
      answer(response, {}, 201)
      return
    }
    const { socket } = request.message
    let taken = 0
    for await (const chunk of request.message as AsyncIterable<Buffer>) {
      const kept = chunk.subarray(0, cut - taken)
      state.stored = Buffer.concat([state.stored, kept])
      taken += kept.length
      if (taken >= cut) break
    }
    socket.destroy()
  })
  return { state, client: new BoardClient(url) }
}

t.test('a file is sent once, whole, with its digest', async t => {
  const { state, client } = await board(t)
  const steps: number[] = []
  const upload = await uploadFile(client, await file(t), { onProgress: received => steps.push(received) })
  t.same(upload, { artifact: `zImage-${SHA256.slice(0, 16)}`, sent: CONTENT.length })
  t.ok(state.stored.equals(CONTENT))
  t.equal(state.puts.length, 1)
  t.match(state.puts[0], {
    method: 'PUT',
    path: `/v1/artifacts/zImage-${SHA256.slice(0, 16)}`,
    headers: { 'content-length': '3000000', 'x-content-sha256': SHA256, 'content-range': undefined },
  })
  t.equal(steps[0], 0)
  t.equal(steps.at(-1), CONTENT.length)
  t.same(
    steps,
    steps.toSorted((a, b) => a - b),
  )
})

t.test('a file that the board has is not sent again', async t => {
  const { state, client } = await board(t, { held: CONTENT })
  t.match(await uploadFile(client, await file(t)), { sent: 0 })
  t.same(state.puts, [])
})

t.test('a file of which the board has a part is sent from there on', async t => {
  const { state, client } = await board(t, { held: CONTENT.subarray(0, 1_234_567) })
  const steps: number[] = []
  const upload = await uploadFile(client, await file(t), { onProgress: received => steps.push(received) })
  t.equal(upload.sent, CONTENT.length - 1_234_567)
  t.ok(state.stored.equals(CONTENT))
  t.match(state.puts[0]?.headers, { 'content-range': 'bytes 1234567-2999999/3000000', 'content-length': '1765433' })
  t.equal(steps[0], 1_234_567)
  t.equal(steps.at(-1), CONTENT.length)
})

t.test('an upload that is cut goes on where the board says it was cut', async t => {
  const { state, client } = await board(t, { cuts: [1_000_000, 0, 500_000] })
  await uploadFile(client, await file(t), QUICK)
  t.ok(state.stored.equals(CONTENT))
  t.same(
    state.puts.map(put => put.headers['content-range']),
    [undefined, 'bytes 1000000-2999999/3000000', 'bytes 1000000-2999999/3000000', 'bytes 1500000-2999999/3000000'],
  )
})

t.test('an upload that gains nothing any more is given up', async t => {
  const url = await serve(t, ({ method, message }, response) => {
    if (method === 'GET') answer(response, { artifacts: [] })
    else message.socket.destroy()
  })
  const given = uploadFile(new BoardClient(url), await file(t, Buffer.from('x')), { ...QUICK, attempts: 3 })
  await t.rejects(given, { code: 'BOARD_UNREACHABLE', message: /the board closed the connection/ })
})

t.test('what the board refuses is not sent again, and the answer is read though the body was not', async t => {
  const details = { what: 'zImage', size: 3_000_000, limit: 10, remedy: 'remove artifacts' }
  const message = 'zImage: 3000000 bytes exceed the limit of 10 bytes; remove artifacts'
  let puts = 0
  const url = await serve(t, ({ method }, response) => {
    if (method === 'GET') return answer(response, { artifacts: [] })
    puts += 1
    answer(response, { code: 'ARTIFACT_TOO_LARGE', message, statusCode: 413, details }, 413)
  })
  await t.rejects(uploadFile(new BoardClient(url), await file(t)), { code: 'ARTIFACT_TOO_LARGE', details })
  t.equal(puts, 1)
})

const CHANGES = {
  shrinks: (path: string) => truncateSync(path, 100),
  grows: (path: string) => appendFileSync(path, 'more'),
}
for (const [change, apply] of Object.entries(CHANGES)) {
  t.test(`a file that ${change} meanwhile is named`, async t => {
    const { client } = await board(t)
    const measured = await file(t)
    apply(measured.path)
    await t.rejects(uploadFile(client, measured), {
      code: 'CLI_FILE',
      message: `${measured.path}: changed while it was uploaded: it had 3000000 bytes`,
    })
  })
}

t.test('an upload ends at once when its signal fires', async t => {
  const stop = new AbortController()
  const url = await serve(t, ({ method }, response) => {
    if (method === 'GET') answer(response, { artifacts: [] })
    else stop.abort(new Error('enough'))
  })
  await t.rejects(uploadFile(new BoardClient(url), await file(t), { signal: stop.signal }), { message: 'enough' })
})

t.test("a file's name on the board is made of what the board takes, and of its digest", t => {
  const named = (path: string) => artifactName({ path, size: 1, sha256: SHA256 })
  const digest = SHA256.slice(0, 16)
  t.equal(named('/boot/vmlinuz-6.12.107+deb13-armmp'), `vmlinuz-6.12.107_deb13-armmp-${digest}`)
  t.equal(named('..'), `-${digest}`)
  t.equal(named('x/.hidden'), `hidden-${digest}`)
  t.match(named('ü'.repeat(300)), /^_{80}-[0-9a-f]{16}$/)
  t.end()
})

t.test('files that cannot be measured are refused by name', async t => {
  const dir = t.testdir({ empty: '', folder: {} })
  await t.rejects(measureFile(join(dir, 'missing')), { code: 'CLI_FILE', message: /missing: no such file$/ })
  await t.rejects(measureFile(join(dir, 'empty')), { code: 'CLI_FILE', message: /empty: the file is empty$/ })
  await t.rejects(measureFile(join(dir, 'folder')), { code: 'CLI_FILE', message: /folder: not a regular file$/ })
  await t.rejects(measureFile('/dev/null'), { code: 'CLI_FILE', message: '/dev/null: not a regular file' })
})
