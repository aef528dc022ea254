/** The agent's bundle on this machine, with its CPU time and its memory. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { AGENT_BUNDLE } from '../../../systemd/paths.js'
import type { GrowthPoint } from './growth.js'

/** `sysconf(_SC_CLK_TCK)`, which Linux has the same everywhere */
const TICK_MS = 10

export interface MeasuredAgent {
  readonly url: string
  /** What the agent took meanwhile. */
  measured(at: number, work: () => Promise<void>): Promise<GrowthPoint>
  stop(): Promise<void>
}

/** Start an agent, and return at its first answer. */
export async function startMeasuredAgent(): Promise<MeasuredAgent> {
  const directory = await mkdtemp('/dev/shm/fauxboot-growth-')
  const port = await freePort()
  const child = spawn(
    process.execPath,
    [
      ...[AGENT_BUNDLE, '--host', '127.0.0.1', '--port', String(port), '--log-level', 'silent'],
      ...['--artifact-dir', join(directory, 'artifacts'), '--state-dir', join(directory, 'state')],
      ...['--max-connections', '2000'],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const url = `http://127.0.0.1:${port}`
  for (;;) {
    const answer = await fetch(`${url}/healthz`).catch(() => null)
    if (answer?.ok) break
    if (child.exitCode !== null) throw new Error(`the agent ended with ${child.exitCode} before it answered`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const cpuMs = (): number => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  }
  const peakMiB = (): number =>
    Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1]) / 1024
  return {
    url,
    async measured(at, work) {
      const [cpu, started] = [cpuMs(), performance.now()]
      await work()
      return { at, ms: performance.now() - started, cpuMs: cpuMs() - cpu, rssMiB: peakMiB() }
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
