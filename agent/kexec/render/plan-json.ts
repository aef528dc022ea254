/** A plan as JSON: for programs, for the command line, and for the pictures. It holds no bytes of the files. */

import type { DecompressorCode, Finding, KernelFacts, Plan, Prediction, SegmentKind, Severity } from '../layout/plan.js'
import { hex, inclusivePair, type Range } from '../layout/ranges.js'

/** Lower-case hex; `end` is the first address after the range. */
export interface RangeJson {
  readonly start: string
  readonly end: string
}

export interface FindingJson {
  readonly check: string
  readonly severity: Severity
  readonly message: string
  readonly remedy: string
  readonly ranges?: readonly RangeJson[]
}

interface SegmentJson {
  readonly kind: SegmentKind
  /** physical address */
  readonly mem: string
  /** first address after it */
  readonly end: string
  /** bytes in memory, whole pages */
  readonly memsz: number
  /** bytes of data */
  readonly bufsz: number
}

/** What the decompressor will do; addresses and offsets are hex, sizes numbers. */
export interface PredictionJson {
  readonly loadAddress: string
  readonly ramBase: string
  readonly kernelAddress: string
  readonly kernelEnd: string
  readonly kernelBssEnd: string
  readonly relocates: boolean
  readonly line: string | null
  readonly exact: boolean
  readonly workspace: RangeJson
  readonly certain: RangeJson
}

export interface PlanJson {
  readonly arch: Plan['arch']
  readonly survivable: boolean
  /** first and last address of each range, as in `/proc/iomem` */
  readonly ram: readonly (readonly [string, string])[]
  readonly kernel: Omit<KernelFacts, 'textOffset' | 'code'> & {
    readonly textOffset: string
    readonly code: {
      readonly restart: string
      readonly gap: string
      readonly wontOverwrite: string
      readonly stackEnd: string | null
      readonly checksMemory: boolean | null
    } | null
  }
  readonly cmdline: string
  readonly entry: string
  /** of `kexec_load(2)` */
  readonly flags: string
  readonly segments: readonly SegmentJson[]
  readonly prediction: PredictionJson | null
  readonly findings: readonly FindingJson[]
}

/** A range with hex addresses. */
export function rangeToJson({ start, end }: Range): RangeJson {
  return { start: hex(start), end: hex(end) }
}

/** A range from its JSON. */
export function rangeFromJson({ start, end }: RangeJson): Range {
  return { start: Number(start), end: Number(end) }
}

/** A finding with hex addresses. */
export function findingToJson({ ranges, ...finding }: Finding): FindingJson {
  return ranges === undefined ? finding : { ...finding, ranges: ranges.map(rangeToJson) }
}

/** Addresses and offsets as lower-case hex, sizes as numbers. */
export function planToJson(plan: Plan): PlanJson {
  const { textOffset, code, ...kernel } = plan.kernel
  return {
    arch: plan.arch,
    survivable: plan.survivable,
    ram: plan.ram.map(inclusivePair),
    kernel: { ...kernel, textOffset: hex(textOffset), code: code === null ? null : codeToJson(code) },
    cmdline: plan.cmdline,
    entry: hex(plan.entry),
    flags: hex(plan.flags),
    segments: plan.segments.map(({ kind, mem, memsz, data }) => ({
      kind,
      mem: hex(mem),
      end: hex(mem + memsz),
      memsz,
      bufsz: data.length,
    })),
    prediction: plan.prediction === null ? null : predictionToJson(plan.prediction),
    findings: plan.findings.map(findingToJson),
  }
}

function codeToJson({ restart, gap, wontOverwrite, stackEnd, checksMemory }: DecompressorCode) {
  return {
    restart: hex(restart),
    gap: hex(gap),
    wontOverwrite: hex(wontOverwrite),
    stackEnd: stackEnd === null ? null : hex(stackEnd),
    checksMemory,
  }
}

/** A prediction with hex addresses. */
export function predictionToJson(prediction: Prediction): PredictionJson {
  const { relocates, line, exact, workspace, certain } = prediction
  return {
    loadAddress: hex(prediction.loadAddress),
    ramBase: hex(prediction.ramBase),
    kernelAddress: hex(prediction.kernelAddress),
    kernelEnd: hex(prediction.kernelEnd),
    kernelBssEnd: hex(prediction.kernelBssEnd),
    relocates,
    line,
    exact,
    workspace: rangeToJson(workspace),
    certain: rangeToJson(certain),
  }
}
