/**
 * The soak itself, as the child of `own-network.ts` and inside the network that this has made: starts the agent and its
 * clients, watches both, and sends its parent a message for each sample and for the result.
 *
 * Argument: the options, as JSON
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { PORTS } from './addresses.js'
import { AgentProcess, type Usage } from './agent-process.js'
import { connectTo } from './connection.js'
import type { SoakMessage, SoakOptions } from './own-network.js'
import type { Tally } from './run-load.js'
import { openSerialLine } from './serial-line.js'
import type { Sample, SoakResult } from './soak-result.js'
import { ask } from './token-holder.js'

const SAMPLE_MS = 500
/** Milliseconds from one request of the token holder to the next. */
const ASK_MS = 100
/** Milliseconds for everything to end after the load: jobs that fetch from servers that are gone retry first. */
const SETTLE_MS = 180_000
/** Milliseconds for the console to answer, on a machine that is busy. */
const CONSOLE_MS = 60_000
const MOST_FAULTS = 5

/** Asks for something again and again, on new connections and on one that stays. */
class TokenHolder {
  readonly #kept = new Agent({ keepAlive: true, maxSockets: 1 })
  #since: number | null = null
  #longest = 0
  #stopped = false
  answers = 0
  unanswered: string | null = null

  async run(): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      this.#since = performance.now()
      await this.#ask(turn)
      this.#longest = Math.max(this.#longest, performance.now() - this.#since)
      this.#since = null
      await pause(ASK_MS)
    }
  }

  stop(): void {
    this.#stopped = true
    this.#kept.destroy()
  }

  /** @returns milliseconds: the longest wait since the last call */
  longest(): number {
    const waiting = this.#since === null ? 0 : performance.now() - this.#since
    const longest = Math.max(this.#longest, waiting)
    this.#longest = 0
    return longest
  }

  async #ask(turn: number): Promise<void> {
    try {
      const agent = turn % 2 === 0 ? this.#kept : undefined
      const { status, text } = await ask({ method: 'GET', path: turn % 4 < 2 ? '/v1/board' : '/v1/jobs', agent })
      if (status !== 200) throw new Error(`answered with ${status}: ${text.slice(0, 200)}`)
      this.answers++
    } catch (thrown) {
      if (!this.#stopped) this.unanswered ??= `request ${turn}: ${thrown}`
    }
  }
}

/** One of each kind of request: what the agent opens once, and keeps, is not a leak. */
async function warmUp(): Promise<void> {
  await ask({ method: 'PUT', path: '/v1/artifacts/first', body: new Uint8Array(1024) })
  await ask({ method: 'DELETE', path: '/v1/artifacts/first' })
  await ask({ method: 'GET', path: '/docs/json' })
  await consoleAnswer()
  // Its connections are closed in the agent's own time.
  await pause(1000)
}

/**
 * What was typed on the serial line runs on when that is gone; every console may end it, and the next line that waits.
 *
 * @returns null when a console answers as it should
 */
async function consoleAnswer(): Promise<string | null> {
  const end = performance.now() + CONSOLE_MS
  let seen = ''
  while (performance.now() < end) {
    const socket = await connectTo(PORTS.telnet, 0)
    socket?.setEncoding('latin1').on('data', text => (seen = (seen + text).slice(-300)))
    for (let turn = 0; socket?.writable && performance.now() < end; turn++) {
      if (/U-Boot 20.*=> $/s.test(seen)) {
        socket.destroy()
        return null
      }
      // Ctrl-C discards what was typed before it.
      socket.write(turn % 10 === 9 ? 'version\r' : '\x03')
      await pause(turn % 10 === 9 ? 1000 : 100)
    }
    await pause(100)
  }
  return `nothing but ${JSON.stringify(seen)} in ${CONSOLE_MS / 1000} s`
}

/** Wait until the agent is as it was before. @returns its last usage */
async function settled(agent: AgentProcess, before: Usage): Promise<Usage> {
  const end = performance.now() + SETTLE_MS
  for (;;) {
    const usage = await agent.usage()
    if (usage.descriptors <= before.descriptors || performance.now() > end) return usage
    await pause(SAMPLE_MS)
  }
}

/** Lines of the log that should not be there. */
async function faultsIn(log: string): Promise<string[]> {
  const lines = (await readFile(log, 'utf8')).split('\n')
  return lines.filter(line => /"level":"fatal"|"code":"INTERNAL"|^[^{]/.test(line)).slice(0, MOST_FAULTS)
}

const tell = (message: SoakMessage): void => void process.send?.(message)

async function soak({ minutes, maxConnections, log }: SoakOptions): Promise<SoakResult> {
  const directory = await mkdtemp('/dev/shm/fauxboot-soak-')
  await mkdir(dirname(log), { recursive: true })
  const line = await openSerialLine(join(directory, 'tty'))
  const agent = await AgentProcess.start({ directory, serial: join(directory, 'tty'), maxConnections, log })
  const holder = new TokenHolder()
  const samples: Sample[] = []
  let load: ChildProcess | null = null
  let tallies: readonly Tally[] = []
  try {
    await warmUp()
    const before = await agent.usage()
    load = fork(join(import.meta.dirname, 'run-load.js'), [], { execArgv: ['--enable-source-maps'] })
    load.on('message', message => (tallies = message as Tally[]))
    line.load()
    const asking = holder.run()
    const start = performance.now()
    const seconds = (): number => (performance.now() - start) / 1000
    while (seconds() < minutes * 60 && agent.ended === null && load.exitCode === null && !interrupted) {
      await pause(SAMPLE_MS)
      const usage = await agent.usage().catch(() => null)
      if (usage === null) break
      const sample = { seconds: seconds(), answer: holder.longest(), ...usage }
      samples.push(sample)
      tell({ sample })
    }
    if (load.exitCode !== null) throw new Error(`the clients ended with ${load.exitCode}`)
    holder.stop()
    const gone = once(load, 'exit')
    load.kill('SIGKILL')
    await Promise.all([gone, asking])
    line.close()
    const alive = agent.ended === null
    const after = alive ? await settled(agent, before) : before
    const console = alive ? await consoleAnswer() : 'it has ended'
    const end = await agent.stop()
    const { answers, unanswered } = holder
    return { samples, before, after, answers, unanswered, tallies, faults: await faultsIn(log), console, end }
  } finally {
    load?.kill('SIGKILL')
    line.close()
    await agent.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

let interrupted = false
process.once('SIGINT', () => (interrupted = true))
process.once('disconnect', () => process.exit(1))
const result = await soak(JSON.parse(process.argv[2] ?? '') as SoakOptions)
process.send?.({ result } satisfies SoakMessage, () => process.exit())
