/** A pull lab that is stopped or killed, and what its next start does. */

import { existsSync, readdirSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { StateDir } from '../../../../lava/kernelci/state-dir.js'
import { BOOTED, fakeSession } from '../monitor/fake-session.js'
import { definition, labFixture, NODE, SECOND, stopping } from './lab-fixture.js'

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
  const { server, run, config } = await labFixture(t, { boards: SECOND })
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
