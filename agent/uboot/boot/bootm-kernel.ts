/** The kernel that `bootm` boots: out of a legacy image or a FIT. */

import { asFault } from '../../errors.js'
import type { FitImage } from '../../image/uboot/fit.js'
import type { UImageFields } from '../../image/uboot/uimage.js'
import type { MemoryPart } from '../hardware/boot-target.js'
import { openFit } from '../image/fit-image.js'
import { imageFormat, openLegacy, verifies } from '../image/legacy-image.js'
import { unpackMemory } from '../image/unpack-memory.js'
import { hex8 } from '../lib/numbers.js'
import type { Machine } from '../machine/machine.js'
import { ALONE, type Companions, fitPiece, type ImageArgument } from './boot-images.js'
import { failureText, type KernelFound } from './run-boot.js'

/** Bytes that a compressed kernel may become; a decompressor that would write more is stopped. */
const LARGEST_KERNEL = 128 * 1024 * 1024

/** A kernel in its image. */
export interface PackedKernel {
  readonly data: MemoryPart
  readonly compression: UImageFields['compression']
  /** where U-Boot would put it, and where it is put when it has to be unpacked */
  readonly load: number
  readonly companions: Companions
}

/** `bootm` fails with an errno. */
function noKernel(machine: Machine, errno: number): null {
  machine.out.write(`ERROR -${errno}: can't get kernel image!\n`)
  return null
}

const ENOENT = 2
const EINVAL = 22
const EPROTOTYPE = 91

/** Find and check the kernel at a place. @returns null when there is none, which is printed */
export async function openKernel(
  machine: Machine,
  where: ImageArgument,
  signal: AbortSignal,
): Promise<PackedKernel | null> {
  const { address } = where
  const format = machine.memory.contains(address, 64) ? imageFormat(machine, address) : null
  if (format === 'legacy') return openLegacyKernel(machine, address, signal)
  if (format === 'fit') return openFitKernel(machine, where, signal)
  machine.out.write('Wrong Image Type for bootm command\n')
  return noKernel(machine, EPROTOTYPE)
}

async function openLegacyKernel(machine: Machine, address: number, signal: AbortSignal): Promise<PackedKernel | null> {
  const { out } = machine
  out.write(`## Booting kernel from Legacy Image at ${hex8(address)} ...\n`)
  const opened = await openLegacy(machine, address, { verify: verifies(machine), signal })
  if (typeof opened === 'string') return noKernel(machine, EINVAL)
  const { header, parts } = opened
  const [kernel, ramdisk, fdt] = parts
  if (kernel === undefined || (header.type !== 'kernel' && header.type !== 'multi')) {
    out.write('Wrong Image Type for bootm command\n')
    return noKernel(machine, EPROTOTYPE)
  }
  const companions: Companions = header.type === 'multi' ? partsOf(machine, address, ramdisk, fdt) : ALONE
  return { data: kernel, compression: header.compression, load: header.load, companions }
}

/** The files of a multi-file image after the kernel. */
function partsOf(
  machine: Machine,
  address: number,
  ramdisk: MemoryPart | undefined,
  fdt: MemoryPart | undefined,
): Companions {
  const from = (what: string, text: string, piece: MemoryPart | undefined) =>
    piece === undefined
      ? null
      : async () => {
          machine.out.write(`## ${what} from multi component ${text} at ${hex8(address)} ...\n`)
          return piece
        }
  return {
    ramdisk: from('Loading init Ramdisk', 'Legacy Image', ramdisk),
    fdt: fdt === undefined ? null : async () => announceTree(machine, address, fdt),
  }
}

function announceTree(machine: Machine, address: number, fdt: MemoryPart): MemoryPart {
  machine.out.write(`## Flattened Device Tree from multi component Image at ${hex8(address)}\n`)
  machine.out.write(`   Booting using the fdt at 0x${fdt.address.toString(16)}\n`)
  return fdt
}

async function openFitKernel(
  machine: Machine,
  where: ImageArgument,
  signal: AbortSignal,
): Promise<PackedKernel | null> {
  const { address, configuration, rest } = where
  const request = {
    role: 'kernel',
    configuration,
    image: rest,
    verify: verifies(machine),
    signal,
  } as const
  const chosen = await openFit(machine, address, request)
  if (chosen === null) return noKernel(machine, ENOENT)
  const { image, data, configuration: of } = chosen
  const companion = (role: 'ramdisk' | 'fdt') =>
    of?.images.has(role) === true ? () => fitCompanion(machine, role, where, signal) : null
  return {
    data,
    compression: compressionOf(image),
    load: image.load ?? data.address,
    companions: { ramdisk: companion('ramdisk'), fdt: companion('fdt') },
  }
}

async function fitCompanion(
  machine: Machine,
  role: 'ramdisk' | 'fdt',
  where: ImageArgument,
  signal: AbortSignal,
): Promise<MemoryPart | null> {
  const piece = await fitPiece(machine, role, where, signal)
  if (piece !== null && role === 'fdt') {
    machine.out.write(`   Booting using the fdt blob at 0x${piece.address.toString(16)}\n`)
  }
  return piece
}

const compressionOf = ({ compression }: FitImage): UImageFields['compression'] =>
  compression === null ? 'none' : (compression as UImageFields['compression'])

/**
 * The kernel as it is booted: an uncompressed one stays in place, because kexec moves it anyway.
 *
 * @returns null when it cannot be unpacked, which is printed
 */
export async function unpackKernel(
  machine: Machine,
  { data, compression, load }: PackedKernel,
): Promise<Pick<KernelFound, 'piece' | 'loading'> | null> {
  if (compression === 'none') return { piece: data, loading: `   Loading Kernel Image to ${load.toString(16)}\n` }
  try {
    const size = await unpackMemory(machine, data, load, { what: 'kernel', limit: LARGEST_KERNEL })
    return {
      piece: { address: load, size },
      loading: `   Uncompressing Kernel Image to ${load.toString(16)}\n`,
    }
  } catch (thrown) {
    machine.out.write(failureText('bootm', asFault(thrown, 'unpacking the kernel')))
    return null
  }
}
