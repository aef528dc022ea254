/** Analyses a logged run of kexec-tools: recomputes its table, and predicts what the decompressor does. */

import {
  fateOf,
  inferFromMove,
  LARGEST_TEXT_OFFSET,
  predictDecompressor,
  sizeFromMove,
} from '../../agent/kexec/layout/decompressor.js'
import { ASSUMED_TEXT_OFFSET, type KexecToolsLayout, kexecToolsLayout } from '../../agent/kexec/layout/kexec-tools.js'
import type { DecompressorCode, Prediction } from '../../agent/kexec/layout/plan.js'
import { alignDown, alignUp, normalize, type Range } from '../../agent/kexec/layout/ranges.js'
import type { LoggedRun } from './kexec-tools-log.js'
import { type KnownZImage, knownZImage } from './known-zimages.js'

const ZIMAGE_MAGIC = 0x016f_2818

/** TEXT_OFFSET of kernels for one platform, and of those for many (multi_v7_defconfig, Debian's armmp). */
const TEXT_OFFSETS = [ASSUMED_TEXT_OFFSET, 0x20_8000] as const

/** Stack and heap that kexec-tools adds to the size of a zImage. */
const REQUIRED_EXTRA = 0x11000

/** Upper bound for the decompressor's own bss: the largest seen has 0x418 bytes. */
const OWN_BSS = 0x10000

/** A tag of five words and more holds TEXT_OFFSET; kexec-tools prints the bytes of the tag, not its words. */
const TAG_WITH_TEXT_OFFSET = 20

/** A segment, or the area that replaces it if the table is missing. */
interface Victim {
  readonly name: 'initrd' | 'dtb'
  readonly range: Range
  /** overwritten for certain; false: only if the code's constants are large */
  readonly certain: boolean
  readonly hit: Range
}

/** What happens if the kernel has this TEXT_OFFSET. */
export interface Case {
  readonly textOffset: number
  readonly prediction: Prediction
  readonly victims: readonly Victim[]
}

/** A run with everything that its log reveals. */
export interface Run {
  readonly log: LoggedRun
  /** bytes of the zImage, or of the file if it is not a zImage */
  readonly size: number | null
  readonly isZImage: boolean
  /** the header is neither a zImage's nor ARM code */
  readonly garbage: boolean
  /** the tag contains TEXT_OFFSET, but the log does not show it */
  readonly tagHasTextOffset: boolean
  readonly known: KnownZImage | null
  /** `--image-size`, derived from a kernel area that is larger than its space */
  readonly imageSize: number | null
  /** what kexec-tools computes; null if the log shows too little */
  readonly layout: KexecToolsLayout | null
  /** the logged table is the same */
  readonly reproduced: boolean
  /** where the zImage was placed; null if the log does not show it */
  readonly loadAddress: number | null
  /** the most likely first; more than one if TEXT_OFFSET is not known */
  readonly cases: readonly Case[]
  /** a C: line that the zImage of the log cannot have printed */
  readonly strangeMove: boolean
  /** bounds of the zImage's size, if only a C: line is known */
  readonly sizeBounds: { readonly least: number; readonly most: number } | null
}

/** Analyse a run. */
export function workOut(log: LoggedRun): Run {
  const magic = log.header?.magic ?? ZIMAGE_MAGIC
  const isZImage = magic === ZIMAGE_MAGIC
  // The words of a raw Image are ARM instructions, nearly all of them unconditional (condition 0xe).
  const garbage = !isZImage && magic >>> 28 !== 0xe
  const size = sizeOf(log, isZImage)
  const known = size === null || log.sizes === null ? null : knownZImage(size, log.sizes.edata)
  const { layout, imageSize } = recompute(log, size)
  const loadAddress = loadAddressOf(log)
  // A C: line shows where the decompressor went. Without the unpacked size, nothing else can be computed.
  const foreseeable = isZImage && (log.move === null || log.sizes !== null)
  const cases = size !== null && loadAddress !== null && foreseeable ? casesOf(log, size, loadAddress, known) : []
  return {
    log,
    size,
    isZImage,
    garbage,
    tagHasTextOffset: log.tags.some(tag => tag.byteSize >= TAG_WITH_TEXT_OFFSET),
    known,
    imageSize,
    layout,
    reproduced: layout !== null && sameTable(log, layout),
    loadAddress,
    cases,
    strangeMove:
      log.move !== null && cases.length > 0 && !cases.some(({ prediction }) => prediction.line === log.move?.line),
    sizeBounds: log.move !== null && size === null ? sizeFromMove(log.move.move, loadAddress ?? 0) : null,
  }
}

function sizeOf(log: LoggedRun, isZImage: boolean): number | null {
  const { header, requires } = log
  return (
    log.size ??
    (isZImage && header !== null && header.end > header.start ? header.end - header.start : null) ??
    (requires === null ? null : requires - REQUIRED_EXTRA) ??
    log.kernelFileSize
  )
}

function loadAddressOf({ kernel, entry, segments, move }: LoggedRun): number | null {
  const logged = kernel?.address ?? entry ?? segments[0]?.mem ?? null
  // Without a table: kexec-tools loads at a page plus 0x8000, and the move starts within the first 32 KiB.
  return logged ?? (move === null ? null : alignDown(move.move.from.start, 0x8000))
}

/** Ramdisk and device tree, from their own lines or from their rows in the table, where the device tree is last. */
export function areasOf(log: LoggedRun): { readonly initrd: Range | null; readonly dtb: Range | null } {
  const rows = log.segments.slice(1).flatMap(({ mem, bufsz, memsz }) => {
    const size = bufsz ?? memsz
    return mem === null || size === null ? [] : [{ address: mem, size }]
  })
  const initrd = log.initrd ?? (rows.length > 1 ? rows[0] : undefined)
  const dtb = log.dt ?? rows.find(row => row.address !== initrd?.address)
  const range = (area: { readonly address: number; readonly size: number } | undefined): Range | null =>
    area === undefined ? null : { start: area.address, end: area.address + area.size }
  return { initrd: range(initrd), dtb: range(dtb) }
}

/** The table that kexec-tools computes from the input that the log shows. */
function recompute(log: LoggedRun, size: number | null): { layout: KexecToolsLayout | null; imageSize: number | null } {
  if (size === null || (log.ram.length === 0 && log.notFound === null)) return { layout: null, imageSize: null }
  const { initrd, dtb } = areasOf(log)
  const input = {
    ram: normalize(log.ram),
    size,
    edata: log.sizes?.edata ?? null,
    bss: log.sizes?.bss ?? null,
    initrdSize: initrd === null ? null : initrd.end - initrd.start,
    dtbSize: dtb === null ? null : dtb.end - dtb.start,
    paddedBuffer: log.segments[0]?.bufsz === size + 4,
  }
  const plain = kexecToolsLayout(input)
  const area = log.kernel?.size ?? null
  const imageSize = area === null || plain.kernel === null || area === plain.kernel.size ? null : area
  return { layout: imageSize === null ? plain : kexecToolsLayout({ ...input, imageSize }), imageSize }
}

/** Whether a log shows at least where the kernel goes, and contradicts a layout nowhere. */
function sameTable(log: LoggedRun, layout: KexecToolsLayout): boolean {
  if (log.notFound !== null) return layout.notFound === log.notFound
  if (log.kernel === null && log.segments.length === 0) return false
  const same = (logged: number | null | undefined, computed: number | null | undefined) =>
    logged === null || logged === undefined || logged === computed
  return (
    same(log.requires, layout.requires) &&
    same(log.sizes?.total, layout.total) &&
    same(log.resultingSpace, layout.resultingSpace) &&
    same(log.kernel?.address, layout.kernel?.address) &&
    same(log.kernel?.size, layout.kernel?.size) &&
    same(log.initrd?.address, layout.initrd) &&
    same(log.dt?.address, layout.dt) &&
    same(log.entry, layout.entry) &&
    log.segments.length <= layout.segments.length &&
    log.segments.every((segment, index) => {
      const computed = layout.segments[index]
      return (
        same(segment.mem, computed?.mem) && same(segment.memsz, computed?.memsz) && same(segment.bufsz, computed?.bufsz)
      )
    })
  )
}

/** One case for each TEXT_OFFSET that the kernel may have: known from its sizes, from its C: line, or not at all. */
function casesOf(log: LoggedRun, size: number, loadAddress: number, known: KnownZImage | null): Case[] {
  // Without a tag kexec-tools bounds the unpacked kernel by five times the zImage.
  const edata = log.sizes?.edata ?? size * 5
  const bss = log.sizes?.bss ?? 0
  const candidates = [...TEXT_OFFSETS, LARGEST_TEXT_OFFSET]
  const inferred =
    log.move === null || log.sizes === null
      ? null
      : inferFromMove(log.move.move, { size, edata, loadAddress }, known === null ? candidates : [known.textOffset])
  // The measured values of a known zImage are more complete than its line, unless the two disagree.
  const knownCode = inferred !== null && inferred.code.gap !== known?.code.gap ? null : (known?.code ?? null)
  const offsets: readonly number[] =
    inferred !== null ? [inferred.textOffset] : known !== null ? [known.textOffset] : TEXT_OFFSETS
  const code: DecompressorCode | null = knownCode ?? inferred?.code ?? null
  const areas = areasOf(log)
  return offsets.map(textOffset => {
    const prediction = predictDecompressor({ loadAddress, size, edata, bss, ownBss: OWN_BSS, textOffset, code })
    return { textOffset, prediction, victims: victimsOf(prediction, areas) }
  })
}

function victimsOf(
  prediction: Prediction,
  { initrd, dtb }: { readonly initrd: Range | null; readonly dtb: Range | null },
): Victim[] {
  const segments = [
    { name: 'initrd', range: initrd },
    { name: 'dtb', range: dtb },
  ] as const
  return segments.flatMap(({ name, range }) => {
    const fate = range === null ? null : fateOf(prediction, range)
    return range === null || fate === null ? [] : [{ name, range, ...fate }]
  })
}

/**
 * The `--image-size` with which kexec-tools would put ramdisk and device tree out of reach for every TEXT_OFFSET, rounded
 * up to 1 MiB.
 */
export function safeImageSize({ cases, loadAddress }: Run): number | null {
  if (cases.length === 0 || loadAddress === null) return null
  const ends = cases.map(({ prediction }) => Math.max(prediction.workspace.end, prediction.kernelBssEnd))
  return alignUp(Math.max(...ends) - loadAddress, 2 ** 20)
}
