/** `iminfo` and `imxtract`: describe an image, and extract a part of it. */

import { FauxbootError } from '../../../errors.js'
import { yieldToEventLoop } from '../../../event-loop.js'
import type { CompressionFormat } from '../../../image/compression/compression.js'
import { UIMAGE_COMPRESSION } from '../../../image/uboot/uimage-tables.js'
import type { MemoryPart } from '../../hardware/boot-target.js'
import { MEMORY_CHUNK } from '../../hardware/memory.js'
import { fitImage, readFit, verifyFitImage } from '../../image/fit-image.js'
import { fitLines } from '../../image/image-lines.js'
import {
  imageFormat,
  legacyDataIntact,
  legacyParts,
  openLegacy,
  readLegacyHeader,
  verifies,
} from '../../image/legacy-image.js'
import { unpackMemory } from '../../image/unpack-memory.js'
import { bareHex, hex8, parseHex } from '../../lib/numbers.js'
import type { Call, Command, Machine } from '../../machine/machine.js'

/** Bytes that U-Boot unpacks a part to. */
const UNPACKED_LIMIT = 0x80_0000
const MOST_WORDS = 64

async function showFit(machine: Machine, address: number, signal: AbortSignal): Promise<boolean> {
  machine.out.write('   FIT image found\n')
  const fit = readFit(machine, address)
  if (fit === null) {
    machine.out.write('Bad FIT image format!\n')
    return false
  }
  machine.out.write(`${fitLines(fit, address)}## Checking hash(es) for FIT Image at ${hex8(address)} ...\n`)
  for (const [i, image] of fit.images.entries()) {
    machine.out.write(`   Hash(es) for Image ${i} (${image.name}): `)
    if (!(await verifyFitImage(machine, address, image, signal))) {
      machine.out.write('Bad hash in FIT image!\n')
      return false
    }
    machine.out.write('\n')
  }
  return true
}

/** Describe the image at an address. @returns whether it is good */
async function showImage(machine: Machine, address: number, signal: AbortSignal): Promise<boolean> {
  machine.out.write(`\n## Checking Image at ${hex8(address)} ...\n`)
  const format = imageFormat(machine, address)
  if (format === 'fit') return await showFit(machine, address, signal)
  if (format === 'legacy') {
    machine.out.write('   Legacy image found\n')
    return typeof (await openLegacy(machine, address, { indent: '   ', verify: true, signal })) !== 'string'
  }
  machine.out.write('Unknown image format!\n')
  return false
}

async function iminfo(machine: Machine, { args, signal }: Call): Promise<number> {
  const addresses = args.length < 2 ? [machine.state.loadAddress] : args.slice(1).map(parseHex)
  let good = true
  for (const address of addresses) good = (await showImage(machine, address, signal)) && good
  return good ? 0 : 1
}

/** A part of an image and its compression; or U-Boot's sentence if there is none. */
type Part = { readonly piece: MemoryPart; readonly compression: string } | string

const needsTarget = 'Must specify load address for imxtract command with compressed image'

interface Extraction {
  readonly address: number
  /** number or name as typed; undefined if there was none */
  readonly part: string | undefined
  /** null: the part stays where it is */
  readonly target: number | null
  readonly signal: AbortSignal
}

async function legacyPart(machine: Machine, { address, part = '0', target, signal }: Extraction): Promise<Part> {
  const number = parseHex(part)
  machine.out.write(`## Copying part ${number} from legacy image at ${hex8(address)} ...\n`)
  const header = readLegacyHeader(machine, address)
  if (typeof header === 'string') return header
  if (header.type !== 'multi' && header.type !== 'script') return 'Wrong Image Type for imxtract command'
  const compression = header.compression ?? 'unknown'
  if (compression !== 'none' && target === null) return needsTarget
  if (verifies(machine)) {
    machine.out.write('   Verifying Checksum ... ')
    if (!(await legacyDataIntact(machine, address, header, signal))) return 'Bad Data CRC'
    machine.out.write('OK\n')
  }
  const piece = legacyParts(machine, address, header)[number]
  return piece === undefined ? 'Bad Image Part' : { piece, compression }
}

async function fitPart(machine: Machine, { address, part, target, signal }: Extraction): Promise<Part> {
  if (part === undefined) return 'No FIT subimage unit name'
  machine.out.write(`## Copying '${part}' subimage from FIT image at ${hex8(address)} ...\n`)
  const fit = readFit(machine, address)
  if (fit === null) return 'Bad FIT image format'
  const image = fitImage(fit, part)
  if (image === null) return `Can't find '${part}' FIT subimage`
  const compression = image.compression ?? 'none'
  if (compression !== 'none' && target === null) return needsTarget
  if (verifies(machine) && !(await verifyFitImage(machine, address, image, signal))) return 'Bad Data Hash'
  if (image.data === null) return 'Could not find script subimage data'
  return { piece: { address: address + image.data.offset, size: image.data.size }, compression }
}

/** Copy memory, from its end when it would overwrite itself otherwise. */
async function copy(machine: Machine, { address, size }: MemoryPart, target: number, signal: AbortSignal) {
  const starts = Array.from({ length: Math.ceil(size / MEMORY_CHUNK) }, (_, i) => i * MEMORY_CHUNK)
  for (const start of target > address ? starts.reverse() : starts) {
    machine.memory.write(target + start, machine.memory.read(address + start, Math.min(MEMORY_CHUNK, size - start)))
    await yieldToEventLoop(signal)
  }
}

/** What U-Boot prints when a part cannot be unpacked, by compression. */
const UNPACK_ERRORS: Readonly<Record<string, string>> = {
  gzip: 'GUNZIP ERROR - image not loaded',
  bzip2: 'BUNZIP2 ERROR -4 - image not loaded',
}

/** Unpack a part. @returns its size then; null when it cannot be */
async function unpack(machine: Machine, piece: MemoryPart, format: CompressionFormat, to: number, signal: AbortSignal) {
  try {
    return await unpackMemory(machine, piece, to, { what: 'image', limit: UNPACKED_LIMIT, format, signal })
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError)) throw thrown
    if (thrown.code === 'PROGRAM_MISSING') machine.out.write(`\n## fauxboot: ${thrown.message}\n`)
    return null
  }
}

/** Put a part where it is wanted. @returns its size there, null when that failed */
async function place(
  machine: Machine,
  { piece, compression }: Exclude<Part, string>,
  { part = '0', target, signal }: Extraction & { readonly target: number },
): Promise<number | null> {
  const number = parseHex(part)
  if (compression === 'none') {
    machine.out.write(`   Loading part ${number} ... `)
    await copy(machine, piece, target, signal)
    machine.out.write('OK\n')
    return piece.size
  }
  const error = UNPACK_ERRORS[compression]
  if (error === undefined) {
    const id = Object.entries(UIMAGE_COMPRESSION).find(([, name]) => name === compression)?.[0]
    machine.out.write(`Unimplemented compression type ${id ?? -1}\n`)
    return null
  }
  machine.out.write(`   Uncompressing part ${number} ... `)
  const size = await unpack(machine, piece, compression === 'gzip' ? 'gzip' : 'bzip2', target, signal)
  machine.out.write(size === null ? `${error}\n` : 'OK\n')
  return size
}

async function imxtract(machine: Machine, { args, signal }: Call): Promise<number> {
  const [, where, part, to] = args
  const target = to === undefined ? null : parseHex(to)
  const extraction = {
    address: where === undefined ? machine.state.loadAddress : parseHex(where),
    part,
    target,
    signal,
  }
  const format = imageFormat(machine, extraction.address)
  const read = format === 'legacy' ? legacyPart : format === 'fit' ? fitPart : null
  const found = read === null ? 'Invalid image type for imxtract' : await read(machine, extraction)
  if (typeof found === 'string') {
    machine.out.write(`${found}\n`)
    return 1
  }
  const size = target === null ? found.piece.size : await place(machine, found, { ...extraction, target })
  if (size === null) return 1
  machine.env.set('fileaddr', bareHex(found.piece.address), { origin: 'program' })
  machine.env.set('filesize', bareHex(size), { origin: 'program' })
  return 0
}

export const imageCommands: readonly Command[] = [
  {
    name: 'iminfo',
    maxArgs: MOST_WORDS,
    repeatable: true,
    summary: 'print header information for application image',
    usage: `addr [addr ...]
    - print header information for application image starting at
      address 'addr' in memory; this includes verification of the
      image contents (magic number, header and payload checksums)`,
    run: iminfo,
  },
  {
    name: 'imxtract',
    maxArgs: 4,
    repeatable: true,
    summary: 'extract a part of a multi-image',
    usage: `addr part [dest]
    - extract <part> from legacy image at <addr> and copy to <dest>
addr uname [dest]
    - extract <uname> subimage from FIT image at <addr> and copy to <dest>`,
    run: imxtract,
  },
]
