/** Boots of the console as jobs of the one pipeline: seen over HTTP with their plan, findings and log like any other. */

import type { Boot } from '../../boot/boot.js'
import type { ArtifactReference, JobRequest } from '../../boot/jobs/job.js'
import { fault, faultOf } from '../../errors.js'
import type { BootObserver, BootOrder, BootTarget, MemoryPart } from '../hardware/boot-target.js'
import type { Memory } from '../hardware/memory.js'

/** How the board itself is restarted and switched off. */
export interface Power {
  /** @throws BOARD_POWER when it cannot be done */
  reset(): Promise<never>
  powerOff(): Promise<never>
}

async function requestOf(
  memory: Memory,
  { kernel, ramdisk, dtb, cmdline, macAddresses }: BootOrder,
  signal: AbortSignal,
): Promise<JobRequest> {
  const reference = async ({ address, size }: MemoryPart): Promise<ArtifactReference> => ({
    part: await memory.part(address, size, signal),
  })
  return {
    name: 'console',
    kernel: await reference(kernel),
    ramdisk: ramdisk === null ? undefined : { ...(await reference(ramdisk)), compression: 'none' },
    dtb: dtb === null ? undefined : await reference(dtb),
    overlays: [],
    // Here text is bytes, in the pipeline it is text.
    cmdline: Buffer.from(cmdline, 'latin1').toString('utf8'),
    macAddresses,
    options: { dryRun: false, force: false, queue: false },
  }
}

export class PipelineBootTarget implements BootTarget {
  readonly #boot: Boot
  readonly #memory: Memory
  readonly #power: Power

  constructor(boot: Boot, memory: Memory, power: Power) {
    this.#boot = boot
    this.#memory = memory
    this.#power = power
  }

  async boot(order: BootOrder, watch: BootObserver, signal: AbortSignal): Promise<never> {
    signal.throwIfAborted()
    const { id } = await this.#boot.submit(await requestOf(this.#memory, order, signal), 'console', { signal })
    for await (const event of this.#boot.events(id, 0)) {
      if (event.type === 'finding' && event.severity !== 'info') watch.notice(event)
      if (event.type === 'state' && event.state === 'booting') watch.starting()
    }
    // The events end when the job fails, and just before the jump, which returns only if it fails.
    const { error, state } = await this.#boot.settled(id)
    signal.throwIfAborted()
    if (error === null) throw fault('INTERNAL', { doing: 'booting', reason: `job ${id} ended as ${state}` })
    throw faultOf(error)
  }

  reset(): Promise<never> {
    return this.#power.reset()
  }

  powerOff(): Promise<never> {
    return this.#power.powerOff()
  }
}
