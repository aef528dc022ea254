/** The words of a plan: what goes where, what the decompressor will do, and what was found wrong with it. */
import type { Range } from './ranges.js'

export type SegmentKind = 'kernel' | 'ramdisk' | 'dtb'

/** A segment of the plan, ready for `kexec_load`: `data` is a view of the artifact, never a copy of it. */
export interface PlanSegment {
  readonly kind: SegmentKind
  readonly data: Uint8Array
  /** physical address */
  readonly mem: number
  /** bytes in memory, whole pages */
  readonly memsz: number
}

export type Severity = 'info' | 'warning' | 'fatal'

/** One thing worth knowing before the jump. A plan with a fatal finding is refused. */
export interface Finding {
  /** stable name, for programs: `memory-missing`, `console-missing` ... */
  readonly check: string
  readonly severity: Severity
  /** what was found, with the values */
  readonly message: string
  /** what to change; empty when nothing needs to be */
  readonly remedy: string
  /** the ranges that collide, where ranges collide */
  readonly ranges?: readonly Range[]
}

/** What the zImage's decompressor will do to memory (`arch/arm/boot/compressed/head.S`). */
export interface Prediction {
  /** where the zImage was placed */
  readonly loadAddress: number
  /** RAM base as the decompressor computes it: `pc & 0xf8000000`, checked against the device tree by newer kernels */
  readonly ramBase: number
  /** where the kernel is decompressed to */
  readonly kernelAddress: number
  /** end of the decompressed text and data */
  readonly kernelEnd: number
  /** end of the kernel's bss: what the early kernel touches */
  readonly kernelBssEnd: number
  readonly relocates: boolean
  /** the line that a decompressor built with DEBUG prints, when it moves itself: `C:0x...-0x...->0x...-0x...` */
  readonly line: string | null
  /** the code's own constants are known: `line` holds to the byte, and `workspace` as far as the bss is known */
  readonly exact: boolean
  /** everything in it dies: page table, decompressed kernel, the (moved) zImage, its stack and heap; at most this */
  readonly workspace: Range
  /** the same, at the least: equal to `workspace` where every constant is known */
  readonly certain: Range
}

/** What `decompressor-code.ts` finds in the decompressor's instructions; offsets are from the start of the zImage. */
export interface DecompressorCode {
  /** label `restart`: the copy starts here, rounded down to 32 bytes */
  readonly restart: number
  /** `(reloc_code_end - restart + 256) & ~255`: the gap left between the kernel and the moved zImage */
  readonly gap: number
  /** label `wont_overwrite`: code before it may be overwritten by the kernel */
  readonly wontOverwrite: number
  /** top of the decompressor's stack; null where the code that loads it is not recognised */
  readonly stackEnd: number | null
  /** whether the base of RAM is checked against the device tree (Linux 5.12 and later); null when that is not told */
  readonly checksMemory: boolean | null
}

export interface KernelFacts {
  readonly format: 'zImage' | 'arm64-Image'
  readonly size: number
  readonly textOffset: number
  readonly textOffsetSource: 'tag' | 'arm' | 'thumb2' | 'assumed'
  /** decompressed text+data, bytes */
  readonly edata: number
  /** kernel bss, bytes */
  readonly bss: number
  /** false where the zImage has no tag and edata and bss are bounds, not facts */
  readonly exact: boolean
  /** null where the instructions are not recognised, and for an arm64 Image */
  readonly code: DecompressorCode | null
}

export interface Plan {
  readonly arch: 'arm' | 'arm64'
  readonly ram: readonly Range[]
  readonly kernel: KernelFacts
  readonly cmdline: string
  readonly segments: readonly PlanSegment[]
  readonly entry: number
  /** flags of `kexec_load(2)`: the architecture in the upper half */
  readonly flags: number
  readonly prediction: Prediction | null
  readonly findings: readonly Finding[]
  /** no fatal finding */
  readonly survivable: boolean
}
