/** Start of the agent, to its first answer over HTTP, against a Node that does nothing. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { QemuBoard } from '../../systemd/qemu/qemu.js'
import { runOnBoard } from '../../systemd/target/test-overlay.js'
import type { Figure } from './figure.js'
import { PATIENCE, timed } from './timing.js'

const AGENT = 'dist/board/fauxboot-agent.cjs'

/** An agent on this machine; `stop` ends it. */
export interface LocalAgent {
  readonly url: string
  stop(): Promise<void>
}

/** Start the bundled agent on this machine, and return at its first answer. @param options further ones of its command line */
export async function startAgent(options: readonly string[] = []): Promise<LocalAgent> {
  const dir = await mkdtemp('/dev/shm/fauxboot-bench-')
  const port = await freePort()
  const settings = ['--host', '127.0.0.1', '--port', String(port), '--log-level', 'silent']
  const dirs = ['--artifact-dir', join(dir, 'artifacts'), '--state-dir', join(dir, 'state')]
  const child = spawn(process.execPath, [AGENT, ...settings, ...dirs, ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    await rm(dir, { recursive: true, force: true })
  }
  await answered(`${url}/healthz`, child)
  return { url, stop }
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

export async function measureAgentStart(runs: number): Promise<Figure> {
  // A board's image has it; here it is made for this machine's Node.
  await once(spawn(process.execPath, [AGENT, '--build-cache'], { stdio: 'ignore' }), 'exit')
  const ours: number[] = []
  const theirs: number[] = []
  for (let run = 0; run < runs; run++) {
    let agent: LocalAgent | undefined
    ours.push(
      await timed(async () => {
        agent = await startAgent()
      }),
    )
    await agent?.stop()
    theirs.push(await timed(() => once(spawn(process.execPath, ['-e', '0']), 'exit')))
  }
  return {
    what: 'agent start to first answer, this machine',
    peer: `node -e 0 (${process.version})`,
    unit: 'ms',
    ours,
    theirs,
    target: 2,
    reason: 'loading Fastify and opening the stores takes longer than Node itself',
  }
}

/** The same on a board: from systemd's start of the process to its READY=1, which `systemd-notify` brings. */
export async function measureAgentStartOnBoard(qemu: QemuBoard, runs: number): Promise<Figure> {
  const shell = async (command: string) => (await runOnBoard(qemu.console, command, PATIENCE)).output
  const ours: number[] = []
  const theirs: number[] = []
  const properties = '-p ExecMainStartTimestampMonotonic -p ActiveEnterTimestampMonotonic'
  for (let run = 0; run < runs; run++) {
    await shell('systemctl restart fauxboot-agent')
    const output = await shell(`systemctl show fauxboot-agent ${properties}`)
    const stamp = (name: string): number => Number(new RegExp(`${name}=(\\d+)`).exec(output)?.[1])
    ours.push((stamp('ActiveEnterTimestampMonotonic') - stamp('ExecMainStartTimestampMonotonic')) / 1000)
    const [, seconds] = /real\s+0m\s*([\d.]+)s/.exec(await shell('time node -e 0')) ?? []
    theirs.push(Number(seconds) * 1000)
  }
  return {
    what: `agent start to READY=1, ${qemu.board.name}`,
    peer: `node -e 0 (${(await shell('node --version')).trim()})`,
    unit: 'ms',
    ours,
    theirs,
    target: 1,
    reason: 'the addon and Fastify come on top of Node, which starts from a snapshot here',
  }
}
