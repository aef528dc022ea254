/** Commands that start a kernel: bootz, booti, bootm, boot, and those that start what cannot be started here. */

import { asFault } from '../../errors.js'
import { isArm64Image, parseArm64Image } from '../../image/kernel/arm64-image.js'
import type { FitImage } from '../../image/uboot/fit.js'
import type { UImageFields } from '../../image/uboot/uimage.js'
import { type Companions, findZImage, fitPiece, type ImageArgument, parseImageArgument } from '../boot/boot-images.js'
import { bootKernel, failureText, type KernelFound } from '../boot/run-boot.js'
import type { MemoryPart } from '../hardware/boot-target.js'
import { openFit } from '../image/fit-image.js'
import { imageFormat, openLegacy, verifies } from '../image/legacy-image.js'
import { unpackMemory } from '../image/unpack-memory.js'
import { hex8, parseHex } from '../lib/numbers.js'
import { type Call, type Command, type Machine, USAGE } from '../machine/machine.js'

const ALONE: Companions = { ramdisk: null, fdt: null }

/** Bytes that a compressed kernel may become; a decompressor that would write more is stopped. */
const LARGEST_KERNEL = 128 * 1024 * 1024

const six = (value: number): string => `0x${value.toString(16).padStart(6, '0')}`

async function bootz(machine: Machine, call: Call): Promise<number> {
  const { address } = parseImageArgument(machine, call.args[1])
  const found = findZImage(machine, address)
  if (found === null) {
    machine.out.write('zimage: Bad magic!\n')
    return 1
  }
  const { piece, start, end, appended, loaded } = found
  machine.out.write(`Kernel image @ 0x${address.toString(16)} [ ${six(start)} - ${six(end)} ]\n`)
  if (loaded !== null) {
    machine.out.write(`ERROR: the zImage is truncated: its header says ${piece.size} bytes, ${loaded} were loaded\n`)
    machine.out.write('Wrong Image Format for bootz command\n')
    return 1
  }
  const companions = appended === null ? ALONE : { ...ALONE, fdt: async () => appended }
  return bootKernel(machine, call, { piece, keepOff: piece, loading: '', companions })
}

async function booti(machine: Machine, call: Call): Promise<number> {
  const { address } = parseImageArgument(machine, call.args[1])
  const size = machine.memory.claimAt(address)
  const header = machine.memory.contains(address, 64) ? machine.memory.read(address, 64) : Buffer.alloc(0)
  if (!isArm64Image(header)) {
    machine.out.write('Bad Linux ARM64 Image magic!\n')
    return 1
  }
  const loaded = size === null ? parseArm64Image(header, 'kernel').imageSize : size.end - size.start
  const piece = { address, size: loaded }
  return bootKernel(machine, call, { piece, keepOff: piece, loading: '', companions: ALONE })
}

/** `bootm` fails with an errno. */
function noKernel(machine: Machine, errno: number): number {
  machine.out.write(`ERROR -${errno}: can't get kernel image!\n`)
  return 1
}

const ENOENT = 2
const EINVAL = 22
const EPROTOTYPE = 91

async function bootm(machine: Machine, call: Call): Promise<number> {
  const where = parseImageArgument(machine, call.args[1])
  const { address } = where
  const format = machine.memory.contains(address, 64) ? imageFormat(machine, address) : null
  if (format === 'legacy') return bootLegacy(machine, call, address)
  if (format === 'fit') return bootFit(machine, call, where)
  machine.out.write('Wrong Image Type for bootm command\n')
  return noKernel(machine, EPROTOTYPE)
}

async function bootLegacy(machine: Machine, call: Call, address: number): Promise<number> {
  const { out } = machine
  out.write(`## Booting kernel from Legacy Image at ${hex8(address)} ...\n`)
  const opened = await openLegacy(machine, address, { verify: verifies(machine), signal: call.signal })
  if (typeof opened === 'string') return noKernel(machine, EINVAL)
  const { header, parts } = opened
  const [kernel, ramdisk, fdt] = parts
  if (kernel === undefined || (header.type !== 'kernel' && header.type !== 'multi')) {
    out.write('Wrong Image Type for bootm command\n')
    return noKernel(machine, EPROTOTYPE)
  }
  const companions: Companions = header.type === 'multi' ? partsOf(machine, address, ramdisk, fdt) : ALONE
  const { load } = header
  const found = await unpackKernel(machine, kernel, header.compression, load)
  if (found === null) return 1
  return bootKernel(machine, call, { ...found, keepOff: null, companions })
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

async function bootFit(machine: Machine, call: Call, where: ImageArgument): Promise<number> {
  const { address, configuration, rest } = where
  const request = {
    role: 'kernel',
    configuration,
    image: rest,
    verify: verifies(machine),
    signal: call.signal,
  } as const
  const chosen = await openFit(machine, address, request)
  if (chosen === null) return noKernel(machine, ENOENT)
  const { image, data, configuration: of } = chosen
  const companion = (role: 'ramdisk' | 'fdt') =>
    of?.images.has(role) === true ? () => fitCompanion(machine, role, where, call.signal) : null
  const found = await unpackKernel(machine, data, compressionOf(image), image.load ?? data.address)
  if (found === null) return 1
  return bootKernel(machine, call, {
    ...found,
    keepOff: null,
    companions: { ramdisk: companion('ramdisk'), fdt: companion('fdt') },
  })
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
 * @param load where U-Boot would put it, and where it is put when it has to be unpacked
 * @returns null when it cannot be unpacked, which is printed
 */
async function unpackKernel(
  machine: Machine,
  piece: MemoryPart,
  compression: UImageFields['compression'],
  load: number,
): Promise<Pick<KernelFound, 'piece' | 'loading'> | null> {
  if (compression === 'none') return { piece, loading: `   Loading Kernel Image to ${load.toString(16)}\n` }
  try {
    const size = await unpackMemory(machine, piece, load, { what: 'kernel', limit: LARGEST_KERNEL })
    return {
      piece: { address: load, size },
      loading: `   Uncompressing Kernel Image to ${load.toString(16)}\n`,
    }
  } catch (thrown) {
    machine.out.write(failureText('bootm', asFault(thrown, 'unpacking the kernel')))
    return null
  }
}

/** `boot` and `bootd`. */
async function bootDefault(machine: Machine, { signal }: Call): Promise<number> {
  const command = machine.env.get('bootcmd')
  if (command !== undefined) return machine.shell.run(command, signal, 'script')
  machine.out.write('## Error: "bootcmd" not defined\n')
  return 1
}

function go(machine: Machine, { args }: Call): number {
  if (args.length < 2) return USAGE
  const address = parseHex(args[1] ?? '')
  machine.out.write(`## Starting application at 0x${hex8(address)} ...\n`)
  machine.out.write('## fauxboot runs no programs of its machine: bootz, booti and bootm boot kernels\n')
  machine.out.write('## Application terminated, rc = 0x1\n')
  return 1
}

function bootelf(machine: Machine, { args }: Call): number {
  const { address } = parseImageArgument(machine, args[1])
  machine.out.write(`## No elf image at address 0x${hex8(address)}\n`)
  return 1
}

const GO_USAGE = `addr [arg ...]
    - start application at address 'addr'
      passing 'arg' as arguments`

const BOOT_LINUX_USAGE = `[addr [initrd[:size]] [fdt]]
    - boot Linux`

export const bootCommands: readonly Command[] = [
  {
    name: 'boot',
    maxArgs: 1,
    repeatable: true,
    summary: "boot default, i.e., run 'bootcmd'",
    usage: '',
    run: bootDefault,
  },
  {
    name: 'bootd',
    maxArgs: 1,
    repeatable: true,
    summary: "boot default, i.e., run 'bootcmd'",
    usage: '',
    run: bootDefault,
  },
  { name: 'bootelf', maxArgs: 2, summary: 'Boot from an ELF image in memory', usage: '[address]', run: bootelf },
  {
    name: 'booti',
    maxArgs: 64,
    repeatable: true,
    summary: "boot Linux kernel 'Image' format from memory",
    usage: `${BOOT_LINUX_USAGE} arm64 'Image' stored at memory`,
    run: booti,
  },
  {
    name: 'bootm',
    maxArgs: 64,
    repeatable: true,
    summary: 'boot application image from memory',
    usage: '[addr[#conf|:subimage] [initrd[:size]|-] [fdt]]\n    - boot the image at addr: uImage or FIT',
    run: bootm,
  },
  {
    name: 'bootz',
    maxArgs: 64,
    repeatable: true,
    summary: 'boot Linux zImage image from memory',
    usage: `${BOOT_LINUX_USAGE} zImage stored at memory`,
    run: bootz,
  },
  { name: 'go', maxArgs: 64, summary: "start application at address 'addr'", usage: GO_USAGE, run: go },
]
