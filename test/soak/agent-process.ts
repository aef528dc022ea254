/** The agent's bundle as a process of its own, as on a board, but without the right to boot this machine. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { lstat, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { agentEnvironment } from '../../systemd/image/agent-environment.js'
import { AGENT_BUNDLE } from '../../systemd/paths.js'
import { HOST, PORTS, TOKEN } from './addresses.js'

/** The limits of the unit, and the end with its parent. A job that would load or jump fails: the right to do so is gone. */
const RIGHTS = '-sys_boot,-sys_rawio,-sys_time,-sys_module'
const LIMITED = ['--nofile=4096', 'setpriv', '--pdeathsig', 'KILL', '--bounding-set', RIGHTS, '--inh-caps', RIGHTS]

/** Milliseconds to the first answer, on a machine that is busy. */
const START_MS = 60_000
/** Milliseconds after SIGTERM; systemd waits as long on a board. */
const STOP_MS = 10_000

export interface AgentOptions {
  /** on a tmpfs, for all that the agent stores */
  readonly directory: string
  /** terminal for the console */
  readonly serial: string
  readonly maxConnections: number
  /** file that the agent's log is written to */
  readonly log: string
}

/** Resident memory in bytes, as `/proc/PID/status` splits it. */
export interface Resident {
  /** what the process has allocated, and what it has changed of files: nobody else has a use for it */
  readonly anon: number
  /** pages of files on a disk: Node's own code. The kernel drops and reads them as it likes */
  readonly file: number
  /** pages of files in a tmpfs: artifacts that are mapped. They are stored, mapped or not */
  readonly shmem: number
}

/** Of the agent, at one moment. */
export interface Usage extends Resident {
  /** bytes of artifacts and of U-Boot's memory */
  readonly stored: number
  readonly descriptors: number
}

export class AgentProcess {
  readonly #child: ChildProcess
  readonly #stores: readonly string[]

  private constructor(child: ChildProcess, stores: readonly string[]) {
    this.#child = child
    this.#stores = stores
  }

  /** Start the agent, and wait for its first answer. */
  static async start({ directory, serial, maxConnections, log }: AgentOptions): Promise<AgentProcess> {
    const tokenFile = join(directory, 'token')
    await writeFile(tokenFile, TOKEN)
    const stores = { artifactDir: join(directory, 'artifacts'), ubootDir: join(directory, 'uboot') }
    const settings = {
      ...{ host: '', port: PORTS.http, tokenFile, maxConnections },
      ...{ ...stores, stateDir: join(directory, 'state') },
      ...{ ubootTelnetHost: HOST, ubootTelnetPort: PORTS.telnet, ubootSerial: serial, bootDelay: 0 },
      ...{ tftpPort: PORTS.tftp },
    }
    const config = join(directory, 'config.json')
    await writeFile(config, JSON.stringify(settings))
    const output = openSync(log, 'w')
    const argv = [...LIMITED, process.execPath, AGENT_BUNDLE, '--config', config]
    const env = { ...process.env, ...agentEnvironment() }
    const child = spawn('prlimit', argv, { env, stdio: ['ignore', output, output] })
    closeSync(output)
    const agent = new AgentProcess(child, Object.values(stores))
    await agent.#answers()
    return agent
  }

  async #answers(): Promise<void> {
    const end = performance.now() + START_MS
    while (performance.now() < end && this.ended === null) {
      const answer = await fetch(`http://${HOST}:${PORTS.http}/healthz`).catch(() => null)
      if (answer?.ok) return void (await answer.arrayBuffer())
      await pause(50)
    }
    this.#child.kill('SIGKILL')
    throw new Error(`the agent did not start: ${this.ended ?? 'it did not answer'}`)
  }

  /** How it ended; null while it runs. */
  get ended(): string | null {
    const { exitCode, signalCode } = this.#child
    return exitCode === null && signalCode === null ? null : (signalCode ?? `exit code ${exitCode}`)
  }

  /** @throws Error when it has ended */
  async usage(): Promise<Usage> {
    const directory = `/proc/${this.#child.pid}`
    const status = await readFile(join(directory, 'status'), 'utf8')
    const descriptors = (await readdir(join(directory, 'fd'))).length
    const sizes = await Promise.all(this.#stores.map(storedIn))
    const resident = (part: string): number =>
      Number(new RegExp(`^Rss${part}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
    return {
      ...{ anon: resident('Anon'), file: resident('File'), shmem: resident('Shmem') },
      ...{ stored: sizes.reduce((sum, size) => sum + size), descriptors },
    }
  }

  /** End it as systemd does. @returns how it ended */
  async stop(): Promise<string> {
    if (this.ended !== null) return this.ended
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await Promise.race([ended, pause(STOP_MS, undefined, { ref: false })])
    if (this.ended !== null) return this.ended
    this.#child.kill('SIGKILL')
    await ended
    return `SIGKILL, because SIGTERM had not ended it in ${STOP_MS / 1000} s`
  }
}

/** Bytes that the files below a directory take up. Files may go while they are counted. */
async function storedIn(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true }).catch(() => [])
  const sizes = names.map(async name => (await lstat(join(directory, name)).catch(() => null))?.blocks ?? 0)
  return 512 * (await Promise.all(sizes)).reduce((sum, blocks) => sum + blocks, 0)
}
