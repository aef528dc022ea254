/** How a pull lab takes jobs, and what it leaves alone. */

import t from 'tap'
import { fakeSession, PANIC } from '../monitor/fake-session.js'
import type { Document } from './kernelci-server.js'
import { definition, labFixture, NODE } from './lab-fixture.js'

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

t.test('a lab claims and ends jobs in the state that its settings name', async t => {
  const { server, run } = await labFixture(t, { api: '  jobState: prepared\n' })
  server.addJob('j1', definition(server))
  server.addJob('j2', definition(server), {}, { state: 'prepared' })
  await run()
  t.match([server.node('j1'), server.node('j2')], [{ state: 'available' }, { state: 'done', result: 'pass' }])
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
