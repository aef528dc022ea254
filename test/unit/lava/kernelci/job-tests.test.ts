/** Tests on the shell of a target, and what is posted of them. */

import t from 'tap'
import { FakeTarget } from '../console/fake-target.js'
import { BOOTED, fakeSession } from '../monitor/fake-session.js'
import { definition, labFixture, NODE } from './lab-fixture.js'

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
