/** Start of the agent, to its first answer over HTTP, against a Node that does nothing. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { AGENT_BUNDLE } from '../../systemd/paths.js'
import type { QemuBoard } from '../../systemd/qemu/qemu.js'
import { runOnBoard } from '../../systemd/target/test-overlay.js'
import { agentCpuMs } from './board-agent.js'
import type { Figure } from './figure.js'
import { startLocalAgent } from './local-agent.js'
import { alternate, asFigure, PATIENCE, type Took, timedCommand, tookOnBoard } from './timing.js'

export async function measureAgentStart(runs: number): Promise<Figure> {
  // A board's image has it; here it is made for this machine's Node.
  await once(spawn(process.execPath, [AGENT_BUNDLE, '--build-cache'], { stdio: 'ignore' }), 'exit')
  const ours = async (): Promise<Took> => {
    const started = performance.now()
    const agent = await startLocalAgent([], false)
    const took = { ms: performance.now() - started, cpuMs: agent.cpuMs() }
    await agent.stop()
    return took
  }
  return {
    ...asFigure(await alternate(runs, ours, () => timedCommand([process.execPath, '-e', '0']))),
    what: 'agent start to first answer, this machine',
    peer: `node -e 0 (${process.version})`,
    target: 2,
    reason: 'loading Fastify and opening the stores takes longer than Node itself',
  }
}

/** The same on a board: from systemd's start of the process to its READY=1, which `systemd-notify` brings. */
export async function measureAgentStartOnBoard(qemu: QemuBoard, runs: number): Promise<Figure> {
  const shell = async (command: string) => (await runOnBoard(qemu.console, command, PATIENCE)).output
  const properties = '-p ExecMainStartTimestampMonotonic -p ActiveEnterTimestampMonotonic'
  const ours = async (): Promise<Took> => {
    await shell('systemctl restart fauxboot-agent')
    const cpuMs = await agentCpuMs(qemu)
    const output = await shell(`systemctl show fauxboot-agent ${properties}`)
    const stamp = (name: string): number => Number(new RegExp(`${name}=(\\d+)`).exec(output)?.[1])
    return { ms: (stamp('ActiveEnterTimestampMonotonic') - stamp('ExecMainStartTimestampMonotonic')) / 1000, cpuMs }
  }
  const theirs = async (): Promise<Took> => tookOnBoard(await shell('time node -e 0'))
  return {
    ...asFigure(await alternate(runs, ours, theirs)),
    what: `agent start to READY=1, ${qemu.board.name}`,
    peer: `node -e 0 (${(await shell('node --version')).trim()})`,
    target: 1,
    reason: 'the addon and Fastify come on top of Node, which starts from a snapshot here',
  }
}
