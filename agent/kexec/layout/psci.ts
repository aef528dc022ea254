/**
 * PSCI, the firmware interface that starts CPUs. On boards whose firmware is U-Boot itself, the kernel's device trees do not
 * have it: U-Boot adds it at each boot (`fdt_psci` in `arch/arm/cpu/armv7/virt-dt.c`). Without it, the target runs on one CPU.
 */

import type { Fdt, FdtNode } from '../../image/fdt/fdt.js'
import { childNode, encodeString, propString, setProperty } from '../../image/fdt/fdt-query.js'

/**
 * Add the node `/psci` of the running kernel's tree to a tree without one, and let the CPUs use it that do so there.
 *
 * @param fdt modified in place
 * @param running the tree that the boot loader completed
 * @returns whether it was added
 * @throws FORMAT_VALUE if a property of a CPU is damaged
 */
export function addPsci(fdt: Fdt, running: Fdt): boolean {
  const psci = childNode(running.root, 'psci')
  const cpus = childNode(fdt.root, 'cpus')
  const runningCpus = childNode(running.root, 'cpus')
  if (psci === null || cpus === null || runningCpus === null || childNode(fdt.root, 'psci') !== null) return false
  const started = cpus.children.filter(cpu => {
    const there = childNode(runningCpus, cpu.name)
    return there !== null && propString(there, 'enable-method') === 'psci' && !cpu.properties.has('enable-method')
  })
  if (started.length === 0) return false
  for (const cpu of started) setProperty(cpu, 'enable-method', encodeString('psci'))
  fdt.root.children.push(withoutPhandles(psci))
  return true
}

/** Numbers of one tree mean other nodes in another. */
function withoutPhandles({ name, properties }: FdtNode): FdtNode {
  const kept = [...properties].filter(([property]) => property !== 'phandle' && property !== 'linux,phandle')
  return { name, properties: new Map(kept), children: [] }
}
