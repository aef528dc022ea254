/**
 * The agent's own bundle dies in every state of a job, and starts again on what it left:
 *
 * state             SIGKILL                              SIGTERM
 * queued            failed, JOB_INTERRUPTED              failed, JOB_INTERRUPTED
 * fetching          failed, JOB_INTERRUPTED              failed, JOB_INTERRUPTED
 * verifying         failed, JOB_INTERRUPTED              failed, JOB_INTERRUPTED
 * planning          failed, JOB_INTERRUPTED              failed, JOB_INTERRUPTED
 * planning, loaded  failed, JOB_INTERRUPTED, unloaded    failed, JOB_INTERRUPTED, unloaded
 * loaded            failed, JOB_INTERRUPTED, unloaded    failed, JOB_INTERRUPTED, unloaded
 * booting           failed, JOB_INTERRUPTED, unloaded    it jumps: links may be down, which only a reset brings up
 * planned           stays                                stays
 * failed            stays, with its own error            stays, with its own error
 * cancelled         stays                                stays
 */

import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { JobState, JobView } from '../../agent/boot/jobs/job.js'
import { sha256, temporaryDirectory } from '../unit/agent/boot/fixture.js'
import { zImage } from '../unit/agent/kexec/images.js'
import { type Agent, makeRoot, start } from './stubbed-agent.js'

const KERNEL = Buffer.from(zImage())
const SIGNALS = ['SIGKILL', 'SIGTERM'] as const
type Signal = (typeof SIGNALS)[number]

interface Row {
  /** of the job when the signal comes */
  readonly state: JobState
  /** where the stub holds the agent; without it, the job stays in its state by itself */
  readonly hold?: string
  /** the job that is looked at; without it, one whose kernel comes from the file server */
  readonly submit?: (agent: Agent) => Promise<string>
  /** what the next life of the agent says; by default, that the job was interrupted */
  readonly after?: Partial<Record<Signal, { readonly state: JobState; readonly code?: string }>>
  /** an image is loaded when the signal comes */
  readonly loaded?: true
}

const stays = (state: JobState, code?: string): Row['after'] => ({
  SIGKILL: { state, code },
  SIGTERM: { state, code },
})

const ROWS: Readonly<Record<string, Row>> = {
  queued: {
    state: 'queued',
    submit: async agent => {
      await agent.submit({ kernel: `${FILES}/stalls` })
      return agent.submit({ kernel: `${FILES}/zImage`, options: { queue: true } })
    },
  },
  fetching: { state: 'fetching', submit: agent => agent.submit({ kernel: `${FILES}/stalls` }) },
  verifying: { state: 'verifying', hold: 'verifying' },
  planning: { state: 'planning', hold: 'planning' },
  'planning, with an image that has just been loaded': { state: 'planning', hold: 'loading', loaded: true },
  loaded: { state: 'loaded', hold: 'loaded', loaded: true },
  booting: { state: 'booting', hold: 'booting', loaded: true, after: { SIGTERM: { state: 'booting' } } },
  planned: {
    state: 'planned',
    submit: agent => agent.submit({ kernel: `${FILES}/zImage`, options: { dryRun: true } }),
    after: stays('planned'),
  },
  failed: {
    state: 'failed',
    submit: agent => agent.submit({ kernel: `${FILES}/missing` }),
    after: stays('failed', 'FETCH_STATUS'),
  },
  cancelled: {
    state: 'cancelled',
    submit: async agent => {
      const id = await agent.submit({ kernel: `${FILES}/stalls` })
      await agent.json(`/v1/jobs/${id}`, { method: 'DELETE' })
      return id
    },
    after: stays('cancelled', 'JOB_CANCELLED'),
  },
}

const FILES = await serveFiles()

/** A kernel; one that stalls in the middle; and nothing else. */
async function serveFiles(): Promise<string> {
  const server = createServer(({ url }, response) => {
    if (url !== '/zImage' && url !== '/stalls') return response.writeHead(404).end()
    response.writeHead(200, { 'content-length': KERNEL.length })
    return url === '/zImage' ? response.end(KERNEL) : response.write(KERNEL.subarray(0, KERNEL.length / 2))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A finished upload, and one that broke off. */
async function upload({ json }: Agent): Promise<void> {
  const put = (name: string, bytes: Buffer, headers: Record<string, string> = {}) =>
    json(`/v1/artifacts/${name}`, { method: 'PUT', headers, body: new Uint8Array(bytes) })
  await put('whole', KERNEL)
  await put('half', KERNEL.subarray(0, 1000), { 'content-range': `bytes 0-999/${KERNEL.length}` })
}

/** The state of a job as the agent has written it down. */
function writtenState(root: string, id: string): string {
  try {
    return JSON.parse(readFileSync(join(root, 'state', `${id}.json`), 'utf8')).view.state
  } catch {
    // Not written yet.
    return ''
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5))
}

t.jobs = 2

for (const [name, row] of Object.entries(ROWS)) {
  for (const signal of SIGNALS) {
    t.test(
      `${signal} while a job is ${name}: the agent is back, with nothing loaded and nothing half done`,
      async t => {
        const root = await temporaryDirectory(t)
        makeRoot(root)
        const agent = await start(t, root, row.hold)
        await upload(agent)
        const submit = row.submit ?? (({ submit }) => submit({ kernel: `${FILES}/zImage` }))
        const id = await submit(agent)
        await agent.held
        await until(() => writtenState(root, id) === row.state)
        const loaded = (): string => readFileSync(join(root, 'sys/kernel/kexec_loaded'), 'latin1')
        t.equal(loaded(), row.loaded ? '1' : '0')
        agent.child.kill(signal)
        const jumps = row.state === 'booting' && signal === 'SIGTERM'
        t.equal(await agent.ended, signal === 'SIGTERM' && !jumps ? 0 : null)
        if (jumps) writeFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'the next boot\n')

        const again = await start(t, root)
        t.equal(loaded(), '0', 'nothing is loaded')
        const calls = readFileSync(join(root, 'calls'), 'latin1').trim().split('\n')
        t.equal(calls.at(-1), jumps ? 'jump' : row.loaded ? 'unload' : calls.at(-1))
        const { state, error } = await again.json<JobView>(`/v1/jobs/${id}`)
        const expected = row.after?.[signal] ?? { state: 'failed', code: 'JOB_INTERRUPTED' }
        t.match({ state, code: error?.code }, { state: expected.state, code: expected.code })
        if (expected.code === 'JOB_INTERRUPTED') t.equal(error?.details.state, row.state)
        t.match(await again.json('/v1/board'), { owner: null, queued: [], kexec: { loaded: false } })

        t.same(readdirSync(join(root, 'artifacts')).sort(), ['half.partial', 'whole'])
        t.match(await again.json('/v1/artifacts/whole'), { complete: true, sha256: sha256(KERNEL) })
        t.match(await again.json('/v1/artifacts/half'), { complete: false, received: 1000 })
        t.same(
          readdirSync(join(root, 'state')).filter(file => !/^[0-9a-f]{10}\.json$/.test(file)),
          [],
        )
        t.same(readdirSync(join(root, 'uboot')).sort(), ['memory'])
        await again.prompt()
        const next = await again.submit({ kernel: { artifact: 'whole' }, options: { dryRun: true } })
        await until(() => writtenState(root, next) === 'planned')
      },
    )
  }
}
