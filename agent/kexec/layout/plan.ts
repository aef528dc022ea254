/** The types of a plan: where everything goes, what the decompressor will do, and the findings. */
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

/** Something worth knowing before the jump. A plan with a fatal finding is refused. */
export interface Finding {
  /** stable name, for programs: `memory-missing`, `console-missing` ... */
  readonly check: string
  readonly severity: Severity
  /** what was found, with the values */
  readonly message: string
  /** what to change; empty if nothing has to change */
  readonly remedy: string
  /** the ranges that collide, if ranges do */
  readonly ranges?: readonly Range[]
}

/** What the zImage's decompressor will do to memory (`arch/arm/boot/compressed/head.S`). */
export interface Prediction {
  /** where the zImage was placed */
  readonly loadAddress: number
  /** start of RAM as the decompressor computes it: `pc & 0xf8000000`, which newer kernels check with the device tree */
  readonly ramBase: number
  /** where the kernel is decompressed to */
  readonly kernelAddress: number
  /** end of the decompressed text and data */
  readonly kernelEnd: number
  /** end of the kernel's bss, which the early kernel clears */
  readonly kernelBssEnd: number
  readonly relocates: boolean
  /** the line that a decompressor built with DEBUG prints if it moves itself: `C:0x...-0x...->0x...-0x...` */
  readonly line: string | null
  /** the code's constants are known: `line` is exact, and so is `workspace` as far as the bss is known */
  readonly exact: boolean
  /** upper bound of what is overwritten: page table, decompressed kernel, the (moved) zImage, its stack and heap */
  readonly workspace: Range
  /** lower bound of the same; equal to `workspace` if every constant is known */
  readonly certain: Range
}

/** Constants that `decompressor-code.ts` reads from the decompressor's instructions. Offsets count from the zImage's start. */
export interface DecompressorCode {
  /** label `restart`: the copy starts here, rounded down to 32 bytes */
  readonly restart: number
  /** `(reloc_code_end - restart + 256) & ~255`: the gap left between the kernel and the moved zImage */
  readonly gap: number
  /** label `wont_overwrite`: the kernel may overwrite the code before it */
  readonly wontOverwrite: number
  /** top of the decompressor's stack; null if the code that loads it is not recognised */
  readonly stackEnd: number | null
  /** whether it checks the base of RAM with the device tree (Linux 5.12 and later); null if that is not known */
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
  /** false if the zImage has no tag: then edata and bss are bounds, not facts */
  readonly exact: boolean
  /** null if the instructions are not recognised, and for an arm64 Image */
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
  /** true without a fatal finding */
  readonly survivable: boolean
}
