/**
 * Where U-Boot would move the ramdisk and the device tree before it starts a kernel. Nothing is moved here: the planner
 * has a layout of its own. But the lines are part of the console, people read them, and the variables that steer them
 * (`initrd_high`, `fdt_high`, `bootm_low`, `bootm_size`) must have their usual meaning.
 */

import type { Environment } from '../env/environment.js'
import type { MemoryPart } from '../hardware/boot-target.js'
import type { MemoryRange } from '../hardware/memory.js'
import { hex8, parseHex } from '../lib/numbers.js'

/** U-Boot lives at the end of its DRAM: it, its heap and its stack are kept off. Bytes, as a real one was seen to take. */
const TOP_RESERVED = 0x2a8_7000
const PAGE = 0x1000
/** What U-Boot adds to a device tree for the properties that it sets. */
const FDT_PADDING = 0x3000
/** "Leave it where it is." */
const IN_PLACE = 0xffff_ffff

/** U-Boot's words about a tree that stays in place. */
const IN_PLACE_WARNING = `WARNING:
The 'fdt_high' environment variable is set to ~0. This is known to cause
boot failures due to placement of DT at non-8-byte-aligned addresses.
This system will likely fail to boot. Unset the 'fdt_high' environment
variable and submit a fix upstream.
`

/** Hands out memory from the top, as `lmb_alloc_base` does. */
export class BootPlacement {
  readonly #env: Environment
  #top: number

  /**
   * @param dram the bank that boots go to, the first
   * @param ceiling `top` of an earlier placement of the same boot
   */
  constructor(env: Environment, dram: MemoryRange, ceiling = Number.POSITIVE_INFINITY) {
    this.#env = env
    const low = this.#address('bootm_low') ?? dram.start
    const size = this.#address('bootm_size')
    const end = size === null ? dram.end : low + size
    this.#top = Math.min(end, dram.end - TOP_RESERVED, ceiling)
  }

  /** Images that are placed next end here at the latest. */
  get top(): number {
    return this.#top
  }

  #address(name: string): number | null {
    const value = this.#env.get(name)
    return value === undefined ? null : parseHex(value)
  }

  #allocate(size: number, high: number | null): number {
    const top = high === null ? this.#top : Math.min(high, this.#top)
    this.#top = Math.floor((top - size) / PAGE) * PAGE
    return this.#top
  }

  /** The line on the ramdisk, empty where it stays, and where it is then. */
  ramdiskLine(address: number, size: number): { readonly line: string; readonly address: number } {
    const high = this.#address('initrd_high')
    if (high === IN_PLACE) return { line: '', address }
    const to = this.#allocate(size, high)
    return { line: `   Loading Ramdisk to ${hex8(to)}, end ${hex8(to + size)} ... OK\n`, address: to }
  }

  /**
   * The line on the device tree.
   *
   * @param address where it is
   * @param size its total size, bytes
   * @returns the line, and where it is then, with room for what U-Boot adds
   */
  fdtLine(address: number, size: number): MemoryPart & { readonly line: string } {
    const high = this.#address('fdt_high')
    const padded = size + FDT_PADDING
    if (high === IN_PLACE) {
      const line = `   Using Device Tree in place at ${hex8(address)}, end ${hex8(address + padded - 1)}\n`
      return { line: `${IN_PLACE_WARNING}${line}`, address, size: padded }
    }
    const to = this.#allocate(padded, high)
    return {
      line: `   Loading Device Tree to ${hex8(to)}, end ${hex8(to + padded - 1)} ... OK\n`,
      address: to,
      size: padded,
    }
  }
}
