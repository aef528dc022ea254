/**
 * Turns the files of a job into a plan: where each file goes, what the decompressor will do to memory, and what is wrong.
 * Pure: the same bytes, memory map and options give the same plan on any machine.
 */

import { fault } from '../errors.js'
import { detectCompression } from '../image/compression/compression.js'
import { isCpio } from '../image/cpio/cpio.js'
import { isFdt, parseFdt } from '../image/fdt/fdt.js'
import { isArm64Image, parseArm64Image } from '../image/kernel/arm64-image.js'
import { isZImage, parseZImage, type ZImage } from '../image/kernel/zimage.js'
import { isUImage, parseUImage } from '../image/uboot/uimage.js'
import type { BoardFacts, PreflightContext, RamdiskPart, TargetTree } from './checks/check.js'
import { earlyconArgument, hasEarlycon } from './checks/earlycon.js'
import { LARGEST_TEXT_OFFSET, RAM_BASE_ALIGNMENT } from './layout/decompressor.js'
import { readDecompressorCode } from './layout/decompressor-code.js'
import { boardOf, prepareDtb, reservedMemory } from './layout/dtb.js'
import { addKeptMemory } from './layout/kept-memory.js'
import { decompressorRamBase, KEXEC_ARCH_ARM_FLAGS, type LayoutFailure, layOutArm } from './layout/layout.js'
import { KEXEC_ARCH_ARM64_FLAGS, layOutArm64 } from './layout/layout-arm64.js'
import { ramFromFdt, withHolesFilled } from './layout/memory-map.js'
import type { KernelFacts, Plan, PlanSegment, Prediction } from './layout/plan.js'
import { addPsci } from './layout/psci.js'
import { alignUp, normalize, overlap, type Range, subtract } from './layout/ranges.js'
import { preflight } from './preflight.js'

export interface PlanInput {
  /** System RAM of the running kernel */
  readonly ram: readonly Range[]
  /** zImage or arm64 Image, also inside a uImage */
  readonly kernel: Uint8Array
  /** parts of the ramdisk, in order; each is padded with zeros to a page */
  readonly ramdisk?: readonly Uint8Array[]
  readonly dtb?: Uint8Array
  /** used if the job has no `dtb` */
  readonly runningDtb?: Uint8Array
  readonly cmdline: string
  readonly jobId?: string
  /** for the target's interfaces, by alias or path of their nodes: `{ ethernet0: '02:02:c3:99:67:87' }` */
  readonly macAddresses?: Readonly<Record<string, string>>
  /** true to add `earlycon`, with a value from the device tree if it needs one; a string is the value */
  readonly earlycon?: boolean | string
  /** pass the memory that outlives a reset on to the target, for its last words */
  readonly lastWords?: boolean
  /** accept RAM that does not start at a multiple of 128 MiB */
  readonly force?: boolean
  /** bytes of RAM that the early kernel maps; 760 MiB by default */
  readonly lowmemBytes?: number
  /** bytes; 4096 by default */
  readonly pageSize?: number
  /** facts about the board; without them, the checks that need them do not run */
  readonly board?: BoardFacts
}

/** The smallest lowmem of the usual splits of the address space: 3:1 with 240 MiB of vmalloc. */
const DEFAULT_LOWMEM = 760 * 2 ** 20
const DEFAULT_PAGE = 4096

const RUNNING_DTB = 'dtb of the running kernel'

/** Bounds for a zImage without a size tag: the factor by which it grows, and a bss above the largest seen, 7.3 MiB. */
const UNTAGGED_EXPANSION = 5
const UNTAGGED_BSS = 8 * 2 ** 20

/**
 * Plan a boot.
 *
 * @returns the plan. If it is not survivable, it has a fatal finding; if there is no layout at all, it has no segments
 * @throws PLAN_INPUT; FORMAT_* for a file that is damaged or of another format
 */
export function planBoot(input: PlanInput): Plan {
  const ram = normalize(input.ram)
  checkInput(input, ram)
  const kernel = readKernel(input.kernel)
  const ramdisk = (input.ramdisk ?? []).map(readRamdisk).filter(piece => piece.bytes.length > 0)
  const tree = readTree(input, kernel.zimage, ram)
  const added = earlyconArgument(tree?.fdt ?? null, input.cmdline, input.earlycon)
  const cmdline = added === null ? input.cmdline : `${input.cmdline} ${added}`.trim()
  const runningTree = input.runningDtb === undefined ? null : parseFdt(input.runningDtb, RUNNING_DTB)
  const psciAdded = tree !== null && runningTree !== null && addPsci(tree.fdt, runningTree)
  const passesOn = input.lastWords === true && tree !== null && runningTree !== null
  const keptMemory = passesOn ? addKeptMemory(tree.fdt, runningTree) : 'none'

  const pageSize = input.pageSize ?? DEFAULT_PAGE
  const lowmemEnd = (ram[0]?.start ?? 0) + (input.lowmemBytes ?? DEFAULT_LOWMEM)
  const { macAddresses } = input
  const writeDtb = (initrd: Range | null) =>
    tree === null
      ? null
      : prepareDtb({ fdt: tree.fdt, memory: tree.memory, cmdline, initrd, jobId: input.jobId, macAddresses })
  const placed = place({
    kernel,
    ram,
    tree,
    lowmemEnd,
    pageSize,
    ramdisk: ramdisk.map(piece => piece.bytes.length),
    // The tree's size does not depend on the addresses in it, so writing it once gives its size.
    dtb: writeDtb(ramdisk.length === 0 ? null : { start: 0, end: 0 })?.length ?? null,
  })

  const segments = 'failure' in placed ? [] : segmentsOf(placed, kernel.bytes, ramdisk, writeDtb, pageSize)
  const prediction = 'failure' in placed ? null : placed.prediction
  const entry = 'failure' in placed ? 0 : placed.kernel
  const context: PreflightContext = {
    ram,
    kernel: kernel.facts,
    zimage: kernel.zimage,
    kernelWrapped: kernel.wrapped,
    ramdisk,
    tree,
    runningBoard: runningTree === null ? null : boardOf(runningTree),
    cmdline,
    psciAdded,
    keptMemory,
    earlyconFailed: input.earlycon === true && !hasEarlycon(cmdline),
    force: input.force ?? false,
    segments,
    entry,
    prediction,
    failure: 'failure' in placed ? placed.failure : null,
    lowmemEnd,
    board: input.board ?? null,
  }
  const findings = preflight(context)
  return {
    arch: kernel.zimage === null ? 'arm64' : 'arm',
    ram,
    kernel: kernel.facts,
    cmdline,
    segments,
    entry,
    flags: kernel.zimage === null ? KEXEC_ARCH_ARM64_FLAGS : KEXEC_ARCH_ARM_FLAGS,
    prediction,
    findings,
    survivable: findings.every(finding => finding.severity !== 'fatal'),
  }
}

function checkInput(input: PlanInput, ram: readonly Range[]): void {
  const { pageSize = DEFAULT_PAGE, lowmemBytes = DEFAULT_LOWMEM } = input
  const rules: readonly (readonly [right: boolean, reason: string])[] = [
    [ram.length > 0, 'the memory map is empty'],
    [ram.every(range => range.start >= 0 && Number.isSafeInteger(range.end)), 'RAM must lie between 0 and 2^53'],
    [pageSize >= 4096 && Math.log2(pageSize) % 1 === 0, `the page size is 4096, 16384 or 65536, not ${pageSize}`],
    [lowmemBytes > 0, `lowmem must have more than 0 bytes, not ${lowmemBytes}`],
    [!input.cmdline.includes('\0'), 'the command line contains a NUL, which would end it'],
    [!(input.jobId ?? '').includes('\0'), 'the job id contains a NUL'],
  ]
  const broken = rules.find(([right]) => !right)
  if (broken !== undefined) throw fault('PLAN_INPUT', { reason: broken[1] })
}

interface Kernel {
  /** the bytes that are loaded */
  readonly bytes: Uint8Array
  readonly facts: KernelFacts
  readonly zimage: ZImage | null
  readonly wrapped: boolean
  /** bytes of memory from its start; arm64 only */
  readonly memorySize: number
}

function readKernel(file: Uint8Array): Kernel {
  const wrapped = isUImage(file)
  const bytes = wrapped ? parseUImage(file, 'kernel').data : file
  if (isArm64Image(bytes)) return { ...arm64Kernel(bytes), wrapped }
  if (isZImage(bytes)) return { ...armKernel(parseZImage(bytes, 'kernel')), wrapped }
  const place = { what: 'kernel', where: '0x0' }
  if (bytes.length === 0) throw fault('FORMAT_TRUNCATED', { ...place, expected: KERNELS, found: 'an empty file' })
  throw fault('FORMAT_UNSUPPORTED', { ...place, ...strangerOf(bytes) })
}

const KERNELS = 'a zImage or an arm64 Image, plain or in a uImage'

/** What people send instead of a kernel. */
const STRANGERS: readonly (readonly [fits: (bytes: Uint8Array) => boolean, name: string, way?: string])[] = [
  [isFdt, 'a device tree or a FIT image'],
  [isCpio, 'a cpio archive'],
  [bytes => startsWith(bytes, '\x7fELF'), 'an ELF file, such as vmlinux'],
  [
    bytes => startsWith(bytes, '!<arch>\ndebian-binary'),
    'a Debian package',
    'such as the boot/vmlinuz that `dpkg-deb --extract` takes out of it',
  ],
]

function strangerOf(bytes: Uint8Array): { readonly found: string; readonly expected: string } {
  const compression = detectCompression(bytes)
  const [, name = compression && `a ${compression} file`, way] = STRANGERS.find(([fits]) => fits(bytes)) ?? []
  return {
    found:
      name === null
        ? `an unknown format: ${Buffer.from(bytes.subarray(0, 4)).toString('hex')}`
        : `the format of ${name}`,
    expected: way === undefined ? KERNELS : `${KERNELS}, ${way}`,
  }
}

function startsWith(bytes: Uint8Array, magic: string): boolean {
  return Buffer.from(bytes.subarray(0, magic.length)).equals(Buffer.from(magic, 'latin1'))
}

function armKernel(zimage: ZImage): Omit<Kernel, 'wrapped'> {
  const { size, edata, bss, textOffset, textOffsetSource } = zimage
  return {
    bytes: zimage.bytes,
    zimage,
    memorySize: size,
    facts: {
      format: 'zImage',
      size,
      textOffset: textOffset ?? LARGEST_TEXT_OFFSET,
      textOffsetSource: textOffsetSource ?? 'assumed',
      edata: edata ?? size * UNTAGGED_EXPANSION,
      bss: bss ?? UNTAGGED_BSS,
      exact: edata !== null && bss !== null,
      code: readDecompressorCode(zimage.bytes, zimage.thumb),
    },
  }
}

function arm64Kernel(bytes: Uint8Array): Omit<Kernel, 'wrapped'> {
  const image = parseArm64Image(bytes, 'kernel')
  return {
    bytes,
    zimage: null,
    memorySize: Math.max(image.imageSize, image.size),
    facts: {
      format: 'arm64-Image',
      size: image.size,
      textOffset: image.textOffset,
      textOffsetSource: 'tag',
      edata: image.size,
      bss: Math.max(0, image.imageSize - image.size),
      exact: image.imageSize > 0,
      code: null,
    },
  }
}

function readRamdisk(file: Uint8Array): RamdiskPart {
  const wrapped = isUImage(file)
  const bytes = wrapped ? parseUImage(file, 'ramdisk').data : file
  return { bytes, wrapped, format: isCpio(bytes) ? 'cpio' : detectCompression(bytes) }
}

/** The job's device tree, else the running kernel's, else the one appended to the zImage. */
function readTree(input: PlanInput, zimage: ZImage | null, ram: readonly Range[]): TargetTree | null {
  const candidates = [
    { source: 'job', what: 'dtb', bytes: input.dtb },
    { source: 'running', what: RUNNING_DTB, bytes: input.runningDtb },
    { source: 'appended', what: 'dtb appended to the zImage', bytes: zimage?.appendedDtb ?? undefined },
  ] as const
  const chosen = candidates.find(({ bytes }) => bytes !== undefined)
  if (chosen?.bytes === undefined) return null
  const fdt = parseFdt(chosen.bytes, chosen.what)
  const listed = ramFromFdt(fdt)
  const reserved = reservedMemory(fdt)
  const absentMemory = chosen.source === 'running' ? [] : subtract(listed, [...withHolesFilled(ram), ...reserved])
  const memory = subtract(listed, absentMemory)
  return {
    source: chosen.source,
    fdt,
    memoryAdded: memory.length === 0,
    memory: memory.length === 0 ? ram : memory,
    absentMemory,
    reserved,
    ...boardOf(fdt),
  }
}

interface PlaceInput {
  readonly kernel: Kernel
  readonly ram: readonly Range[]
  readonly tree: TargetTree | null
  readonly lowmemEnd: number
  readonly pageSize: number
  readonly ramdisk: readonly number[]
  readonly dtb: number | null
}

interface Placed {
  readonly kernel: number
  readonly ramdisk: readonly number[]
  readonly dtb: number | null
  readonly prediction: Prediction | null
}

function place(input: PlaceInput): Placed | { readonly failure: LayoutFailure } {
  const { kernel, tree, lowmemEnd, pageSize, ramdisk, dtb } = input
  const reserved = tree?.reserved ?? []
  const known = tree?.memory ?? input.ram
  const both = normalize(input.ram.flatMap(range => known.flatMap(other => overlap(range, other) ?? [])))
  // If the two have nothing in common, a check reports it, and the layout trusts the running kernel.
  const ram = both.length > 0 ? both : input.ram
  if (kernel.zimage === null) {
    const { facts, memorySize } = kernel
    return layOutArm64({ ram, reserved, textOffset: facts.textOffset, size: memorySize, ramdisk, dtb })
  }
  const start = input.ram[0]?.start ?? 0
  const checks = kernel.facts.code?.checksMemory ?? start % RAM_BASE_ALIGNMENT !== 0
  return layOutArm({
    ram,
    reserved,
    kernel: kernel.facts,
    mallocSize: kernel.zimage.mallocSize,
    ramBase: decompressorRamBase(start, known, checks),
    ramdisk,
    dtb,
    lowmemEnd,
    pageSize,
  })
}

/** The device tree comes last, because the kernel passes on the last segment that starts with d00dfeed. */
function segmentsOf(
  placed: Placed,
  kernel: Uint8Array,
  ramdisk: readonly RamdiskPart[],
  writeDtb: (initrd: Range | null) => Uint8Array | null,
  pageSize: number,
): PlanSegment[] {
  const segment = (kind: PlanSegment['kind'], data: Uint8Array, mem: number): PlanSegment => ({
    kind,
    data,
    mem,
    memsz: alignUp(data.length, pageSize),
  })
  const pieces = ramdisk.map(({ bytes }, index) => segment('ramdisk', bytes, placed.ramdisk[index] ?? 0))
  const [first] = pieces
  const last = pieces.at(-1)
  const initrd =
    first === undefined || last === undefined ? null : { start: first.mem, end: last.mem + last.data.length }
  const dtb = writeDtb(initrd)
  return [
    segment('kernel', kernel, placed.kernel),
    ...pieces,
    ...(dtb === null || placed.dtb === null ? [] : [segment('dtb', dtb, placed.dtb)]),
  ]
}
