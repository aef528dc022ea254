/**
 * Where U-Boot would move the ramdisk and the device tree before it starts a kernel. Nothing is moved here: the planner
 * has a layout of its own. But the lines are part of the console, people read them, and the variables that steer them
 * (`initrd_high`, `fdt_high`, `bootm_low`, `bootm_size`) must have their usual meaning.
 */

import type { Environment } from '../env/environment.js'
import type { MemoryRange } from '../hardware/memory.js'
import { hex8, parseHex } from '../lib/numbers.js'

/** U-Boot lives at the end of its DRAM: it, its heap and its stack are kept off. Bytes, as a real one was seen to take. */
const TOP_RESERVED = 0x2a8_7000
const PAGE = 0x1000
/** What U-Boot adds to a device tree for the properties that it sets. */
const FDT_PADDING = 0x3000
/** "Leave it where it is." */
const IN_PLACE = 0xffff_ffff

/** Hands out memory from the top, as `lmb_alloc_base` does. */
export class BootPlacement {
  readonly #env: Environment
  #top: number

  /** @param dram the bank that boots go to, the first */
  constructor(env: Environment, dram: MemoryRange) {
    this.#env = env
    const low = this.#address('bootm_low') ?? dram.start
    const size = this.#address('bootm_size')
    this.#top = size === null ? dram.end - TOP_RESERVED : Math.min(low + size, dram.end - TOP_RESERVED)
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

  /** The line on the ramdisk; empty where it stays. */
  ramdiskLine(size: number): string {
    const high = this.#address('initrd_high')
    if (high === IN_PLACE) return ''
    const to = this.#allocate(size, high)
    return `   Loading Ramdisk to ${hex8(to)}, end ${hex8(to + size)} ... OK\n`
  }

  /**
   * The line on the device tree.
   *
   * @param address where it is
   * @param size its total size, bytes
   * @returns the line, and where it is then
   */
  fdtLine(address: number, size: number): { readonly line: string; readonly address: number } {
    const high = this.#address('fdt_high')
    const padded = size + FDT_PADDING
    if (high === IN_PLACE) {
      return { line: `   Using Device Tree in place at ${hex8(address)}, end ${hex8(address + padded - 1)}\n`, address }
    }
    const to = this.#allocate(padded, high)
    return { line: `   Loading Device Tree to ${hex8(to)}, end ${hex8(to + padded - 1)} ... OK\n`, address: to }
  }
}
