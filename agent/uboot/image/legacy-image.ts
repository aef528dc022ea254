/** Legacy images in memory: checked and announced as `bootm`, `iminfo` and others do it. */

import { crc32 } from 'node:zlib'
import { yieldToEventLoop } from '../../event-loop.js'
import {
  isUImage,
  readUImageHeader,
  UIMAGE_HEADER_BYTES,
  UIMAGE_TYPES_WITH_PARTS,
  type UImageFields,
  uimageParts,
} from '../../image/uboot/uimage.js'
import { isTree } from '../fdt/working-tree.js'
import type { MemoryPart } from '../hardware/boot-target.js'
import type { Machine } from '../machine/machine.js'
import { legacyLines } from './image-lines.js'

/** Bytes within which the list of files must end: far more files than anybody uses. */
const LIST_BYTES = 4096

export type ImageFormat = 'legacy' | 'fit'

/**
 * The kind of image at an address, by U-Boot's rules: any device tree may be a FIT.
 *
 * @returns null when it is neither
 * @throws UBOOT_MEMORY
 */
export function imageFormat(machine: Machine, address: number): ImageFormat | null {
  if (isUImage(machine.memory.read(address, UIMAGE_HEADER_BYTES))) return 'legacy'
  return isTree(machine, address) ? 'fit' : null
}

/** Whether to check images: yes, unless the variable `verify` says no. */
export function verifies(machine: Machine): boolean {
  const verify = machine.env.get('verify')
  return verify === undefined || /^[1yYtT]/.test(verify)
}

/** The reason for refusing an image, in U-Boot's words, which are already printed. */
export type LegacyFailure = 'Bad Magic Number' | 'Bad Header Checksum' | 'Bad Data CRC'

export interface LegacyImage {
  readonly header: UImageFields
  readonly data: MemoryPart
  /** files of a multi-file image or a script; of others the data alone */
  readonly parts: readonly MemoryPart[]
}

/**
 * The header of an image, with its CRC checked.
 *
 * @returns the error, if there is one; prints nothing
 * @throws UBOOT_MEMORY
 */
export function readLegacyHeader(machine: Machine, address: number): UImageFields | LegacyFailure {
  const bytes = machine.memory.read(address, UIMAGE_HEADER_BYTES)
  if (!isUImage(bytes)) return 'Bad Magic Number'
  const header = readUImageHeader(bytes)
  return header.headerCrc === header.computedCrc ? header : 'Bad Header Checksum'
}

/**
 * Whether the CRC of the data matches the header.
 *
 * @throws UBOOT_MEMORY; the reason of `signal`
 */
export async function legacyDataIntact(
  machine: Machine,
  address: number,
  header: UImageFields,
  signal: AbortSignal,
): Promise<boolean> {
  let crc = 0
  for (const chunk of machine.memory.chunks(address + UIMAGE_HEADER_BYTES, header.size)) {
    crc = crc32(chunk, crc)
    await yieldToEventLoop(signal)
  }
  return crc === header.dataCrc
}

/**
 * The files of an image; of those that hold one, the data.
 *
 * @throws FORMAT_TRUNCATED when the list of files does not end; UBOOT_MEMORY
 */
export function legacyParts(machine: Machine, address: number, { type, size }: UImageFields): MemoryPart[] {
  const start = address + UIMAGE_HEADER_BYTES
  if (!UIMAGE_TYPES_WITH_PARTS.includes(type)) return [{ address: start, size }]
  const list = machine.memory.read(start, Math.min(size, LIST_BYTES))
  return uimageParts(list).map(part => ({ address: start + part.offset, size: part.size }))
}

/** How an image is announced. */
export interface LegacyOptions {
  /** indentation of a failure: `iminfo` indents it further than `bootm` */
  readonly indent?: string
  /** check the data too */
  readonly verify: boolean
  readonly signal: AbortSignal
}

/**
 * Check an image and print U-Boot's messages after `## Booting kernel from Legacy Image at ...`: up to
 * `Verifying Checksum ... OK`, or the error.
 *
 * @throws FORMAT_TRUNCATED, UBOOT_MEMORY; the reason of `signal`
 */
export async function openLegacy(
  machine: Machine,
  address: number,
  { indent = '', verify, signal }: LegacyOptions,
): Promise<LegacyImage | LegacyFailure> {
  const refuse = (failure: LegacyFailure) => {
    machine.out.write(`${indent}${failure}\n`)
    return failure
  }
  const header = readLegacyHeader(machine, address)
  if (typeof header === 'string') return refuse(header)
  const parts = legacyParts(machine, address, header)
  machine.out.write(legacyLines(header, UIMAGE_TYPES_WITH_PARTS.includes(header.type) ? parts : null))
  if (verify) {
    machine.out.write('   Verifying Checksum ... ')
    if (!(await legacyDataIntact(machine, address, header, signal))) return refuse('Bad Data CRC')
    machine.out.write('OK\n')
  }
  return { header, data: { address: address + UIMAGE_HEADER_BYTES, size: header.size }, parts }
}
