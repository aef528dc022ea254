/** How results get to KernelCI, whatever goes wrong on the way. */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { BOOTED, fakeSession } from '../monitor/fake-session.js'
import { definition, labFixture, NODE } from './lab-fixture.js'

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
