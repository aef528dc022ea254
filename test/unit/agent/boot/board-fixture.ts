/** A board without a board: a host whose every word may be changed, a fake kernel, and a pipeline on top of them. */

import { join } from 'node:path'
import type { Test } from 'tap'
import { mapOrRead } from '../../../../agent/artifact-memory.js'
import type { BoardHost } from '../../../../agent/boot/board/board.js'
import { Boot } from '../../../../agent/boot/boot.js'
import type { JobEvent, JobRequest, JobState } from '../../../../agent/boot/jobs/job.js'
import type { BootConfig, BootDeps } from '../../../../agent/boot/pipeline/boot-deps.js'
import { parseJobJson } from '../../../../agent/boot/requests/json.js'
import { createSimulatedKexec, type SimulatedKexec } from '../../../../agent/kexec/syscall/simulated-kexec.js'
import { treeFile } from '../kexec/trees.js'
import { MIB, temporaryDirectory } from './fixture.js'

export const IOMEM = '40000000-7fffffff : System RAM\n  40008000-40ffffff : Kernel code\n'
export const DTB = treeFile({
  memory: [[0x40000000, 0x40000000]],
  compatible: ['linux,dummy-virt'],
  model: 'linux,dummy-virt',
})

/** A host that answers; each answer may be replaced. */
export function fakeHost(changes: Partial<BoardHost> = {}): BoardHost {
  return {
    iomem: async () => IOMEM,
    runningDtb: async () => DTB,
    memory: async () => ({ total: 1024 * MIB, available: 900 * MIB }),
    model: async () => 'linux,dummy-virt',
    compatible: async () => ['linux,dummy-virt'],
    machine: () => 'armv7l',
    kernelRelease: () => '6.12.0-armmp',
    bootId: async () => 'this boot',
    links: async () => [
      { name: 'eth0', up: true, mac: '52:54:00:12:34:56', addresses: ['10.0.2.15/24'] },
      { name: 'eth1', up: false, mac: null, addresses: [] },
    ],
    macAddresses: async () => ({}),
    watchdogs: async () => [],
    consoleLine: async () => null,
    serialDamage: async () => null,
    cpus: async () => ({ possible: 1, online: 1, hotplug: null }),
    kexecLoadDisabled: async () => false,
    capabilities: async () => (1n << 41n) - 1n,
    detach: async () => false,
    ...changes,
  }
}

export interface TestBoard {
  readonly boot: Boot
  readonly kexec: SimulatedKexec
  readonly config: BootConfig
  /** what was logged: `level message` */
  readonly logged: string[]
  /** another life of the agent on the same directories */
  restart(changes?: BoardChanges): Promise<TestBoard>
}

export interface BoardChanges {
  readonly config?: Partial<BootConfig>
  readonly host?: Partial<BoardHost>
  readonly deps?: Partial<BootDeps>
  /** put before the fake kernel */
  readonly wrap?: (kexec: SimulatedKexec) => SimulatedKexec
}

export async function openBoard(t: Test, changes: BoardChanges = {}): Promise<TestBoard> {
  const directory = changes.config?.stateDir === undefined ? await temporaryDirectory(t) : ''
  const config: BootConfig = {
    artifactDir: join(directory, 'artifacts'),
    stateDir: join(directory, 'state'),
    keptJobs: 50,
    maxQueued: 2,
    memoryReserve: 64 * MIB,
    console: 'ttyAMA0',
    kernelArgs: '',
    earlycon: false,
    serial: null,
    keepLinksUp: [],
    watchdog: 0,
    lastWords: false,
    jumpNoticeMs: 1,
    fetch: { stallSeconds: 20, retries: 0, maxRedirects: 5 },
    ...changes.config,
  }
  const logged: string[] = []
  const note = (level: string) => (_fields: object, message: string) => logged.push(`${level} ${message}`)
  const plain = createSimulatedKexec()
  const kexec = changes.wrap?.(plain) ?? plain
  const boot = await Boot.open({
    kexec,
    config,
    host: fakeHost(changes.host),
    mapFile: mapOrRead,
    log: { info: note('info'), warn: note('warn'), error: note('error') },
    ...changes.deps,
  })
  // Tests look at what jobs call.
  kexec.calls.length = 0
  t.teardown(() => boot.close())
  return {
    boot,
    kexec,
    config,
    logged,
    restart: again => openBoard(t, { ...again, config: { ...config, ...again?.config } }),
  }
}

/** A job of files that are in the store, by name. */
export const jobOf = (fields: Record<string, unknown>): JobRequest =>
  parseJobJson({ cmdline: 'console=ttyAMA0', ...fields })

/** Every event of a job until it ends. */
export async function eventsOf(boot: Boot, id: string): Promise<JobEvent[]> {
  const events: JobEvent[] = []
  for await (const event of boot.events(id, 0)) events.push(event)
  return events
}

/** The states of a job, in order, when it has ended. */
export const statesOf = async (boot: Boot, id: string): Promise<JobState[]> =>
  (await eventsOf(boot, id)).flatMap(event => (event.type === 'state' ? [event.state] : []))

/** Resolves when a job is in a state. */
export async function reaches(boot: Boot, id: string, state: JobState): Promise<void> {
  for await (const event of boot.events(id, 0)) if (event.type === 'state' && event.state === state) return
  throw new Error(`job ${id} ended as ${boot.get(id).state}: ${boot.get(id).error?.message}`)
}

/** A point that a call waits at: `entered` resolves when it is there, `open` lets it go on. */
export class Gate {
  readonly entered: Promise<void>
  readonly #opened: Promise<void>
  #enter: () => void = () => {}
  open: () => void = () => {}

  constructor() {
    this.entered = new Promise(resolve => {
      this.#enter = resolve
    })
    this.#opened = new Promise(resolve => {
      this.open = resolve
    })
  }

  pass(): Promise<void> {
    this.#enter()
    return this.#opened
  }
}
