/**
 * Where kexec-tools puts a zImage, its ramdisk and its device tree on 32-bit ARM. With this, `explain` recognises a log that
 * was altered, and shows what the layout of kexec-tools ignores. Each formula was checked against the logs in the test
 * vectors; versions 2.0.18 to 2.0.32 differ only in the length of the kernel's buffer.
 */

import { KEXEC_ARCH_ARM_FLAGS } from './layout.js'
import { alignDown, alignUp, firstFit, type Range, subtract } from './ranges.js'

const PAGE = 4096

/** kexec-tools assumes that every kernel runs this far above the start of RAM. */
export const ASSUMED_TEXT_OFFSET = 0x8000

/** Stack and heap of the decompressor: 4 KiB and 64 KiB. */
const DECOMPRESSOR_EXTRA = 0x11000

/** Without a tag, kexec-tools assumes that the kernel unpacks to this many times the size of the zImage. */
const UNTAGGED_EXPANSION = 5

export interface KexecToolsInput {
  /** RAM, sorted */
  readonly ram: readonly Range[]
  /** bytes of the zImage, or of the file if it is not a zImage */
  readonly size: number
  /** bytes of decompressed text and data, and of bss; both null without a tag */
  readonly edata: number | null
  readonly bss: number | null
  /** bytes; null without a ramdisk */
  readonly initrdSize: number | null
  /** bytes of the device tree after kexec-tools has changed it; null without one */
  readonly dtbSize: number | null
  /** `--image-size` */
  readonly imageSize?: number | null
  /** `--mem-min` and `--mem-max` */
  readonly memMin?: number | null
  readonly memMax?: number | null
  /** true before 2.0.22, which passed a kernel buffer four bytes longer than the zImage */
  readonly paddedBuffer: boolean
}

interface KexecToolsSegment {
  readonly mem: number
  readonly memsz: number
  readonly bufsz: number
}

export interface KexecToolsLayout {
  /** "zImage requires" */
  readonly requires: number
  /** "total" of "Decompressed kernel sizes"; null without a tag */
  readonly total: number | null
  /** "Resulting kernel space"; null without a tag, because then it is not printed */
  readonly resultingSpace: number | null
  readonly kernel: { readonly address: number; readonly size: number } | null
  readonly initrd: number | null
  readonly dt: number | null
  readonly entry: number | null
  readonly flags: number
  readonly segments: readonly KexecToolsSegment[]
  /** bytes of the area that was not found ("Could not find a free area"); null if everything was placed */
  readonly notFound: number | null
}

/**
 * Compute the layout of kexec-tools, exact to the byte.
 *
 * @returns if kexec-tools gives up, `notFound` is set, and the segments are those placed before
 */
export function kexecToolsLayout(input: KexecToolsInput): KexecToolsLayout {
  const requires = input.size + DECOMPRESSOR_EXTRA
  const tagged = input.edata !== null && input.bss !== null
  const total = tagged ? input.edata + input.bss : null
  const resultingSpace = tagged ? Math.max(input.edata + input.bss, input.edata + requires) : null
  const space = Math.max(input.imageSize ?? 0, resultingSpace ?? (input.imageSize ? 0 : requires * UNTAGGED_EXPANSION))

  const segments: KexecToolsSegment[] = []
  const locate = (size: number, from: number): number | null => {
    const taken = segments.map(segment => ({ start: segment.mem, end: segment.mem + segment.memsz }))
    return firstFit(subtract(input.ram, taken), size, PAGE, {
      start: Math.max(from, input.memMin ?? 0),
      // --mem-max is the last usable byte.
      end: (input.memMax ?? Number.MAX_SAFE_INTEGER - 1) + 1,
    })
  }
  const add = (mem: number, bufsz: number, bytes: number) => segments.push({ mem, memsz: alignUp(bytes, PAGE), bufsz })

  const placed: { kernel: KexecToolsLayout['kernel']; initrd: number | null; dt: number | null } = {
    kernel: null,
    initrd: null,
    dt: null,
  }
  const place = (): number | null => {
    const base = locate(requires + ASSUMED_TEXT_OFFSET, 0)
    if (base === null) return requires + ASSUMED_TEXT_OFFSET
    const address = base + ASSUMED_TEXT_OFFSET
    placed.kernel = { address, size: space }
    add(address, input.size + (input.paddedBuffer ? 4 : 0), input.size + 4)

    const initrdFrom = address + alignUp(space, PAGE)
    if (input.initrdSize !== null) {
      placed.initrd = locate(input.initrdSize, initrdFrom)
      if (placed.initrd === null) return input.initrdSize
      add(placed.initrd, input.initrdSize, input.initrdSize)
    }
    if (input.dtbSize !== null) {
      const initrdEnd = (placed.initrd ?? initrdFrom) + (input.initrdSize ?? 0)
      placed.dt = locate(input.dtbSize, alignDown(initrdEnd + PAGE, PAGE))
      if (placed.dt === null) return input.dtbSize
      add(placed.dt, input.dtbSize, input.dtbSize)
    }
    return null
  }
  const notFound = place()

  const entry = placed.kernel?.address ?? null
  return { requires, total, resultingSpace, ...placed, entry, flags: KEXEC_ARCH_ARM_FLAGS, segments, notFound }
}
