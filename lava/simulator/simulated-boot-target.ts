/** Boots at a desk: the one pipeline up to the jump, of which there is told. */

import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BoardHost } from '../../agent/boot/board/board.js'
import { Boot } from '../../agent/boot/boot.js'
import type { FilePart } from '../../agent/boot/jobs/job.js'
import type { BootConfig, BootLog } from '../../agent/boot/pipeline/boot-deps.js'
import type { Range } from '../../agent/kexec/layout/ranges.js'
import { createFakeKexec } from '../../agent/kexec/syscall/simulated-kexec.js'
import { PipelineDoor, type Power } from '../../agent/uboot/boot/pipeline-target.js'
import type { BootDoor, BootOrder, BootWatch } from '../../agent/uboot/hardware/boot-target.js'
import type { Memory } from '../../agent/uboot/hardware/memory.js'

export interface DeskDoorParts {
  readonly host: BoardHost
  /** System RAM, by address */
  readonly ram: readonly Range[]
  readonly memory: Memory
  readonly power: Power
  /** for what the pipeline writes down */
  readonly directory: string
}

/** Whoever typed the command sees what becomes of it. */
const SILENT: BootLog = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** Nothing is fetched here, nobody else asks, and there are no links. */
const settings = (directory: string): BootConfig => ({
  artifactDir: join(directory, 'artifacts'),
  stateDir: join(directory, 'jobs'),
  keptJobs: 1,
  maxQueued: 0,
  memoryReserve: 0,
  console: '',
  kernelArgs: '',
  keepLinksUp: [],
  farewellMs: 0,
  fetch: { stallSeconds: 60, retries: 0, maxRedirects: 0 },
})

/** A board has memory mapped; copies do where the addon may be missing. */
async function readPart(path: string, part?: Pick<FilePart, 'offset' | 'size'>): Promise<Uint8Array> {
  if (part === undefined) return readFile(path)
  const file = await open(path)
  try {
    return (await file.read(Buffer.alloc(part.size), 0, part.size, part.offset)).buffer
  } finally {
    await file.close()
  }
}

export class DeskDoor implements BootDoor {
  constructor(private readonly parts: DeskDoorParts) {}

  async boot(order: BootOrder, watch: BootWatch, signal: AbortSignal): Promise<string> {
    const { host, ram, memory, power, directory } = this.parts
    // A pipeline that has jumped is never free again, so every boot has its own.
    const kexec = createFakeKexec({ ram })
    const boot = await Boot.open({ kexec, host, config: settings(directory), mapFile: readPart, log: SILENT })
    const door = new PipelineDoor(boot, memory, power)
    const landed = kexec.jumped.then(
      ({ entry }) => `## fauxboot: a board would now be in the new kernel, entered at 0x${entry.toString(16)}`,
    )
    return Promise.race([door.boot(order, watch, signal), landed])
  }

  reset(): Promise<never> {
    return this.parts.power.reset()
  }

  powerOff(): Promise<never> {
    return this.parts.power.powerOff()
  }
}
