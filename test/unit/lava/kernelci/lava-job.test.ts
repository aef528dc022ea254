/** Jobs of a LAVA pull lab. */

import { readFileSync } from 'node:fs'
import t from 'tap'
import { FakeTarget } from '../console/fake-target.js'
import { BOOTED, fakeSession, PANIC } from '../monitor/fake-session.js'
import type { Document } from './kernelci-server.js'
import { labFixture, NODE } from './lab-fixture.js'

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

t.test('the inline definitions of a LAVA job are run, and posted with their cases', async t => {
  const { server, run } = await labFixture(t)
  const steps = "echo 'Hello World!'\n                  lava-test-case hello --shell false"
  server.addJob(NODE, lavaDefinition(server.url).replace(/echo 'Hello World!'.*/, steps))
  await run({ session: fakeSession(BOOTED, () => new FakeTarget()) })
  const [callback] = server.callbacks
  t.match(callback, { status: 2 }, 'for LAVA, a job is complete whatever its tests report')
  t.match(lavaResults(callback), { job: { result: 'pass' }, '0_dmesg': { result: 'fail' } })
  const { '0_dmesg': suite } = (callback ?? { results: {} }).results as Document
  t.match(JSON.parse(String(suite)), [{ name: 'hello', result: 'fail', metadata: { definition: '0_dmesg' } }])
})

t.test('a LAVA job that needs a dispatcher is refused before the board is switched on', async t => {
  const { server, run } = await labFixture(t)
  const text = lavaDefinition(server.url).replace(/^notify:\n( .*\n|\n)+/m, '')
  const jobs: readonly [string, RegExp][] = [
    [text.replace('from: inline', 'from: git'), /job: test 0_dmesg comes from git, and only inline definitions/],
    [text.replace('modules:', 'nfsrootfs:'), /actions\[0\]\.deploy\.nfsrootfs needs a LAVA dispatcher/],
    [text.replace('commands: ramdisk', 'commands: nfs'), /actions\[1\]\.boot\.commands must be "ramdisk", found "nfs"/],
    [`${text}\nprotocols: { lava-multinode: {} }\n`, /protocols\.lava-multinode needs a LAVA server/],
  ]
  for (const [index, [job]] of jobs.entries()) server.addJob(`j${index}`, job)
  await run({ session: () => Promise.reject(new Error('must not be run')) })
  for (const [index, [, error_msg]] of jobs.entries()) {
    t.match(server.data(`j${index}`), { error_code: 'Infrastructure', error_msg })
  }
})
