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

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import type { JobState, JobView } from '../../agent/boot/jobs/job.js'
import { bundleAgent } from '../../agent/bundle/bundle.js'
import { DTB, IOMEM } from '../unit/agent/boot/board-fixture.js'
import { sha256, temporaryDirectory } from '../unit/agent/boot/fixture.js'
import { zImage } from '../unit/agent/kexec/images.js'

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

interface Agent {
  readonly child: ChildProcess
  /** exit code; null if a signal ended it */
  readonly ended: Promise<number | null>
  /** resolves when the stub holds it */
  readonly held: Promise<unknown>
  readonly json: <T>(path: string, init?: RequestInit) => Promise<T>
  readonly submit: (fields: object) => Promise<string>
  /** resolves when its U-Boot shows the prompt */
  readonly prompt: () => Promise<void>
}

const AGENT = await bundleAgent(join(await temporaryDirectory(t), 'board'))
const ADDON = join(AGENT, '../prebuilds', `${process.platform}-${process.arch}`)
mkdirSync(ADDON, { recursive: true })
writeFileSync(join(ADDON, 'stub.node'), '')
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

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}

/** A board without a battery of its own: what the stub reads as `/proc` and `/sys`. */
function makeRoot(root: string): void {
  const files: Readonly<Record<string, string | Uint8Array>> = {
    'proc/iomem': IOMEM,
    'proc/meminfo': 'MemTotal: 1000000 kB\nMemAvailable: 900000 kB\n',
    'proc/self/status': 'CapEff:\t000001ffffffffff\n',
    'proc/sys/kernel/kexec_load_disabled': '0\n',
    'proc/sys/kernel/random/boot_id': 'the first boot\n',
    'sys/class/net/stub0/flags': '0x1003\n',
    'sys/class/net/stub0/address': '52:54:00:12:34:56\n',
    'sys/devices/system/cpu/possible': '0\n',
    'sys/devices/system/cpu/online': '0\n',
    'sys/firmware/fdt': DTB,
    'sys/kernel/kexec_loaded': '0',
    calls: '',
  }
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), content)
  }
}

async function start(t: Test, root: string, hold = ''): Promise<Agent> {
  const telnet = await freePort()
  const env = {
    ...process.env,
    STUB_ROOT: root,
    STUB_HOLD: hold,
    NOTIFY_SOCKET: undefined,
    FAUXBOOT_HOST: '127.0.0.1',
    FAUXBOOT_PORT: '0',
    FAUXBOOT_ARTIFACT_DIR: join(root, 'artifacts'),
    FAUXBOOT_STATE_DIR: join(root, 'state'),
    FAUXBOOT_UBOOT_DIR: join(root, 'uboot'),
    FAUXBOOT_UBOOT_TELNET_PORT: String(telnet),
    FAUXBOOT_JUMP_NOTICE_MS: '1',
  }
  const stub = pathToFileURL(join(import.meta.dirname, 'stubbed-machine.js')).href
  const child = spawn(process.execPath, ['--import', stub, AGENT], {
    env,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let url = ''
  const ready = new Promise<void>(resolve => {
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).on('line', line => {
      const { msg } = JSON.parse(line) as { msg: string }
      url = /http:\S+/.exec(msg)?.[0] ?? url
      if (msg === 'ready') resolve()
    })
  })
  await Promise.race([ready, ended.then(code => Promise.reject(new Error(`ended with ${code}`)))])
  const json = async <T>(path: string, init?: RequestInit): Promise<T> => (await fetch(url + path, init)).json() as T
  return {
    child,
    ended,
    held: hold === '' ? Promise.resolve() : once(child, 'message'),
    json,
    async submit(fields) {
      const body = JSON.stringify({ cmdline: 'console=ttyAMA0', ...fields })
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
      const job = await json<JobView>('/v1/jobs', init)
      if (job.id === undefined) throw new Error(JSON.stringify(job))
      return job.id
    },
    async prompt() {
      const socket = connect(telnet, '127.0.0.1')
      t.teardown(() => socket.destroy())
      await once(socket, 'connect')
      socket.write(' ')
      let text = ''
      for await (const chunk of socket) {
        text += String(chunk)
        if (text.includes('=> ')) return
      }
      throw new Error(`no prompt: ${text}`)
    },
  }
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
