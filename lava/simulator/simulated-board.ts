/** A simulated board: the fake U-Boot without a board. It can be reset and switched off. */

import { join } from 'node:path'
import type { BoardHost } from '../../agent/boot/board/board.js'
import { availableMemory } from '../../agent/boot/board/linux-host.js'
import type { Range } from '../../agent/kexec/layout/ranges.js'
import type { BoardFacts } from '../../agent/uboot/board/board-facts.js'
import { boardFacts } from '../../agent/uboot/board/host-facts.js'
import type { Power } from '../../agent/uboot/boot/pipeline-target.js'
import type { ConsoleLine } from '../../agent/uboot/console/console-line.js'
import type { EnvironmentStore } from '../../agent/uboot/env/environment.js'
import { environmentStore } from '../../agent/uboot/env/environment-location.js'
import { UBootEnvironment } from '../../agent/uboot/env/uboot-environment.js'
import type { Gpio } from '../../agent/uboot/hardware/gpio.js'
import { Memory } from '../../agent/uboot/hardware/memory.js'
import { HostNetwork } from '../../agent/uboot/hardware/network-host.js'
import type { Storage } from '../../agent/uboot/hardware/storage.js'
import { UBoot } from '../../agent/uboot/uboot.js'
import { DiskImages } from './disk-images.js'
import { LastingLine } from './lasting-line.js'
import { SimulatedBootTarget } from './simulated-boot-target.js'
import { SimulatedGpio } from './simulated-gpio.js'
import { simulatedHost } from './simulated-host.js'

export interface SimulatedBoardOptions {
  /** System RAM, by address */
  readonly ram: readonly Range[]
  /** for the memory and everything that is kept; must exist */
  readonly directory: string
  /** seconds of the countdown; -1 for none: the prompt comes at once */
  readonly bootDelay: number
  /** a `fw_env.config` that says where `saveenv` writes; null: into `directory` */
  readonly environment: string | null
  /** files that are its memory cards: `mmc 0`, `mmc 1` */
  readonly disks: readonly string[]
  /** the TFTP server that DHCP names; this machine's, at TFTP's own port, without it */
  readonly server?: { readonly address: string; readonly port?: number }
  /** the file that DHCP names; none without it */
  readonly bootFile?: string
  /** GPIO lines that something outside holds high */
  readonly highLines?: readonly string[]
}

/** What survives a reset. */
interface Lasting {
  readonly host: BoardHost
  readonly board: BoardFacts
  readonly memory: Memory
  readonly network: HostNetwork
  readonly store: EnvironmentStore
  readonly storage: Storage
  readonly gpio: Gpio
}

/** Never resolves: the machine that waits for it is off. */
const never = (): Promise<never> => new Promise<never>(() => undefined)

export class SimulatedBoard {
  /** resolves when it is switched off; rejects when it does not come up */
  readonly off: Promise<void>
  readonly #options: SimulatedBoardOptions
  readonly #lasting: Lasting
  readonly #power: Power
  #fail: (reason: unknown) => void = () => undefined
  readonly #lines = new Set<LastingLine>()
  #uboot: UBoot

  private constructor(options: SimulatedBoardOptions, lasting: Lasting) {
    this.#options = options
    this.#lasting = lasting
    let switchOff: () => void = () => undefined
    this.off = new Promise((resolve, reject) => {
      switchOff = resolve
      this.#fail = reject
    })
    this.#power = {
      reset: async () => {
        await this.#uboot.drained()
        this.#restart()
        return never()
      },
      powerOff: () => {
        switchOff()
        return never()
      },
    }
    this.#uboot = this.#build()
  }

  /**
   * Create it, switched off.
   *
   * @throws UBOOT_ENVIRONMENT; what the directory's file system throws
   */
  static async open(options: SimulatedBoardOptions): Promise<SimulatedBoard> {
    const { ram, directory, bootDelay, environment, disks, server, bootFile, highLines } = options
    const host = simulatedHost(ram)
    const network = new HostNetwork({ server: server?.address, bootFile })
    const [device] = await network.devices()
    const board = await boardFacts(host, { identity: '', console: '', bootDelay }, device?.mac ?? null)
    const store = await environmentStore({ environment, directory })
    const memory = Memory.open(join(directory, 'memory'), board.dram, availableMemory)
    const storage = new DiskImages(disks)
    const gpio = new SimulatedGpio(highLines)
    return new SimulatedBoard(options, { host, board, memory, network, store, storage, gpio })
  }

  /** Connect a line. @returns when the other end is gone and its input has been processed */
  attach(line: ConsoleLine): Promise<void> {
    const lasting = new LastingLine(line)
    this.#lines.add(lasting)
    lasting.connect(this.#uboot)
    return lasting.done.then(() => {
      this.#lines.delete(lasting)
      lasting.close()
    })
  }

  /** Come up: the banner, the countdown, the prompt. */
  powerOn(): void {
    this.#uboot.powerOn().catch(reason => this.#fail(reason))
  }

  /** Resolves when all output has left. */
  drained(): Promise<void> {
    return this.#uboot.drained()
  }

  /** End every command, hang up, and release the memory. */
  close(): void {
    this.#uboot.stop()
    for (const line of this.#lines) line.close()
    this.#lasting.memory.close()
  }

  #build(): UBoot {
    const { directory, bootDelay, ram, server } = this.#options
    const { host, board, memory, network, store, storage, gpio } = this.#lasting
    const { port } = server ?? {}
    const defaults = port === undefined ? board.environment : { ...board.environment, tftpdstp: String(port) }
    const print = (text: string): void => uboot.machine.out.write(text)
    const uboot = new UBoot({
      board,
      memory,
      network,
      env: new UBootEnvironment({ defaults, store }),
      storage,
      gpio,
      boot: new SimulatedBootTarget({ host, ram, memory, power: this.#power, directory, print }),
      autobootText: 'Hit any key to stop autoboot',
      bootDelay,
    })
    return uboot
  }

  #restart(): void {
    this.#uboot.stop()
    this.#uboot = this.#build()
    for (const line of this.#lines) line.connect(this.#uboot)
    this.powerOn()
  }
}
