/** What commands leave behind for the next command. A power cycle resets all of it. */

import type { Environment } from '../env/environment.js'
import type { MemoryPart } from '../hardware/boot-target.js'
import { UNITS, type Unit } from '../lib/memory-units.js'
import { parseHex } from '../lib/numbers.js'
import { BOOT_METHODS, type BootDevice, type Bootflow, type BootMethod } from './bootflow.js'

/** Where a repeated memory command continues. */
interface MemoryPosition {
  readonly address: number
  readonly unit: Unit
}

export interface MachineState {
  /** what `base` set: added to addresses of memory commands */
  baseAddress: number
  /** the default address of image commands: what `loadaddr` was set to, or where a network command was to load */
  loadAddress: number
  /** address of the working device tree; null while none is set */
  workingFdt: number | null
  /** where a repeated `md` continues, and the units it shows */
  display: MemoryPosition & { readonly length: number }
  /** where a repeated `mm` or `nm` continues */
  modify: MemoryPosition
  /** what a repeated `strings` shows; null before the first */
  strings: { readonly start: number; readonly end: number } | null
  /** `date`: milliseconds between the clock that was set and the machine's time */
  clockOffset: number
  /** `timer start`: when, in milliseconds of `performance.now()`; at first the power-on */
  timerStart: number
  /** `tftpblocksize`: bytes; it stays in force after the variable is deleted. Null: never set */
  tftpBlockSize: number | null
  /** `mmc dev 1`: numbers of the current devices, by kind */
  readonly currentDevices: Map<string, number>
  /** what `bootflow scan` found last */
  bootflows: readonly Bootflow[]
  /** what `bootflow select` chose */
  bootflow: Bootflow | null
  /** what `bootdev select` chose */
  bootDevice: BootDevice | null
  /** in the order of `bootmeth order` */
  bootMethods: readonly BootMethod[]
  /** kinds of devices that a scan has looked for */
  readonly hunted: Set<string>
  /** how far `bootm start` and the steps after it came; null before it */
  bootSteps: BootSteps | null
}

/** A boot in steps. */
export interface BootSteps {
  /** number of the last step in the order of the steps */
  done: number
  /** the kernel, once it is out of its image */
  kernel: MemoryPart | null
  ramdisk: MemoryPart | null
  dtb: MemoryPart | null
  /** images that are moved next end here at the latest */
  ceiling: number
  /** take the kernel out of its image; null when that failed, which is printed */
  unpack(): Promise<MemoryPart | null>
}

/** The state at power-on: `loadaddr` is the only variable that it depends on. */
export function stateAtPowerOn(env: Environment): MachineState {
  return {
    baseAddress: 0,
    loadAddress: parseHex(env.get('loadaddr') ?? '0'),
    workingFdt: null,
    display: { address: 0, unit: UNITS.l, length: 0x40 },
    modify: { address: 0, unit: UNITS.l },
    strings: null,
    clockOffset: 0,
    timerStart: performance.now(),
    tftpBlockSize: null,
    currentDevices: new Map(),
    bootflows: [],
    bootflow: null,
    bootDevice: null,
    bootMethods: BOOT_METHODS,
    hunted: new Set(),
    bootSteps: null,
  }
}

/** An address with what `base` adds; it wraps at 4 GiB. */
export function based({ baseAddress }: MachineState, address: number): number {
  return (address + baseAddress) % 2 ** 32
}
