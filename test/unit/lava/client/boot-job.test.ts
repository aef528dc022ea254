import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { JobEvent } from '../../../../agent/boot/jobs/job.js'
import { BoardClient } from '../../../../lava/client/board-client.js'
import { type BootWatcher, outcomeExitCode, runJob, uploadTarget } from '../../../../lava/client/boot-job.js'
import { readJobFile } from '../../../../lava/client/job-file.js'
import { answer, bodyOf, type Handler, serve } from '../stand-in.js'

const BODY = { type: 'application/json', content: '{}' }

/** A watcher that writes down what it is told. */
function watcher() {
  const told: unknown[][] = []
  const tell =
    (what: string) =>
    (...args: unknown[]) => {
      told.push([what, ...args])
    }
  const quiet: BootWatcher = {
    uploads: tell('uploads'),
    uploaded: () => undefined,
    uploadEnded: tell('uploadEnded'),
    submitted: job => tell('submitted')(job.id),
    event: (event: JobEvent) => tell('event')(event.type === 'state' ? event.state : event.type),
    cancelled: (id, problem) => tell('cancelled')(id, problem?.message ?? null),
  }
  return { told, quiet }
}

/** A board whose job goes through some states; then its connection breaks, and it answers as `gone` says. */
async function board(t: Test, states: readonly object[], gone: Handler = (_, response) => void response.destroy()) {
  let connections = 0
  const url = await serve(t, (request, response) => {
    if (request.method === 'POST') return answer(response, { id: 'j1', state: 'queued' }, 201)
    if (request.method !== 'GET' || connections++ > 0) return gone(request, response)
    const text = states.map((fields, i) => `data: ${JSON.stringify({ seq: i + 1, type: 'state', ...fields })}\n\n`)
    response.write(text.join(''), () => response.destroy())
  })
  return new BoardClient(url, { retrySeconds: 0, retries: 1 })
}

t.test('a job that is seen to boot has booted', async t => {
  const { told, quiet } = watcher()
  const client = await board(t, [{ state: 'fetching' }, { state: 'loaded' }, { state: 'booting' }])
  t.match(await runJob(client, BODY, quiet), { job: { id: 'j1' }, outcome: { state: 'booting', error: null } })
  t.same(told, [
    ['submitted', 'j1'],
    ['event', 'fetching'],
    ['event', 'loaded'],
    ['event', 'booting'],
  ])
})

t.test('a board that is gone after it had loaded the job has jumped', async t => {
  const client = await board(t, [{ state: 'planning' }, { state: 'loaded' }])
  const { outcome } = await runJob(client, BODY, watcher().quiet)
  t.same(outcome, { state: 'loaded', error: null })
  t.equal(outcomeExitCode(outcome), 0)
})

t.test('a board that is gone earlier is an error', async t => {
  const client = await board(t, [{ state: 'planning' }])
  await t.rejects(runJob(client, BODY, watcher().quiet), { code: 'BOARD_UNREACHABLE' })
})

t.test('a job whose events are over is asked for its state', async t => {
  const url = await serve(t, ({ method, path }, response) => {
    if (method === 'POST') answer(response, { id: 'j1', state: 'queued' }, 201)
    else if (path.endsWith('/events')) response.writeHead(204).end()
    else answer(response, { id: 'j1', state: 'cancelled', error: null })
  })
  const { outcome } = await runJob(new BoardClient(url), BODY, watcher().quiet)
  t.same(outcome, { state: 'cancelled', error: null })
})

t.test('a job that fails has its error, and an exit code that says whose fault it is', async t => {
  const error = (code: string, statusCode: number) => ({ code, statusCode, message: 'words', details: {} })
  const cases = [
    [error('PLAN_REFUSED', 422), 1],
    [error('VERIFY_SHA256', 422), 1],
    [error('MAP_ZEROS', 500), 1],
    [error('FETCH_STALLED', 504), 2],
    [error('FETCH_STATUS', 502), 2],
    [error('INTERNAL', 500), 2],
    [error('FROM_A_LATER_VERSION', 503), 2],
    [error('FROM_A_LATER_VERSION', 409), 1],
  ] as const
  for (const [failure, code] of cases) {
    const client = await board(t, [{ state: 'failed', error: failure }])
    const { outcome } = await runJob(client, BODY, watcher().quiet)
    t.same(outcome, { state: 'failed', error: failure })
    t.equal(outcomeExitCode(outcome), code, failure.code)
  }
  t.equal(outcomeExitCode({ state: 'cancelled', error: null }), 1)
  t.equal(outcomeExitCode({ state: 'planned', error: null }), 0)
})

t.test('an interruption cancels the job on the board', async t => {
  const stop = new AbortController()
  const { told, quiet } = watcher()
  let cancelled = ''
  const url = await serve(t, ({ method, path }, response) => {
    if (method === 'POST') return answer(response, { id: 'j1', state: 'queued' }, 201)
    if (method === 'GET') return stop.abort(new Error('enough'))
    cancelled = path
    answer(response, { id: 'j1', state: 'cancelled' })
  })
  await t.rejects(runJob(new BoardClient(url), BODY, quiet, stop.signal), { message: 'enough' })
  t.equal(cancelled, '/v1/jobs/j1')
  t.same(told.at(-1), ['cancelled', 'j1', null])
})

t.test('an interrupt reports a cancel that the board refused', async t => {
  const stop = new AbortController()
  const { told, quiet } = watcher()
  const url = await serve(t, ({ method }, response) => {
    if (method === 'POST') return answer(response, { id: 'j1', state: 'queued' }, 201)
    if (method === 'GET') return stop.abort(new Error('enough'))
    answer(response, { message: 'too late' }, 409)
  })
  await t.rejects(runJob(new BoardClient(url), BODY, quiet, stop.signal), { message: 'enough' })
  t.match(told.at(-1), ['cancelled', 'j1', /unexpected answer: 409 too late/])
})

t.test('a job that was on its way when the interruption came is cancelled too', async t => {
  const stop = new AbortController()
  const { told, quiet } = watcher()
  const url = await serve(t, ({ method }, response) => {
    if (method === 'POST') stop.abort(new Error('enough'))
    answer(response, { id: 'j1', state: method === 'POST' ? 'queued' : 'cancelled' })
  })
  await t.rejects(runJob(new BoardClient(url), BODY, quiet, stop.signal), { message: 'enough' })
  t.same(told, [
    ['submitted', 'j1'],
    ['cancelled', 'j1', null],
  ])
})

t.test('files are uploaded in order and URLs referred to; the job names them all', async t => {
  const dir = t.testdir({ zImage: 'kernel', 'a.dtbo': 'first', 'board.dtb': 'tree' })
  const names: string[] = []
  const url = await serve(t, async (request, response) => {
    if (request.method === 'GET') return answer(response, { artifacts: [] })
    await bodyOf(request)
    names.push(request.path.replace(/^.*\//, '').replace(/-[0-9a-f]{16}$/, ''))
    answer(response, {}, 201)
  })
  const { told, quiet } = watcher()
  const target = {
    kernel: join(dir, 'zImage'),
    ramdisk: 'http://server/ramdisk.gz',
    dtb: join(dir, 'board.dtb'),
    overlays: [join(dir, 'a.dtbo'), 'HTTPS://server/b.dtbo'],
    name: 'a job',
    cmdline: 'console=ttyS0',
    options: { dryRun: true },
  }
  const { body, sent } = await uploadTarget(new BoardClient(url), target, quiet)
  t.equal(sent, 15)
  t.same(names, ['zImage', 'board.dtb', 'a.dtbo'])
  t.same(told[0], [
    'uploads',
    [
      { role: 'kernel', size: 6 },
      { role: 'dtb', size: 4 },
      { role: 'overlay0', size: 5 },
    ],
  ])
  t.equal(body.type, 'application/json')
  const file = (name: string, size: number) => ({
    artifact: new RegExp(`^${name}-[0-9a-f]{16}$`),
    size,
    sha256: /^[0-9a-f]{64}$/,
  })
  const job: unknown = JSON.parse(String(body.content))
  t.match(job, {
    name: 'a job',
    kernel: file('zImage', 6),
    ramdisk: { url: 'http://server/ramdisk.gz' },
    dtb: file('board.dtb', 4),
    overlays: [file('a.dtbo', 5), { url: 'HTTPS://server/b.dtbo' }],
    cmdline: 'console=ttyS0',
    options: { dryRun: true },
  })
  t.notOk('modules' in (job as object))
})

t.test('nothing is sent when one of the files is not there', async t => {
  const dir = t.testdir({ zImage: 'kernel' })
  const url = await serve(t, () => void t.fail('nothing is to be sent'))
  const target = { kernel: join(dir, 'zImage'), dtb: join(dir, 'missing.dtb'), cmdline: '', options: {} }
  await t.rejects(uploadTarget(new BoardClient(url), target, watcher().quiet), {
    code: 'CLI_FILE',
    message: /missing.dtb: no such file/,
  })
  await t.rejects(uploadTarget(new BoardClient(url), { ...target, dtb: 'tftp://lab/dtb' }, watcher().quiet), {
    message: 'tftp://lab/dtb: cannot fetch tftp; supported: http, https',
  })
})

t.test('the content of a job file shows its type', async t => {
  const dir = t.testdir({
    lava: 'device_type: sun9i-a80-cubieboard4\n',
    kernelci: '{"artifacts": {}}',
    number: '42',
    bundle: 'PK\u0003\u0004rest',
    empty: '',
  })
  const { told, quiet } = watcher()
  t.match(await readJobFile(join(dir, 'lava'), quiet), { type: 'application/yaml', content: /^device_type/ })
  t.match(await readJobFile(join(dir, 'kernelci'), quiet), { type: 'application/json', content: /^{/ })
  t.match(await readJobFile(join(dir, 'number'), quiet), { type: 'application/yaml', content: '42' })
  const bundle = await readJobFile(join(dir, 'bundle'), quiet)
  t.match(bundle, { type: 'application/zip', size: 8 })
  t.same(told, [['uploads', [{ role: 'bundle', size: 8 }]]])
  const url = await serve(t, async (request, response) => {
    t.equal(request.headers['content-length'], '8')
    t.equal((await bodyOf(request)).toString(), 'PK\u0003\u0004rest')
    answer(response, { id: 'j1', state: 'queued' }, 201)
  })
  await new BoardClient(url).submit(bundle)
  await t.rejects(readJobFile(join(dir, 'empty'), quiet), { message: /empty: the file is empty$/ })
  await t.rejects(readJobFile(join(dir, 'missing'), quiet), { message: /missing: no such file$/ })
})
