/** `bootm start`, `loados`, `ramdisk`, `fdt`, `cmdline`, `bdt`, `prep` and `go`: a boot in steps, between which a script may change the tree. */

import { yieldToEventLoop } from '../../event-loop.js'
import type { MemoryPart } from '../hardware/boot-target.js'
import { MEMORY_CHUNK } from '../hardware/memory.js'
import { bareHex } from '../lib/numbers.js'
import { type Call, type Machine, USAGE } from '../machine/machine.js'
import type { BootSteps } from '../machine/state.js'
import { parseImageArgument } from './boot-images.js'
import { openKernel, unpackKernel } from './bootm-kernel.js'
import { BootPlacement } from './placement.js'
import { findAccompanied, jump, OWN_TREE, setWorkingFdt } from './run-boot.js'

/** `totalsize` in the header of a device tree, specification 0.4 section 5.2 */
const TOTAL_SIZE_OFFSET = 4

/** `bootm start` and `bootm start ADDR [RAMDISK [FDT]]`. */
async function start(machine: Machine, { args, signal }: Call): Promise<number> {
  const [, , where, ...words] = args
  machine.state.bootSteps = null
  const packed = await openKernel(machine, parseImageArgument(machine, where), signal)
  if (packed === null) return 1
  const found = await findAccompanied(machine, words, { companions: packed.companions, keepOff: null }, signal)
  if (found === null) return 1
  const unpack = async (): Promise<MemoryPart | null> => {
    const unpacked = await unpackKernel(machine, packed)
    machine.out.write(unpacked?.loading ?? '')
    return unpacked?.piece ?? null
  }
  machine.state.bootSteps = { done: 0, kernel: null, ...found, ceiling: Number.POSITIVE_INFINITY, unpack }
  return 0
}

/** What a step does; true: it succeeded. */
type Step = (machine: Machine, steps: BootSteps, signal: AbortSignal) => Promise<boolean>

const loadOs: Step = async (_machine, steps) => {
  steps.kernel = await steps.unpack()
  return steps.kernel !== null
}

/** Copy a part of memory; the target lies outside of it. */
async function copy({ memory }: Machine, from: MemoryPart, to: number, signal: AbortSignal): Promise<void> {
  for (let at = 0; at < from.size; at += MEMORY_CHUNK) {
    memory.write(to + at, memory.read(from.address + at, Math.min(MEMORY_CHUNK, from.size - at)))
    await yieldToEventLoop(signal)
  }
}

/** Place an image below those that were placed before. */
function place<T>({ env, board }: Machine, steps: BootSteps, take: (placement: BootPlacement) => T): T | null {
  const [bank] = board.dram
  if (bank === undefined) return null
  const placement = new BootPlacement(env, bank, steps.ceiling)
  const taken = take(placement)
  steps.ceiling = placement.top
  return taken
}

const moveRamdisk: Step = async (machine, steps, signal) => {
  const { ramdisk } = steps
  if (ramdisk === null) return true
  const placed = place(machine, steps, placement => placement.ramdiskLine(ramdisk.address, ramdisk.size))
  if (placed === null) return true
  const { line, address } = placed
  machine.out.write(line)
  if (address !== ramdisk.address) await copy(machine, ramdisk, address, signal)
  steps.ramdisk = { address, size: ramdisk.size }
  machine.env.set('initrd_start', bareHex(address), { origin: 'program' })
  machine.env.set('initrd_end', bareHex(address + ramdisk.size), { origin: 'program' })
  return true
}

/** Move the tree, with room for what a script adds. */
async function relocateTree(machine: Machine, steps: BootSteps, signal: AbortSignal): Promise<void> {
  const { dtb } = steps
  if (dtb === null) return
  const placed = place(machine, steps, placement => placement.fdtLine(dtb.address, dtb.size))
  if (placed === null) return
  const { line, address, size } = placed
  machine.out.write(line)
  if (address !== dtb.address) await copy(machine, dtb, address, signal)
  const total = Buffer.alloc(4)
  total.writeUInt32BE(size)
  machine.memory.write(address + TOTAL_SIZE_OFFSET, total)
  steps.dtb = { address, size }
  setWorkingFdt(machine, address)
}

const moveTree: Step = async (machine, steps, signal) => {
  await relocateTree(machine, steps, signal)
  if (steps.dtb !== null) machine.env.set('fdtaddr', bareHex(steps.dtb.address), { origin: 'program' })
  return true
}

const prepare: Step = async (machine, steps, signal) => {
  if (steps.dtb === null) machine.out.write(OWN_TREE)
  else await relocateTree(machine, steps, signal)
  return true
}

const go: Step = async (machine, steps, signal) => {
  const kernel = steps.kernel ?? (await steps.unpack())
  return kernel !== null && (await jump(machine, 'bootm', kernel, steps, signal)) === 0
}

/** Steps of other architectures. */
const none: Step = async ({ out }) => {
  out.write('subcommand failed (err=-1)\n')
  return false
}

/** The steps after `start`, in their order. */
const STEPS: readonly (readonly [name: string, step: Step])[] = [
  ['loados', loadOs],
  ['ramdisk', moveRamdisk],
  ['fdt', moveTree],
  ['cmdline', none],
  ['bdt', none],
  ['prep', prepare],
  ['go', go],
]

/** What runs a word after `bootm`; null: it is no step. */
export function bootStep(word: string | undefined): ((machine: Machine, call: Call) => Promise<number>) | null {
  if (word === 'start') return start
  const number = STEPS.findIndex(([name]) => name === word) + 1
  const step = STEPS[number - 1]?.[1]
  if (step === undefined) return null
  return async (machine, { signal }) => {
    const { bootSteps } = machine.state
    if (bootSteps === null || bootSteps.done >= number) {
      machine.out.write('Trying to execute a command out of order\n')
      return USAGE
    }
    bootSteps.done = number
    return (await step(machine, bootSteps, signal)) ? 0 : 1
  }
}
