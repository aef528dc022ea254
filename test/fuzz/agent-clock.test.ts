/** The agent's own bundle while somebody sets the clock by decades, in both directions. */

import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { JobView } from '../../agent/boot/jobs/job.js'
import { temporaryDirectory } from '../unit/agent/boot/fixture.js'
import { zImage } from '../unit/agent/kexec/images.js'
import { type Agent, makeRoot, start } from './stubbed-agent.js'

const KERNEL = Buffer.from(zImage())
const DAY = 86_400_000
const YEARS = [20, -40, 200, 0]

/** A kernel that comes half now, and half when the test says so. */
async function serveHalves(t: Test): Promise<{ readonly url: string; readonly half: () => Promise<ServerResponse> }> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': KERNEL.length }).write(KERNEL.subarray(0, KERNEL.length / 2))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const half = async (): Promise<ServerResponse> => (await once(server, 'request'))[1]
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, half }
}

async function setClock({ child }: Agent, years: number): Promise<void> {
  const set = once(child, 'message')
  child.send(years * 365 * DAY)
  await set
}

t.test('a download, its job, the console and the API go on when the clock jumps by decades', async t => {
  const root = await temporaryDirectory(t)
  makeRoot(root)
  const { url, half } = await serveHalves(t)
  const agent = await start(t, root)
  for (const years of YEARS) {
    const came = half()
    const id = await agent.submit({ kernel: url, options: { dryRun: true } })
    const response = await came
    await setClock(agent, years)
    t.match(await agent.json('/v1/board'), { owner: id }, `${years} years`)
    await agent.prompt()
    response.end(KERNEL.subarray(KERNEL.length / 2))
    const view = async (): Promise<JobView> => agent.json<JobView>(`/v1/jobs/${id}`)
    while (!(await view()).error && (await view()).state !== 'planned') await new Promise(done => setTimeout(done, 5))
    const { state, error, updated, durations } = await view()
    t.same([state, error], ['planned', null], `${years} years`)
    t.equal(new Date(updated).getUTCFullYear(), new Date(Date.now() + years * 365 * DAY).getUTCFullYear())
    for (const spent of Object.values(durations)) t.ok(spent >= 0 && spent < DAY, `${spent} ms`)
  }
  agent.child.kill('SIGTERM')
  t.equal(await agent.ended, 0)
})
