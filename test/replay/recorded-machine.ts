/** The machine of the recordings, QEMU's `virt` under U-Boot 2026.10-rc2, with everything around it in memory. */

import { join } from 'node:path'
import type { Test } from 'tap'
import type { BoardFacts } from '../../agent/uboot/board/board-facts.js'
import type { ConsoleLine } from '../../agent/uboot/console/console-line.js'
import type { EnvironmentStore, Variables } from '../../agent/uboot/env/environment.js'
import { UBootEnvironment } from '../../agent/uboot/env/uboot-environment.js'
import type { BootTarget } from '../../agent/uboot/hardware/boot-target.js'
import { EMPTY_STORAGE } from '../../agent/uboot/hardware/empty-storage.js'
import { NO_GPIO } from '../../agent/uboot/hardware/gpio.js'
import { Memory } from '../../agent/uboot/hardware/memory.js'
import { UBoot } from '../../agent/uboot/uboot.js'
import { FakeNetwork, type FakeWorld } from '../unit/agent/uboot/fake-network.js'

const DRAM = [{ start: 0x4000_0000, end: 0x8000_0000 }]

/** As `printenv` of the recording shows it. */
const DEFAULTS: Readonly<Record<string, string>> = {
  arch: 'arm',
  baudrate: '115200',
  board: 'qemu-arm',
  board_name: 'qemu-arm',
  boot_targets: 'qfw usb scsi virtio nvme dhcp',
  bootcmd: 'bootflow scan -lb',
  bootdelay: '2',
  cpu: 'armv7',
  ethaddr: '52:54:00:12:34:56',
  fdt_addr: '0x40000000',
  fdtcontroladdr: '7e5a2e70',
  kernel_addr_r: '0x40400000',
  loadaddr: '0x40200000',
  preboot: 'usb start',
  pxefile_addr_r: '0x40300000',
  ramdisk_addr_r: '0x44000000',
  scriptaddr: '0x40200000',
  stderr: 'serial,vidconsole',
  stdin: 'serial,usbkbd',
  stdout: 'serial,vidconsole',
  usb_ignorelist: '0x1050:*,',
  vendor: 'emulation',
  ver: 'U-Boot 2026.10-rc2 (Nov 23 2026 - 08:44:21 +0000)',
}

/** Bytes of the recorded environment's list. */
const CAPACITY = 262_140

const board = (controlFdt: Uint8Array | null): BoardFacts => ({
  version: 'U-Boot 2026.10-rc2 (Nov 23 2026 - 08:44:21 +0000)',
  identity: '',
  cpu: null,
  model: null,
  dram: DRAM,
  baudrate: 115_200,
  environment: DEFAULTS,
  controlFdt,
})

/** A line that a test types at, and that keeps what comes. */
export class TypedLine implements ConsoleLine {
  readonly name = 'replay'
  readonly ended = new Promise<void>(() => {})
  output = ''
  #listener: (bytes: string) => boolean = () => true

  receive(listener: (bytes: string) => boolean): void {
    this.#listener = listener
  }

  resume(): void {}

  send(bytes: string): void {
    this.output += bytes
  }

  type(bytes: string): void {
    this.#listener(bytes)
  }

  room(): null {
    return null
  }

  async drained(): Promise<void> {}

  close(): void {}
}

/** A store in memory, as the recorded board had one on a FAT partition. */
function fatStore(): EnvironmentStore {
  let saved: Variables | null = null
  return {
    name: 'FAT',
    save: async variables => {
      saved = new Map(variables)
    },
    load: async () => saved,
  }
}

/** Where a boot ends: at the kernel's first words, which are not ours. */
const noKernel = (restart: () => void): BootTarget => ({
  async boot(_order, watch) {
    watch.starting()
    return new Promise(() => {})
  },
  async reset() {
    restart()
    return new Promise(() => {})
  },
  powerOff: () => new Promise(() => {}),
})

export interface Recorded {
  readonly line: TypedLine
  /** Come up anew, with what is in memory and what was saved. */
  powerOn(): void
}

/** What is in memory at first, by address. */
export type Content = ReadonlyMap<number, Uint8Array>

/** A machine that was not yet powered on. */
export function recordedMachine(t: Test, world: FakeWorld, content: Content): Recorded {
  const memory = Memory.open(join(t.testdirName, 'memory'), DRAM)
  t.teardown(() => memory.close())
  for (const [address, bytes] of content) memory.write(address, bytes)
  const line = new TypedLine()
  const store = fatStore()
  const powerOn = (): void => {
    const consoles = ['serial', 'usbkbd', 'vidconsole', 'nulldev']
    const uboot = new UBoot({
      board: board(content.get(0x4000_0000) ?? null),
      env: new UBootEnvironment({ defaults: DEFAULTS, capacity: CAPACITY, store, consoles }),
      memory,
      network: new FakeNetwork(world),
      storage: EMPTY_STORAGE,
      gpio: NO_GPIO,
      boot: noKernel(powerOn),
      autobootText: 'Hit any key to stop autoboot',
      bootDelay: 2,
      now: () => new Date('2026-11-23T09:20:51Z'),
      ticks: () => 0,
    })
    void uboot.attach(line)
    void uboot.powerOn()
  }
  return { line, powerOn }
}
