import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { BOOTED, fakeSession, PANIC } from '../monitor/fake-session.js'
import type { Document } from './kernelci-server.js'
import { definition, labFixture, NODE, SECOND } from './lab-fixture.js'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
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
  server.addJob(NODE, definition(server, { artifacts: { kernel: 'http://k', uefi: 'http://u' } }))
  await run()
  t.equal(server.node(NODE).result, 'incomplete')
  t.match(server.data(NODE), {
    error_code: 'Infrastructure',
    error_msg: /cannot run the job: artifacts\.uefi is not/,
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

t.test('two boards run two jobs at a time, and a third job waits for one of them', async t => {
  const { server, run } = await labFixture(t, { boards: SECOND })
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
