/**
 * Finds and checks the images that `bootm`, `bootz` and `booti` boot, and prints what U-Boot prints meanwhile;
 * a null means that the reason for giving up has been printed.
 */

import { FDT_MAGIC } from '../../image/fdt/fdt-format.js'
import { isZImage } from '../../image/kernel/zimage.js'
import type { MemoryPart } from '../hardware/boot-target.js'
import { type FitRole, openFit } from '../image/fit-image.js'
import { imageFormat, openLegacy, verifies } from '../image/legacy-image.js'
import { hex8, parseHex } from '../lib/numbers.js'
import type { Machine } from '../machine/machine.js'

/** An argument that names an image: `42000000`, `42000000:1000`, `42000000#conf-1`, `42000000:kernel-1`. */
export interface ImageArgument {
  readonly address: number
  /** behind `#` */
  readonly configuration: string | null
  /** behind `:` */
  readonly rest: string | null
}

/** @param text null: the last load */
export function parseImageArgument(machine: Machine, text: string | undefined): ImageArgument {
  const [, address = '', mark = '', rest = ''] = /^([^:#]*)([:#]?)(.*)$/s.exec(text ?? '') ?? []
  return {
    address: address === '' ? machine.state.loadAddress : parseHex(address),
    configuration: mark === '#' ? rest : null,
    rest: mark === ':' ? rest : null,
  }
}

/** Images in the same file as the kernel: they replace missing arguments. */
export interface Companions {
  readonly ramdisk: (() => Promise<MemoryPart | null>) | null
  readonly fdt: (() => Promise<MemoryPart | null>) | null
}

/** An image that holds a kernel and nothing else. */
export const ALONE: Companions = { ramdisk: null, fdt: null }

/** No ramdisk, no tree; `false` where something was asked for and refused. */
export type Found = MemoryPart | null | false

/** An image of a FIT, at its place in memory. */
export async function fitPiece(
  machine: Machine,
  role: FitRole,
  { address, configuration, rest }: ImageArgument,
  signal: AbortSignal,
): Promise<MemoryPart | null> {
  const request = { role, configuration, image: rest, verify: verifies(machine), signal }
  return (await openFit(machine, address, request))?.data ?? null
}

async function legacyRamdisk(machine: Machine, address: number, signal: AbortSignal): Promise<MemoryPart | null> {
  machine.out.write(`## Loading init Ramdisk from Legacy Image at ${hex8(address)} ...\n`)
  const opened = await openLegacy(machine, address, { verify: verifies(machine), signal })
  if (typeof opened === 'string') return null
  if (opened.header.type === 'ramdisk') return opened.data
  machine.out.write('No Linux ARM Ramdisk Image\n')
  return null
}

/**
 * The ramdisk.
 *
 * @param argument `-` and `-:SIZE` mean none; `ADDR:SIZE` is a raw ramdisk, unless an image with a header is there
 */
export async function findRamdisk(
  machine: Machine,
  argument: string | undefined,
  companions: Companions,
  signal: AbortSignal,
): Promise<Found> {
  if (argument === undefined) return (await companions.ramdisk?.()) ?? (companions.ramdisk === null ? null : false)
  if (argument === '-' || argument.startsWith('-:')) return null
  const where = parseImageArgument(machine, argument)
  const format = machine.memory.contains(where.address, 64) ? imageFormat(machine, where.address) : null
  const piece =
    format === 'legacy'
      ? await legacyRamdisk(machine, where.address, signal)
      : format === 'fit'
        ? await fitPiece(machine, 'ramdisk', where, signal)
        : rawRamdisk(machine, where)
  if (piece !== null) return piece
  machine.out.write('Ramdisk image is corrupt or invalid\n')
  return false
}

function rawRamdisk(machine: Machine, { address, rest }: ImageArgument): MemoryPart | null {
  const size = rest === null ? 0 : parseHex(rest)
  if (size > 0 && machine.memory.contains(address, size)) return { address, size }
  machine.out.write('Wrong Ramdisk Image Format\n')
  return null
}

/** The device tree at an address, or null. */
function treeAt(machine: Machine, address: number): MemoryPart | null {
  if (!machine.memory.contains(address, 8)) return null
  const header = machine.memory.read(address, 8)
  const size = header.readUInt32BE(4)
  return header.readUInt32BE(0) === FDT_MAGIC && machine.memory.contains(address, size) ? { address, size } : null
}

/** The device tree; null if the command names none. */
export async function findFdt(
  machine: Machine,
  argument: string | undefined,
  companions: Companions,
  signal: AbortSignal,
): Promise<Found> {
  if (argument === undefined && companions.fdt === null) return null
  const piece = argument === undefined ? await companions.fdt?.() : await fdtOf(machine, argument, signal)
  if (piece != null) return piece
  machine.out.write('Could not find a valid device tree\n')
  return false
}

async function fdtOf(machine: Machine, argument: string, signal: AbortSignal): Promise<MemoryPart | null> {
  const where = parseImageArgument(machine, argument)
  if (where.configuration !== null || where.rest !== null) {
    const piece = await fitPiece(machine, 'fdt', where, signal)
    if (piece !== null) machine.out.write(`   Booting using the fdt blob at 0x${piece.address.toString(16)}\n`)
    return piece
  }
  const tree = treeAt(machine, where.address)
  if (tree === null) {
    machine.out.write('ERROR: Did not find a cmdline Flattened Device Tree\n')
    return null
  }
  machine.out.write(`## Flattened Device Tree blob at ${hex8(where.address)}\n`)
  machine.out.write(`   Booting using the fdt blob at 0x${where.address.toString(16)}\n`)
  return tree
}

/** A zImage at an address. */
export interface ZImageFound {
  readonly piece: MemoryPart
  /** as its header has them */
  readonly start: number
  readonly end: number
  /** the device tree that follows it in the same file */
  readonly appended: MemoryPart | null
  /** bytes that were loaded, if they are too few; null if all are there or the number is unknown */
  readonly loaded: number | null
}

const HEADER_BYTES = 0x30

/** The zImage at an address, or null. */
export function findZImage(machine: Machine, address: number): ZImageFound | null {
  const { memory } = machine
  if (!memory.contains(address, HEADER_BYTES)) return null
  const header = memory.read(address, HEADER_BYTES)
  if (!isZImage(header)) return null
  const [start, end] = [header.readUInt32LE(0x28), header.readUInt32LE(0x2c)]
  const size = (end - start) >>> 0
  const known = memory.loadedAt(address)
  const loaded = known ?? Number.POSITIVE_INFINITY
  return {
    piece: { address, size },
    start,
    end,
    appended: known !== null && known > size ? treeAt(machine, address + size) : null,
    loaded: loaded < size ? loaded : null,
  }
}
