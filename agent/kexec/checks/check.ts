/** What the checks of the preflight work on, and what they return. */

import type { CompressionFormat } from '../../image/compression/compression.js'
import type { Fdt } from '../../image/fdt/fdt.js'
import type { ZImage } from '../../image/kernel/zimage.js'
import type { KeptMemoryOutcome } from '../layout/kept-memory.js'
import type { LayoutFailure } from '../layout/layout.js'
import type { Finding, KernelFacts, PlanSegment, Prediction, Severity } from '../layout/plan.js'
import type { Range } from '../layout/ranges.js'
import type { ConsoleLine } from './console-line.js'

/** Facts about the board, as far as they are known. A plan made on another machine has none. */
export interface BoardFacts {
  /** CPUs that may ever come online */
  readonly possibleCpus?: number
  /** CPUs that are online */
  readonly onlineCpus?: number
  /** whether a secondary CPU can be stopped */
  readonly cpuStop?: boolean | null
  /** `MemTotal`, bytes, of which the kernel accepts half; a little less than the memory map */
  readonly memoryTotal?: number
  /** `kexec_load_disabled` is set */
  readonly kexecDisabled?: boolean | null
  /** whether this process may call `kexec_load(2)` and `reboot(2)` (CAP_SYS_BOOT) */
  readonly mayBoot?: boolean | null
  readonly watchdog?: {
    readonly name: string
    readonly active: boolean | null
    /** seconds */
    readonly timeout: number | null
    /** the longest timeout that the driver allows, seconds; null if it is not known */
    readonly maxTimeout: number | null
    /** the kernel stops it before the jump; null: its driver decides */
    readonly stopsOnReboot: boolean | null
  } | null
  /** the watchdog is armed before the jump with this timeout, seconds; 0 or missing: it is not */
  readonly watchdogSeconds?: number
  /** links that will be taken down before the jump */
  readonly linksToStop?: readonly string[]
  /** links that are up and stay up */
  readonly linksKept?: readonly string[]
  /** the serial line that the lab reads */
  readonly consoleLine?: ConsoleLine | null
}

/** The device tree of the target, and where it came from. */
export interface TargetTree {
  readonly source: 'job' | 'running' | 'appended'
  /** as the target receives it */
  readonly fdt: Fdt
  /** the tree listed no memory of this board, so the running kernel's was written into it */
  readonly memoryAdded: boolean
  /** as the target receives it */
  readonly memory: readonly Range[]
  /** what the tree listed and the running kernel does not have; the target does not receive it */
  readonly absentMemory: readonly Range[]
  readonly reserved: readonly Range[]
  readonly model: string | null
  readonly compatible: readonly string[]
}

/** A part of the ramdisk. */
export interface RamdiskPart {
  /** the bytes that are loaded */
  readonly bytes: Uint8Array
  /** they were wrapped in a uImage */
  readonly wrapped: boolean
  readonly format: CompressionFormat | 'cpio' | null
}

/** Everything that was decided: the input of the checks of a plan. */
export interface PreflightContext {
  readonly ram: readonly Range[]
  readonly kernel: KernelFacts
  /** null for an arm64 Image */
  readonly zimage: ZImage | null
  /** the kernel was wrapped in a uImage */
  readonly kernelWrapped: boolean
  readonly ramdisk: readonly RamdiskPart[]
  readonly tree: TargetTree | null
  /** the board that the running kernel's device tree is for; null if that tree is not known */
  readonly runningBoard: { readonly model: string | null; readonly compatible: readonly string[] } | null
  /** as the target receives it */
  readonly cmdline: string
  /** the tree had no PSCI and got that of the running kernel */
  readonly psciAdded: boolean
  /** whether the tree passes on the memory that outlives a reset; `none` if that was not asked for */
  readonly keptMemory: KeptMemoryOutcome
  /** earlycon was requested, but no UART for it was found */
  readonly earlyconFailed: boolean
  readonly force: boolean
  readonly segments: readonly PlanSegment[]
  readonly entry: number
  readonly prediction: Prediction | null
  readonly failure: LayoutFailure | null
  readonly lowmemEnd: number
  /** null for a plan made on another machine */
  readonly board: BoardFacts | null
}

/** What a check found. Its name comes from the row; so does its severity, unless the finding has its own. */
export interface Remark {
  readonly message: string
  readonly remedy: string
  readonly severity?: Severity
  readonly ranges?: readonly Range[]
}

/** One row of the table of checks. */
export interface Check<C = PreflightContext> {
  /** stable name, for programs */
  readonly check: string
  /** what people see if the problem is not caught */
  readonly symptom: string
  readonly severity: Severity
  /** @returns null if there is nothing to report */
  examine(context: C): Remark | readonly Remark[] | null
}

/** Run the checks of a table, in its order. */
export function runChecks<C>(checks: readonly Check<C>[], context: C): Finding[] {
  return checks.flatMap(({ check, severity, examine }) => {
    const result = examine(context)
    const remarks = result === null ? [] : 'message' in result ? [result] : result
    return remarks.map(({ message, remedy, ranges, ...own }) => ({
      check,
      severity: own.severity ?? severity,
      message,
      remedy,
      ...(ranges === undefined ? {} : { ranges }),
    }))
  })
}
