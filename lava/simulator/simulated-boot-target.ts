/** Boots on the simulated board: the one pipeline up to the jump, which it only reports. */

import { join } from 'node:path'
import { readFileRange } from '../../agent/boot/artifacts/read-file.js'
import type { BoardHost } from '../../agent/boot/board/board.js'
import { Boot } from '../../agent/boot/boot.js'
import type { BootConfig, BootLog } from '../../agent/boot/pipeline/boot-deps.js'
import type { Range } from '../../agent/kexec/layout/ranges.js'
import { createSimulatedKexec } from '../../agent/kexec/syscall/simulated-kexec.js'
import { PipelineBootTarget, type Power } from '../../agent/uboot/boot/pipeline-target.js'
import type { BootObserver, BootOrder, BootTarget } from '../../agent/uboot/hardware/boot-target.js'
import type { Memory } from '../../agent/uboot/hardware/memory.js'
import { LineStopped } from '../../agent/uboot/hush/unwind.js'

export interface SimulatedBootDeps {
  readonly host: BoardHost
  /** System RAM, by address */
  readonly ram: readonly Range[]
  readonly memory: Memory
  readonly power: Power
  /** where the pipeline keeps its files */
  readonly directory: string
  /** prints on the simulated board's consoles */
  readonly print: (text: string) => void
}

/** The console shows everything that matters. */
const SILENT: BootLog = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** Nothing is fetched here, there are no other clients and no links. */
const settings = (directory: string): BootConfig => ({
  artifactDir: join(directory, 'artifacts'),
  stateDir: join(directory, 'jobs'),
  keptJobs: 1,
  maxQueued: 0,
  memoryReserve: 0,
  console: '',
  kernelArgs: '',
  earlycon: false,
  serial: null,
  keepLinksUp: [],
  watchdog: 0,
  lastWords: false,
  jumpNoticeMs: 0,
  fetch: { stallSeconds: 60, retries: 0, maxRedirects: 0 },
})

export class SimulatedBootTarget implements BootTarget {
  constructor(private readonly deps: SimulatedBootDeps) {}

  async boot(order: BootOrder, watch: BootObserver, signal: AbortSignal): Promise<never> {
    const { host, ram, memory, power, directory, print } = this.deps
    // A pipeline that has jumped never becomes free, so every boot has its own.
    const kexec = createSimulatedKexec({ ram })
    const boot = await Boot.open({ kexec, host, config: settings(directory), mapFile: readFileRange, log: SILENT })
    const target = new PipelineBootTarget(boot, memory, power)
    const jumped = kexec.jumped.then(({ entry }) => {
      print(`## fauxboot: a board would now be in the new kernel, entered at 0x${entry.toString(16)}\n`)
      throw new LineStopped('the simulated board jumped')
    })
    return Promise.race([target.boot(order, watch, signal), jumped])
  }

  reset(): Promise<never> {
    return this.deps.power.reset()
  }

  powerOff(): Promise<never> {
    return this.deps.power.powerOff()
  }
}
