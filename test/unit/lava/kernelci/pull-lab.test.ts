import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { RunSession } from '../../../../lava/kernelci/run-job.js'
import { StateDir } from '../../../../lava/kernelci/state-dir.js'
import { FakeTarget } from '../console/fake-target.js'
import { BOOTED, fakeSession, PANIC } from '../monitor/fake-session.js'
import type { Document } from './kernelci-server.js'
import { definition, labFixture, NODE } from './lab-fixture.js'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
/** A session in the middle of which the lab is stopped. */
const stopping =
  (stop: AbortController): RunSession =>
  ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      stop.abort(new Error('stopped'))
    })
const LOG_URL = `https://files.kernelci.org/fauxboot-lab/${NODE}/console.log`

t.test('a job is claimed, booted and posted as passed, with its log', async t => {
  const { server, run, ended } = await labFixture(t)
  server.addJob(NODE, definition(server))
  await run()
  const { state, result, artifacts } = server.node(NODE)
  t.same({ state, result }, { state: 'done', result: 'pass' })
  t.equal((artifacts as Document).test_log, LOG_URL)
  t.match((artifacts as Document).job_definition, /\.json$/, 'what was there is kept')
  t.match(server.data(NODE), { job_id: /^pull-lab-test:[0-9a-f]{32}$/, arch: 'arm' })
  t.match(server.stored.get(`fauxboot-lab/${NODE}/console.log`), /Linux version/)
  t.same(server.children, [], 'a job that only boots needs no tests below it')
  t.match(ended, [{ posted: 'delivered', claimed: { logUrl: LOG_URL } }])
})

/** Fields that differ, with those of `data` and `artifacts`; the API itself changes `updated` on every write. */
function changedFields(before: Document, after: Document): string[] {
  const flat = (node: Document): Map<string, string> => {
    const { data, artifacts, updated: _, ...rest } = node
    const inside = (name: string, value: unknown) =>
      Object.entries(value as Document).map(([key, field]): [string, unknown] => [`${name}.${key}`, field])
    const fields = [...Object.entries(rest), ...inside('data', data), ...inside('artifacts', artifacts)]
    return new Map(fields.map(([name, field]) => [name, JSON.stringify(field)]))
  }
  const [old, now] = [flat(before), flat(after)]
  return [...new Set([...old.keys(), ...now.keys()])].filter(name => old.get(name) !== now.get(name)).sort()
}

for (const withoutPatch of [null, 404, 405] as const) {
  const server = withoutPatch === null ? 'with PATCH' : `that answers PATCH with ${withoutPatch}`
  t.test(`a claim and a result change nothing else in the node, on a server ${server}`, async t => {
    const { server, run } = await labFixture(t)
    server.withoutPatch = withoutPatch
    server.addJob(NODE, definition(server))
    const before = server.node(NODE)
    let claimed: Document = {}
    const session = fakeSession({ ...PANIC, outcome: 'infrastructure', sign: 'power', reason: 'no power' })
    await run({
      session: options => {
        claimed = server.node(NODE)
        return session(options)
      },
    })
    t.same(changedFields(before, claimed), ['data.device', 'data.job_id'])
    t.equal((claimed.data as Document).device, 'board-1')
    t.same(changedFields(claimed, server.node(NODE)), [
      ...['artifacts.test_log', 'data.error_code', 'data.error_msg'],
      ...['result', 'state'],
    ])
  })
}

t.test('nothing of a job that is delivered is left, and it is not asked for again', async t => {
  const { server, run, config } = await labFixture(t)
  server.addJob(NODE, definition(server))
  await run()
  t.same(readdirSync(join(config.stateDir, 'jobs')), [])
  t.same(readdirSync(join(config.stateDir, 'work')), [])
  t.notOk(existsSync(join(config.stateDir, 'lock')))
  await run()
  t.equal(server.countOf(`GET /latest/node/${NODE}`), 3, 'only the first run looked at the node')
})

t.test('a kernel panic is a failed job without an error code', async t => {
  const { server, run } = await labFixture(t)
  server.addJob(NODE, definition(server))
  await run({ session: fakeSession(PANIC) })
  t.equal(server.node(NODE).result, 'fail')
  t.notOk('error_code' in server.data(NODE))
})

t.test('a board that fails makes the job incomplete, as an infrastructure error', async t => {
  const { server, run } = await labFixture(t)
  server.addJob(NODE, definition(server))
  await run({ session: fakeSession({ ...PANIC, outcome: 'infrastructure', sign: 'power', reason: 'pdu: no answer' }) })
  t.equal(server.node(NODE).result, 'incomplete')
  t.match(server.data(NODE), { error_code: 'Infrastructure', error_msg: 'pdu: no answer' })
})

t.test('tests on the shell are posted below the job', async t => {
  const { server, run } = await labFixture(t)
  const tests = [
    { id: 'boot', type: 'boot', 'post-commands': ['true'] },
    { id: 'smoke-1', type: 'smoke' },
    { id: 'own', type: 'shell', commands: ['echo one', 'echo two; exit 3', 'echo never'] },
  ]
  server.addJob(NODE, definition(server, { tests }))
  const target = new FakeTarget()
  await run({ session: fakeSession(BOOTED, () => target) })
  t.equal(server.node(NODE).result, 'fail')
  const results = server.children.map(({ name, result, kind, path, parent }) => ({ name, result, kind, path, parent }))
  const below = (name: string, result: string) => ({
    ...{ name, result, kind: 'test', parent: NODE },
    path: ['checkout', 'kbuild-gcc-14-arm', 'baseline-arm-pull', name],
  })
  t.same(results, [below('boot', 'pass'), below('smoke-1', 'pass'), below('own', 'fail')])
  for (const child of server.children) {
    t.match(child, { treeid: 'tree', submitter: 'service:pipeline', data: { device: 'board-1' } })
  }
  t.equal(server.children[0]?.created, '2026-11-23T10:00:00.000', 'the boot began at power-on, not when it was posted')
  t.match(server.children[2]?.data, { error_msg: '"echo two; exit 3" ended with 3: two', platform: 'test-board' })
  t.notMatch(target.typed, /never/)
})

t.test('cases that a test reports are posted one by one, and its parameters are variables', async t => {
  const { server, run } = await labFixture(t)
  const commands = ['echo "ok 1 $first"; echo "not ok 2 second"; echo "ok 3 third # SKIP"']
  const tests = [{ id: 'kself', type: 'kselftest-futex', parameters: 'first=one workers=max', commands }]
  server.addJob(NODE, definition(server, { tests }))
  await run()
  t.equal(server.node(NODE).result, 'fail')
  t.match(server.children, [
    { name: 'kself', result: 'fail', data: { error_msg: '1 of 3 cases failed, the first: second' } },
    { name: 'kself.one', result: 'pass' },
    { name: 'kself.second', result: 'fail' },
    { name: 'kself.third', result: 'skip' },
  ])
})

t.test('parameters that a shell would read as more than variables are refused', async t => {
  const { server, run } = await labFixture(t)
  server.addJob(NODE, definition(server, { tests: [{ id: 'a', type: 'smoke', parameters: 'a=$(reboot)' }] }))
  await run()
  t.match(server.data(NODE), { error_code: 'invalid_job_params', error_msg: /tests\[0\]\.parameters must be/ })
})

t.test('a job with a test of a type without commands is refused before the board is switched on', async t => {
  const { server, run } = await labFixture(t)
  server.addJob(NODE, definition(server, { tests: [{ id: 'bench', type: 'unixbench' }] }))
  await run({ session: () => Promise.reject(new Error('must not be run')) })
  t.match(server.data(NODE), {
    error_code: 'Infrastructure',
    error_msg: /test bench has the type "unixbench", for which the settings have no commands: add it to shellTests/,
  })
})

t.test('tests whose posting was broken off are not posted twice', async t => {
  const { server, run } = await labFixture(t)
  const tests = ['one', 'two', 'three'].map(id => ({ id, type: 'shell', commands: ['true'] }))
  server.addJob(NODE, definition(server, { tests }))
  server.fault = (request, count) => (request === 'POST /latest/node' && count === 2 ? { status: 500, body: '' } : null)
  await run()
  t.equal(server.node(NODE).result, 'pass')
  t.same(
    server.children.map(({ name }) => name),
    ['one', 'two', 'three'],
  )
  t.equal(server.node(NODE).owner, 'pipeline')
})

t.test('the tests of a long job are found on all pages', async t => {
  const { server, api } = await labFixture(t)
  for (let index = 0; index < 201; index++) server.children.push({ parent: NODE, kind: 'test', name: `test-${index}` })
  server.children.push({ parent: 'other', kind: 'test', name: 'of another job' })
  t.equal((await api.testNames(NODE)).size, 201)
})

t.test('a lab claims and ends jobs in the state that its settings name', async t => {
  const { server, run } = await labFixture(t, '', '  jobState: prepared\n')
  server.addJob('j1', definition(server))
  server.addJob('j2', definition(server), {}, { state: 'prepared' })
  await run()
  t.match([server.node('j1'), server.node('j2')], [{ state: 'available' }, { state: 'done', result: 'pass' }])
})

t.test('tests after a hanging one still run, once ^C has brought the shell back', async t => {
  const { server, run } = await labFixture(t)
  const tests = [
    { id: 'hangs', type: 'shell', commands: ['sleep forever'] },
    { id: 'runs', type: 'shell', commands: ['true'] },
  ]
  server.addJob(NODE, definition(server, { tests }))
  await run()
  t.match(server.children, [
    { name: 'hangs', result: 'fail' },
    { name: 'runs', result: 'pass' },
  ])
})

t.test('jobs of other labs, other boards and other states are left alone', async t => {
  const { server, run } = await labFixture(t)
  server.addJob('a1', definition(server), { runtime: 'lava-somewhere' })
  server.addJob('a2', definition(server), { platform: 'rk3399-gru-kevin' })
  server.addJob('a3', definition(server), { job_id: 'other-lab:1' })
  await run()
  t.notOk(server.requests.some(request => /node\/a\d/.test(request)))
})

t.test('a job that another lab has claimed since its event is left alone', async t => {
  const { server, run, lines } = await labFixture(t)
  server.addJob(NODE, definition(server))
  server.fault = request => {
    if (request === `GET /latest/node/${NODE}`) server.change(NODE, { data: { job_id: 'other-lab:1' } })
    return null
  }
  await run()
  t.equal(server.countOf(`PATCH /latest/node/${NODE}`), 0)
  t.ok(lines.includes('left alone: it is claimed by other-lab:1'))
})

t.test('a claim that the API answers with 409 is left alone', async t => {
  const { server, run, lines, ended } = await labFixture(t)
  server.addJob(NODE, definition(server))
  server.fault = request => (request.startsWith('PATCH') ? { status: 409, body: '{"detail":"already claimed"}' } : null)
  await run()
  t.equal(server.countOf(`PATCH /latest/node/${NODE}`), 1)
  t.same(ended, [])
  t.match(lines.join('\n'), /left alone: the API refused the claim: 409 already claimed/)
})

t.test('of two labs that claim at once the last one has the job', async t => {
  const { server, run, ended } = await labFixture(t)
  server.addJob(NODE, definition(server))
  server.onChange = () => {
    server.onChange = () => undefined
    server.change(NODE, { data: { ...server.data(NODE), job_id: 'other-lab:1' } })
  }
  await run()
  t.same(ended, [])
  t.equal(server.node(NODE).state, 'available')
})

t.test('a claim whose answer is lost is found again', async t => {
  const { server, run } = await labFixture(t)
  server.addJob(NODE, definition(server))
  server.fault = (request, count) => (request === `GET /latest/node/${NODE}` && count === 2 ? 'cut' : null)
  await run()
  t.equal(server.node(NODE).result, 'pass')
})

t.test('a result that is refused is tried again until it is taken', async t => {
  const { server, run } = await labFixture(t)
  server.addJob(NODE, definition(server))
  const faults = [null, { status: 503, body: 'down' }, 'silence' as const]
  server.fault = (request, count) => (request === `PATCH /latest/node/${NODE}` ? (faults[count - 1] ?? null) : null)
  await run()
  t.equal(server.countOf(`PATCH /latest/node/${NODE}`), 4)
  t.equal(server.node(NODE).result, 'pass')
  t.equal(server.countOf('POST /storage/v1/file'), 1, 'the log is uploaded once')
})

t.test('a result that is refused for good is kept, and posted at the next start', async t => {
  const { server, run, ended, lines, config } = await labFixture(t)
  server.addJob(NODE, definition(server))
  server.fault = (request, count) =>
    request === `PATCH /latest/node/${NODE}` && count > 1
      ? { status: 422, body: '{"detail":[{"loc":["body"]}]}' }
      : null
  await run()
  t.match(ended, [{ posted: 'kept', outcome: { result: 'pass' } }])
  t.match(lines.join('\n'), /kept for the next start: .*422/)
  t.same(readdirSync(join(config.stateDir, 'jobs')), [`${NODE}.json`])
  server.fault = () => null
  await run()
  t.equal(server.node(NODE).result, 'pass')
  t.same(readdirSync(join(config.stateDir, 'jobs')), [])
})

t.test('a result whose answer is lost is not posted twice', async t => {
  const { server, run, ended } = await labFixture(t)
  server.addJob(NODE, definition(server))
  server.onChange = (_, { state }) => {
    if (state === 'done') server.fault = (request, count) => (request.startsWith('GET') && count === 4 ? 'cut' : null)
  }
  await run()
  t.match(ended, [{ posted: 'delivered' }])
})

t.test('a storage that takes no logs does not keep the result', async t => {
  const { server, run, lines } = await labFixture(t)
  server.addJob(NODE, definition(server))
  server.fault = request => (request.startsWith('POST /storage') ? { status: 500, body: 'disk full' } : null)
  await run()
  t.equal(server.node(NODE).result, 'pass')
  t.match(lines.join('\n'), /goes without its log: .*disk full/)
})

t.test('a job that somebody ends while it runs is broken off, and not posted', async t => {
  const { server, run, ended, lines } = await labFixture(t)
  server.addJob(NODE, definition(server))
  await run({
    session: options => {
      server.change(NODE, { state: 'done', result: 'incomplete' })
      return new Promise((_, reject) => options.signal.addEventListener('abort', () => reject(options.signal.reason)))
    },
  })
  t.same(ended, [])
  t.equal(server.node(NODE).result, 'incomplete')
  t.ok(lines.includes('broken off: it was set to done, incomplete'))
})

t.test('a job that somebody ends just before its result is not overwritten', async t => {
  const { server, run, ended } = await labFixture(t)
  server.addJob(NODE, definition(server))
  const session = fakeSession(BOOTED)
  await run({
    session: async options => {
      const result = await session(options)
      server.change(NODE, { state: 'done', result: 'fail' })
      return result
    },
  })
  t.match(ended, [{ posted: 'dropped' }])
  t.equal(server.node(NODE).result, 'fail')
})

t.test('a digest that does not fit makes the job incomplete', async t => {
  const { server, run } = await labFixture(t)
  const integrity = { sha256: { kernel: sha256('a kernel'), dtb: sha256('another tree') } }
  server.addJob(NODE, definition(server, { integrity }))
  await run()
  t.equal(server.node(NODE).result, 'incomplete')
  t.match(server.data(NODE), { error_code: 'Infrastructure', error_msg: /board\.dtb: expected sha256/ })
})

t.test('a definition that cannot be read is the fault of the job', async t => {
  const { server, run } = await labFixture(t)
  server.addJob('j1', '{"artifacts": ')
  server.addJob('j2', definition(server, { artifacts: { kernel: 'file:///etc/passwd' } }))
  await run()
  for (const id of ['j1', 'j2']) {
    t.match(server.data(id), { error_code: 'invalid_job_params', error_msg: /the job is not valid/ })
  }
})

t.test('a job that this lab cannot run is incomplete for that reason, as an infrastructure error', async t => {
  const { server, run } = await labFixture(t)
  server.addJob(NODE, definition(server, { artifacts: { kernel: 'http://k', rootfs: 'http://r' } }))
  await run()
  t.equal(server.node(NODE).result, 'incomplete')
  t.match(server.data(NODE), {
    error_code: 'Infrastructure',
    error_msg: /cannot run the job: artifacts\.rootfs is not/,
  })
})

t.test('a single round runs a job that waits while its board becomes free', async t => {
  const { server, run, ended } = await labFixture(t)
  for (const id of ['j1', 'j2']) server.addJob(id, definition(server))
  let freed = (): void => undefined
  const boardFreed = new Promise<void>(resolve => {
    freed = resolve
  })
  await run({
    prepare: state => {
      const save = state.saveCursor.bind(state)
      let writes = 0
      // The second write ends the first distribution of jobs: the board is free again before it is done.
      state.saveCursor = async timestamp => {
        writes += 1
        if (writes === 2) await boardFreed
        return save(timestamp)
      }
      const remove = state.removeJob.bind(state)
      state.removeJob = async id => {
        await remove(id)
        freed()
      }
    },
  })
  t.same(ended.map(({ claimed }) => claimed.nodeId).sort(), ['j1', 'j2'])
})

t.test('an API that does not answer with JSON ends a single poll with its words', async t => {
  const { server, run } = await labFixture(t)
  server.fault = () => ({ status: 200, body: '<html>' })
  await t.rejects(run(), { code: 'PULL_API', message: /no JSON: <html>/ })
  server.fault = () => ({ status: 200, body: '{"detail": 1}' })
  await t.rejects(run(), { code: 'PULL_API', message: /no list of events/ })
  server.fault = () => 'silence'
  await t.rejects(run(), { code: 'FETCH_NETWORK', message: /no answer to GET/ })
})

t.test('a lab that is stopped ends its job as an infrastructure error', async t => {
  const { server, run, ended } = await labFixture(t)
  server.addJob(NODE, definition(server))
  const stop = new AbortController()
  const running = run({
    once: false,
    signal: stop.signal,
    session: stopping(stop),
  })
  await t.rejects(running, { message: 'stopped' })
  t.equal(server.node(NODE).result, 'incomplete')
  t.match(server.data(NODE), { error_code: 'Infrastructure', error_msg: /when the pull lab stopped/ })
  t.match(ended, [{ posted: 'delivered' }])
})

t.test('a job that ran when the lab was killed is posted at the next start, and not run again', async t => {
  const { server, run, config } = await labFixture(t)
  server.addJob(NODE, definition(server))
  server.change(NODE, { data: { ...server.data(NODE), job_id: 'pull-lab-test:earlier' } })
  const state = await StateDir.open(config.stateDir)
  await state.saveJob({
    ...{ version: 1, nodeId: NODE, claim: 'pull-lab-test:earlier', board: 'board-1', platform: 'test-board' },
    ...{ state: 'running', started: '2026-11-23T10:00:00.000Z', outcome: null, logUrl: null },
  })
  await state.close()
  await run({ session: () => Promise.reject(new Error('must not be run')) })
  t.equal(server.node(NODE).result, 'incomplete')
  t.match(server.data(NODE), {
    error_code: 'Infrastructure',
    error_msg: `job ${NODE} was running when the pull lab stopped`,
  })
})

t.test('a claim that was only intended when the lab was killed is forgotten', async t => {
  const { server, run, config } = await labFixture(t)
  server.addJob(NODE, definition(server))
  server.change(NODE, { state: 'available', data: { ...server.data(NODE), job_id: 'other-lab:1' } })
  const state = await StateDir.open(config.stateDir)
  await state.saveJob({
    ...{ version: 1, nodeId: NODE, claim: 'pull-lab-test:earlier', board: 'board-1', platform: 'test-board' },
    ...{ state: 'claiming', started: '2026-11-23T10:00:00.000Z', outcome: null, logUrl: null },
  })
  await state.close()
  await run()
  t.equal(server.node(NODE).state, 'available')
  t.same(readdirSync(join(config.stateDir, 'jobs')), [])
})

const SECOND = `  - name: board-2
    platform: test-board
    agent: http://127.0.0.1:2
    console: tcp://127.0.0.1:2
    cmdline: console=ttyS0
`

t.test('two boards run two jobs at a time, and a third job waits for one of them', async t => {
  const { server, run } = await labFixture(t, SECOND)
  for (const id of ['j1', 'j2', 'j3']) server.addJob(id, definition(server))
  const session = fakeSession(BOOTED)
  const release: (() => void)[] = []
  let most = 0
  let now = 0
  await run({
    session: async options => {
      now += 1
      most = Math.max(most, now)
      // The first two wait for each other: one board alone would never get on.
      if (release.length < 2) {
        await new Promise<void>(resolve => {
          release.push(resolve)
          if (release.length === 2) for (const go of release) go()
        })
      }
      now -= 1
      return session(options)
    },
  })
  t.equal(most, 2)
  t.same(
    ['j1', 'j2', 'j3'].map(id => server.node(id).result),
    ['pass', 'pass', 'pass'],
  )
})

t.test('a job that waits for a board is seen again after a restart', async t => {
  const { server, run, config } = await labFixture(t)
  for (const id of ['j1', 'j2']) server.addJob(id, definition(server))
  const stop = new AbortController()
  const running = run({
    once: false,
    signal: stop.signal,
    session: stopping(stop),
  })
  await t.rejects(running, { message: 'stopped' })
  t.equal(server.node('j2').state, 'available')
  t.ok(existsSync(join(config.stateDir, 'cursor.json')))
  await run()
  t.same([server.node('j1').result, server.node('j2').result], ['incomplete', 'pass'])
})

t.test('a state directory that fails ends the lab, and what is owed does not hold it up', async t => {
  const { server, run, config } = await labFixture(t, SECOND)
  for (const id of ['j1', 'j2']) server.addJob(id, definition(server))
  // The server never takes the first result; then the directory goes away during the second job. A rename takes all of it at
  // once: a recursive removal fails if the lab writes meanwhile, and the lab would rightly go on.
  server.fault = (request, count) =>
    request === 'PATCH /latest/node/j1' && count > 1 ? { status: 500, body: '' } : null
  const session = fakeSession(BOOTED)
  let count = 0
  const running = run({
    once: false,
    session: async options => {
      count += 1
      const result = await session(options)
      if (count === 2) await rename(config.stateDir, `${config.stateDir}.gone`)
      return result
    },
  })
  await t.rejects(running, { code: 'PULL_STATE' })
})

t.test('a state directory that another lab uses is refused', async t => {
  const { config } = await labFixture(t)
  const state = await StateDir.open(config.stateDir)
  await t.rejects(StateDir.open(config.stateDir), { code: 'PULL_STATE', message: /process id \d+ uses it/ })
  await state.close()
  const again = await StateDir.open(config.stateDir)
  await again.close()
})

/** KernelCI's LAVA job for the A80, which calls back to the test's server. */
function lavaDefinition(url: string): string {
  const job = readFileSync('test/unit/agent/boot/requests/lava-a80.yaml', 'utf8')
  return job.replace(/https:\/\/staging\.kernelci\.org:9100\/node/, `${url}/callback/node`)
}

/** `results.lava` of a callback, by name; the text is YAML, and ours is JSON. */
function lavaResults(callback: Document = {}): Record<string, Document> {
  const { lava } = callback.results as { lava: string }
  return Object.fromEntries(JSON.parse(lava).map((entry: Document) => [entry.name, entry]))
}

t.test('a LAVA job goes to the agent as it is, and its result to the callback that it names', async t => {
  const { server, run, ended } = await labFixture(t)
  const text = lavaDefinition(server.url)
  server.addJob(NODE, text)
  await run()
  t.match(ended, [{ posted: 'delivered' }])
  const [callback] = server.callbacks
  t.match(callback, { status: 2, health: 1, actual_device_id: 'board-1', definition: text })
  t.match(lavaResults(callback), { job: { result: 'pass' }, 'login-action': { result: 'pass' } })
  t.match(JSON.parse(String(callback?.log)), [{ lvl: 'target', msg: 'Linux version 6.12' }, { msg: '/ # ' }])
  t.equal(server.node(NODE).state, 'available', 'the receiver of the callback ends the node')
  t.equal(server.countOf(`PATCH /latest/node/${NODE}`), 1, 'the claim')
})

t.test('a LAVA job that fails is incomplete for LAVA, with whose fault it was', async t => {
  const { server, run } = await labFixture(t)
  const outage = { ...PANIC, outcome: 'infrastructure' as const, sign: 'power', reason: 'pdu: no answer' }
  server.addJob('j1', lavaDefinition(server.url))
  await run({ session: fakeSession(PANIC) })
  server.addJob('j2', lavaDefinition(server.url))
  await run({ session: fakeSession(outage) })
  t.match(
    server.callbacks.map(({ status }) => status),
    [3, 3],
  )
  const [job, lab] = server.callbacks.map(callback => lavaResults(callback).job)
  t.match(job, { result: 'fail', metadata: { error_type: 'Job', error_msg: PANIC.reason } })
  t.match(lab, { result: 'fail', metadata: { error_type: 'Infrastructure', error_msg: 'pdu: no answer' } })
})

t.test('a callback that is refused is tried again', async t => {
  const { server, run, ended, lines } = await labFixture(t)
  server.addJob(NODE, lavaDefinition(server.url))
  server.fault = (request, count) => (request.startsWith('POST /callback') && count === 1 ? 'cut' : null)
  await run()
  t.match(ended, [{ posted: 'delivered' }])
  t.equal(server.callbacks.length, 1)
  t.match(lines.join('\n'), /the result is not there yet/)
})

t.test('without a callback, the result of a LAVA job is written into its node', async t => {
  const { server, run } = await labFixture(t)
  server.addJob('j1', lavaDefinition(server.url).replace(/^notify:\n( .*\n|\n)+/m, ''))
  server.addJob('j2', 'actions: [\n')
  server.addJob('j3', 'notify: { callback: { url: 7 } }\n')
  await run()
  t.same(server.callbacks, [])
  t.match(server.node('j1'), { state: 'done', result: 'pass' })
  t.match(server.data('j2'), { error_code: 'invalid_job_params', error_msg: /cannot be read as YAML/ })
  t.match(server.data('j3'), { error_code: 'invalid_job_params', error_msg: /notify\.callback\.url must be/ })
})
