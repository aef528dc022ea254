/** The end of every boot command: U-Boot's messages about loading, then the jump or the reason against it. */

import { asFault, type FauxbootError } from '../../errors.js'
import { changedMacAddresses } from '../env/mac-addresses.js'
import type { BootOrder, MemoryPart } from '../hardware/boot-target.js'
import { ShellUnwind } from '../hush/unwind.js'
import { bareHex } from '../lib/numbers.js'
import type { Call, Machine } from '../machine/machine.js'
import { type Companions, findFdt, findRamdisk } from './boot-images.js'
import { BootPlacement } from './placement.js'

/** A kernel that was found and checked. */
export interface KernelFound {
  readonly piece: MemoryPart
  /** the memory that ramdisk and device tree must keep off; null: not looked at */
  readonly keepOff: MemoryPart | null
  /** what U-Boot prints when it brings the kernel where it belongs; may be empty */
  readonly loading: string
  readonly companions: Companions
}

const overlaps = (a: MemoryPart, b: MemoryPart): boolean =>
  a.address < b.address + b.size && b.address < a.address + a.size

/** @returns false, after printing the error, if the image overlaps the kernel */
function keepsOff(machine: Machine, what: 'RD' | 'FDT', piece: MemoryPart | null, os: MemoryPart | null): boolean {
  if (piece === null || os === null || !overlaps(piece, os)) return true
  const range = `${bareHex(os.address)}..${bareHex(os.address + os.size)}`
  machine.out.write(`ERROR: ${what} image overlaps OS image (OS=${range})\n`)
  return false
}

/**
 * Errors that labs recognise, so that their jobs end at once: U-Boot's words for a wrong image, and
 * when there is no memory for it.
 */
const LAB_WORDS: readonly (readonly [code: RegExp, words: (command: string) => string])[] = [
  [/^FORMAT_|^DECOMPRESS_/, command => `Wrong Image Format for ${command} command`],
  [/^PLAN_(NO_ROOM|REFUSED)$/, () => 'ERROR: Failed to allocate memory that this boot would survive in'],
]

/** The messages of a failed boot. */
export function failureText(command: string, failed: FauxbootError): string {
  const words = LAB_WORDS.find(([code]) => code.test(failed.code))?.[1](command)
  return [`ERROR: ${failed.message}`, ...(words === undefined ? [] : [words])].map(line => `${line}\n`).join('')
}

/** What is booted with a kernel. */
export interface Accompanied {
  readonly ramdisk: MemoryPart | null
  readonly dtb: MemoryPart | null
}

/**
 * Find ramdisk and device tree.
 *
 * @param words what the command names them; missing words leave the choice to the kernel's image
 * @returns null when one was refused, which is printed
 */
export async function findAccompanied(
  machine: Machine,
  [ramdiskWord, fdtWord]: readonly string[],
  { companions, keepOff }: Pick<KernelFound, 'companions' | 'keepOff'>,
  signal: AbortSignal,
): Promise<Accompanied | null> {
  const ramdisk = await findRamdisk(machine, ramdiskWord, companions, signal)
  if (ramdisk === false || !keepsOff(machine, 'RD', ramdisk, keepOff)) return null
  const dtb = await findFdt(machine, fdtWord, companions, signal)
  if (dtb === false || !keepsOff(machine, 'FDT', dtb, keepOff)) return null
  setWorkingFdt(machine, dtb?.address ?? null)
  return { ramdisk, dtb }
}

/** The tree that `fdt` works on from now on. */
export function setWorkingFdt({ state, out }: Machine, address: number | null): void {
  state.workingFdt = address
  out.write(`Working FDT set to ${bareHex(address ?? 0)}\n`)
}

/**
 * Find ramdisk and device tree, and boot.
 *
 * @param args the command's words; ramdisk and device tree are the second and third after its name
 * @returns 1 if the boot failed
 */
export async function bootKernel(machine: Machine, { args, signal }: Call, kernel: KernelFound): Promise<number> {
  const [command = '', , ...words] = args
  const found = await findAccompanied(machine, words, kernel, signal)
  if (found === null) return 1
  machine.out.write(kernel.loading)
  printPlacement(machine, found.ramdisk, found.dtb)
  return jump(machine, command, kernel.piece, found, signal)
}

/** Where the command names no tree. */
export const OWN_TREE = "   Using the first stage's own Device Tree\n"

function printPlacement(machine: Machine, ramdisk: MemoryPart | null, dtb: MemoryPart | null): void {
  const { out, env, board } = machine
  const [bank] = board.dram
  if (bank === undefined) return
  const placement = new BootPlacement(env, bank)
  if (ramdisk !== null) out.write(placement.ramdiskLine(ramdisk.address, ramdisk.size).line)
  if (dtb === null) {
    out.write(OWN_TREE)
    return
  }
  const { line, address } = placement.fdtLine(dtb.address, dtb.size)
  out.write(`${line}Working FDT set to ${bareHex(address)}\n`)
}

/** Boot what was found. @returns 1 when that failed, which is printed */
export async function jump(
  machine: Machine,
  command: string,
  kernel: MemoryPart,
  { ramdisk, dtb }: Accompanied,
  signal: AbortSignal,
): Promise<number> {
  const { out, boot, env } = machine
  const cmdline = env.get('bootargs') ?? ''
  const order: BootOrder = { kernel, ramdisk, dtb, cmdline, macAddresses: changedMacAddresses(env) }
  try {
    return await boot.boot(
      order,
      {
        notice: ({ message, remedy }) =>
          out.write(`## fauxboot: ${[message, remedy].filter(text => text !== '').join('; ')}\n`),
        starting: () => out.write('\nStarting kernel ...\n\n'),
      },
      signal,
    )
  } catch (thrown) {
    signal.throwIfAborted()
    if (thrown instanceof ShellUnwind) throw thrown
    out.write(failureText(command, asFault(thrown, `running ${command}`)))
    return 1
  }
}
