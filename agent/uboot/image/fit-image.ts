/** FITs in memory: chosen, checked and announced as `bootm`, `iminfo` and others do it. */

import { yieldToEventLoop } from '../../event-loop.js'
import { type Fit, type FitConfiguration, type FitImage, parseFit } from '../../image/uboot/fit.js'
import { FitHashCheck } from '../../image/uboot/fit-hash.js'
import { uimageLongName } from '../../image/uboot/uimage-tables.js'
import { readTree } from '../fdt/working-tree.js'
import type { MemoryPart } from '../hardware/boot-target.js'
import { hex8 } from '../lib/numbers.js'
import type { Machine } from '../machine/machine.js'
import { fitImageLines } from './image-lines.js'

/** Most bytes of a FIT, with the kernel and ramdisk in it. */
const LARGEST = 256 * 1024 * 1024

/**
 * The FIT at an address; null when it is a device tree but no FIT.
 *
 * @throws FDT_EDIT when it is no device tree; FORMAT_* when that is damaged; UBOOT_MEMORY
 */
export function readFit(machine: Machine, address: number): Fit | null {
  const tree = readTree(machine, address, LARGEST)
  // The tree's slack was not read; external data follows it.
  const total = tree.header('totalSize')
  tree.setHeader('totalSize', tree.bytes.length)
  return parseFit(tree.bytes, 'FIT', total)
}

/**
 * Check the hashes of an image and print them: `crc32+ sha256+ `, or the error. Signatures are printed with a minus, as
 * U-Boot does when it has no key for them.
 *
 * @param address of the FIT
 * @returns whether they are right
 * @throws UBOOT_MEMORY; the reason of `signal`
 */
export async function verifyFitImage(
  machine: Machine,
  address: number,
  { name, data, proofs }: FitImage,
  signal: AbortSignal,
): Promise<boolean> {
  if (data === null) {
    machine.out.write(`error!\nCan't get image data/size in '${name}' image node\n`)
    return false
  }
  for (const proof of proofs) {
    machine.out.write(proof.algorithm ?? '')
    if (proof.kind === 'signature') {
      machine.out.write(`${proof.keyName === null ? '' : `:${proof.keyName}`}- `)
      continue
    }
    const check = new FitHashCheck(proof)
    if (check.early === null) {
      for (const chunk of machine.memory.chunks(address + data.offset, data.size)) {
        check.update(chunk)
        await yieldToEventLoop(signal)
      }
    }
    const verdict = check.finish()
    if (verdict !== 'ok' && verdict !== 'ignored') {
      machine.out.write(` error!\n${verdict} for '${proof.name}' hash node in '${name}' image node\n`)
      return false
    }
    machine.out.write(verdict === 'ignored' ? '-skipped + ' : '+ ')
  }
  return true
}

/** The image of this name, or null. */
export const fitImage = (fit: Fit, name: string): FitImage | null =>
  fit.images.find(image => image.name === name) ?? null

/**
 * A configuration by name.
 *
 * @param name `conf-1`; more configurations after a `#` are ignored; null for the default
 */
export function fitConfiguration(fit: Fit, name: string | null): FitConfiguration | null {
  const [wanted] = (name ?? fit.defaultConfiguration ?? '').split('#')
  return fit.configurations.find(configuration => configuration.name === wanted) ?? null
}

/** What an image may be for, with the types that U-Boot takes for it. */
const ROLES = {
  kernel: ['kernel', 'kernel_noload', 'firmware', 'tee', 'tfa-bl31'],
  ramdisk: ['ramdisk', 'firmware', 'tee', 'tfa-bl31'],
  fdt: ['flat_dt', 'firmware', 'tee', 'tfa-bl31'],
} as const

/** Operating systems that U-Boot boots; a device tree names none. */
const BOOTED = ['linux', 'u-boot', 'tee', 'openrtos', 'efi', 'vxworks', 'elf']

export type FitRole = keyof typeof ROLES

export interface FitRequest {
  readonly role: FitRole
  /** name of a configuration; null: the default */
  readonly configuration: string | null
  /** name of an image, used without a configuration; null if the configuration names it */
  readonly image: string | null
  readonly verify: boolean
  readonly signal: AbortSignal
}

export interface FitChoice {
  readonly fit: Fit
  readonly image: FitImage
  /** null when the image was asked for by name */
  readonly configuration: FitConfiguration | null
  /** its data in the FIT, still compressed if the FIT says so */
  readonly data: MemoryPart
}

/** The configuration to use, with its messages; null if there is none. */
function chooseConfiguration(machine: Machine, fit: Fit, { configuration, verify }: FitRequest) {
  const found = fitConfiguration(fit, configuration)
  if (found === null) {
    const which = configuration === null ? '' : ` '${configuration}'`
    machine.out.write(`Could not find configuration node${which}\n`)
    return null
  }
  machine.out.write(`   Using '${found.name}' configuration\n`)
  if (!verify) return found
  machine.out.write('   Verifying Hash Integrity ... OK\n')
  // Without keys, U-Boot does not mention them. This message prevents the belief that they were checked.
  for (const { kind, name } of found.proofs) {
    if (kind === 'signature') machine.out.write(`   ${name} of '${found.name}' is not checked\n`)
  }
  return found
}

function bootable(machine: Machine, role: FitRole, { type, os }: FitImage): boolean {
  const types: readonly (string | null)[] = ROLES[role]
  if (types.includes(type) && (role === 'fdt' || BOOTED.includes(os ?? ''))) return true
  machine.out.write(`No ${uimageLongName('os', os)} ARM ${uimageLongName('type', ROLES[role][0])} Image\n`)
  return false
}

/**
 * Choose an image of a FIT, check it, and print U-Boot's messages: from `## Loading kernel (any) from FIT Image at ...`
 * to `Verifying Hash Integrity ... OK`, or the error.
 *
 * @returns null when it was refused, with the reason printed
 * @throws FDT_EDIT, UBOOT_MEMORY; the reason of `signal`
 */
export async function openFit(machine: Machine, address: number, request: FitRequest): Promise<FitChoice | null> {
  const { role, verify, signal } = request
  const refuse = (text: string) => {
    machine.out.write(text)
    return null
  }
  machine.out.write(`## Loading ${role} (any) from FIT Image at ${hex8(address)} ...\n`)
  const fit = readFit(machine, address)
  if (fit === null) return refuse(`Bad FIT ${role} image format! (err=-2)\n`)
  const configuration = request.image === null ? chooseConfiguration(machine, fit, request) : null
  if (request.image === null && configuration === null) return null
  const name = request.image ?? configuration?.images.get(role)?.[0]
  const image = name === undefined ? null : fitImage(fit, name)
  if (image === null) return refuse(`Could not find subimage node type '${role}'\n`)
  machine.out.write(`   Trying '${image.name}' ${role} subimage\n${fitImageLines(fit, image, address)}`)
  if (verify) {
    machine.out.write('   Verifying Hash Integrity ... ')
    if (!(await verifyFitImage(machine, address, image, signal))) return refuse('Bad Data Hash\n')
    machine.out.write('OK\n')
  }
  if (!bootable(machine, role, image)) return null
  if (image.data === null) return refuse(`Could not find ${role} subimage data!\n`)
  return { fit, image, configuration, data: { address: address + image.data.offset, size: image.data.size } }
}
