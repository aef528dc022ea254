/** The host of the simulated board: the memory that the user asked for, nothing plugged in, and nothing that prevents a boot. */

import type { BoardHost } from '../../agent/boot/board/board.js'
import { availableMemory } from '../../agent/boot/board/linux-host.js'
import type { Range } from '../../agent/kexec/layout/ranges.js'

/** Every capability there is, and room for more: `capabilities(7)` */
const ALL_CAPABILITIES = 2n ** 64n - 1n

const hex = (value: number): string => value.toString(16)

/** @param ram System RAM, by address */
export function simulatedHost(ram: readonly Range[]): BoardHost {
  const total = ram.reduce((sum, { start, end }) => sum + end - start, 0)
  const iomem = ram.map(({ start, end }) => `${hex(start)}-${hex(end - 1)} : System RAM\n`).join('')
  return {
    iomem: async () => iomem,
    runningDtb: async () => null,
    // The pipeline runs on this machine, so its free memory counts.
    memory: async () => ({ total, available: availableMemory() }),
    model: async () => null,
    compatible: async () => [],
    machine: () => 'armv7l',
    kernelRelease: () => 'simulated',
    bootId: async () => null,
    links: async () => [],
    macAddresses: async () => ({}),
    watchdogs: async () => [],
    consoleLine: async () => null,
    serialDamage: async () => null,
    cpus: async () => ({ possible: 1, online: 1, hotplug: null }),
    kexecLoadDisabled: async () => false,
    capabilities: async () => ALL_CAPABILITIES,
    detach: async () => false,
  }
}
