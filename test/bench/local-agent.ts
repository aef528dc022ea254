/** The agent's bundle on this machine, and what it takes. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AGENT_BUNDLE } from '../../systemd/paths.js'
import { cpuMsOf, type Took } from './timing.js'

const PROBE = pathToFileURL(join(import.meta.dirname, 'event-loop-probe.js')).href

/** What the agent's process took for something. */
interface AgentTook extends Took {
  /** peak of its resident memory so far */
  readonly rssMiB: number
}

export interface LocalAgent {
  readonly url: string
  /** CPU time since its start, milliseconds */
  cpuMs(): number
  took(work: () => Promise<unknown>): Promise<AgentTook>
  stop(): Promise<void>
}

/**
 * Start an agent, and return at its first answer.
 *
 * @param options further ones of its command line
 * @param probe watch its event loop; this makes its start slower
 */
export async function startLocalAgent(options: readonly string[] = [], probe = true): Promise<LocalAgent> {
  const directory = await mkdtemp('/dev/shm/fauxboot-bench-')
  const port = await freePort()
  const settings = ['--host', '127.0.0.1', '--port', String(port), '--log-level', 'silent']
  const folders = ['--artifact-dir', join(directory, 'artifacts'), '--state-dir', join(directory, 'state')]
  const child = fork(AGENT_BUNDLE, [...settings, ...folders, ...options], {
    execArgv: probe ? ['--import', PROBE] : [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const url = `http://127.0.0.1:${port}`
  await answered(`${url}/healthz`, child)
  const { pid = 0 } = child
  const blockedMs = async (): Promise<number | undefined> => {
    if (!probe) return undefined
    child.send('blocked')
    const [blocked] = await once(child, 'message')
    return blocked
  }
  const peakMiB = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024
  return {
    url,
    cpuMs: () => cpuMsOf(pid),
    async took(work) {
      await blockedMs()
      const [cpu, started] = [cpuMsOf(pid), performance.now()]
      await work()
      const ms = performance.now() - started
      return { ms, cpuMs: cpuMsOf(pid) - cpu, blockedMs: await blockedMs(), rssMiB: peakMiB() }
    },
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function answered(url: string, child: ChildProcess): Promise<void> {
  for (;;) {
    const answer = await fetch(url).catch(() => null)
    if (answer?.ok) return void (await answer.arrayBuffer())
    if (child.exitCode !== null) throw new Error(`the agent ended with ${child.exitCode} before it answered`)
  }
}
