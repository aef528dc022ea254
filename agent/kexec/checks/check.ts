/** What a check of the preflight gets to see, and what it says. */

import type { CompressionFormat } from '../../image/compression/compression.js'
import type { Fdt } from '../../image/fdt/fdt.js'
import type { ZImage } from '../../image/kernel/zimage.js'
import type { LayoutFailure } from '../layout/layout.js'
import type { Finding, KernelFacts, PlanSegment, Prediction, Severity } from '../layout/plan.js'
import type { Range } from '../layout/ranges.js'

/** What the board says of itself, as far as it is known; a plan made elsewhere has none of it. */
export interface BoardFacts {
  /** CPUs that may ever be there */
  readonly possibleCpus?: number
  /** whether a secondary CPU can be stopped */
  readonly cpuStop?: boolean | null
  /** `MemTotal`, bytes: what half of RAM is counted from; a little less than the memory map */
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
  } | null
  /** links that will be taken down before the jump */
  readonly linksToStop?: readonly string[]
  /** links that are up and will stay so */
  readonly linksKept?: readonly string[]
}

/** The device tree of the target, and where it came from. */
export interface TargetTree {
  readonly source: 'job' | 'running' | 'appended'
  /** as the target gets it */
  readonly fdt: Fdt
  /** the tree told no memory, so that of the running kernel was written into it */
  readonly memoryAdded: boolean
  readonly memory: readonly Range[]
  readonly reserved: readonly Range[]
  readonly model: string | null
  readonly compatible: readonly string[]
}

/** How a piece of the ramdisk starts. */
export interface RamdiskPiece {
  /** the bytes that are loaded */
  readonly bytes: Uint8Array
  /** they came inside a uImage */
  readonly wrapped: boolean
  readonly format: CompressionFormat | 'cpio' | null
}

/** Everything that was decided, for the checks to look at. */
export interface PreflightContext {
  readonly ram: readonly Range[]
  readonly kernel: KernelFacts
  /** null for an arm64 Image */
  readonly zimage: ZImage | null
  /** the kernel came inside a uImage */
  readonly kernelWrapped: boolean
  readonly ramdisk: readonly RamdiskPiece[]
  readonly tree: TargetTree | null
  /** of the running kernel; null where its tree is not known */
  readonly runningBoard: { readonly model: string | null; readonly compatible: readonly string[] } | null
  /** as the target gets it */
  readonly cmdline: string
  /** earlycon was asked for, but no way to it was found */
  readonly earlyconFailed: boolean
  readonly force: boolean
  readonly segments: readonly PlanSegment[]
  readonly entry: number
  readonly prediction: Prediction | null
  readonly failure: LayoutFailure | null
  readonly lowmemEnd: number
  /** null for a plan that is not made on the board */
  readonly board: BoardFacts | null
}

/** What a check found; its name and severity come from its row unless it says otherwise. */
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
  /** what people see without the check */
  readonly symptom: string
  readonly severity: Severity
  /** null when there is nothing to say */
  examine(context: C): Remark | readonly Remark[] | null
}

/** Run the checks of a table, in its order. */
export function runChecks<C>(checks: readonly Check<C>[], context: C): Finding[] {
  return checks.flatMap(({ check, severity, examine }) => {
    const said = examine(context)
    const remarks = said === null ? [] : 'message' in said ? [said] : said
    return remarks.map(({ message, remedy, ranges, ...own }) => ({
      check,
      severity: own.severity ?? severity,
      message,
      remedy,
      ...(ranges === undefined ? {} : { ranges }),
    }))
  })
}
