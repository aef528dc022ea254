/** The board that there is none of: memory as it was asked for, nothing plugged in, and nothing in the way of a boot. */

import type { BoardHost } from '../../agent/boot/board/board.js'
import { availableMemory } from '../../agent/boot/board/linux-host.js'
import type { Range } from '../../agent/kexec/layout/ranges.js'

/** Every capability there is, and room for more: `capabilities(7)` */
const ALL_CAPABILITIES = 2n ** 64n - 1n

const hex = (value: number): string => value.toString(16)

/** @param ram System RAM, by address */
export function deskHost(ram: readonly Range[]): BoardHost {
  const total = ram.reduce((sum, { start, end }) => sum + end - start, 0)
  const iomem = ram.map(({ start, end }) => `${hex(start)}-${hex(end - 1)} : System RAM\n`).join('')
  return {
    iomem: async () => iomem,
    runningDtb: async () => null,
    // What is available is that of the machine which does the work.
    memory: async () => ({ total, available: availableMemory() }),
    model: async () => null,
    compatible: async () => [],
    machine: () => 'armv7l',
    kernelRelease: () => 'desk',
    links: async () => [],
    watchdogs: async () => [],
    cpus: async () => ({ possible: 1, hotplug: null }),
    kexecLoadDisabled: async () => false,
    capabilities: async () => ALL_CAPABILITIES,
    detach: async () => false,
  }
}
