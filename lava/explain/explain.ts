/** `fauxboot explain`: analyses and diagnoses pasted debug output of kexec-tools. */

import { runChecks } from '../../agent/kexec/checks/check.js'
import { hex, inclusivePair, normalize } from '../../agent/kexec/layout/ranges.js'
import { type FindingJson, findingToJson, type RangeJson, rangeToJson } from '../../agent/kexec/render/plan-json.js'
import { type LoggedRun, parseKexecToolsLog } from './kexec-tools-log.js'
import { areasOf, type Case, type Run, workOut } from './run.js'
import { EXPLAIN_CHECKS } from './silent-boot-checks.js'

/** A row of the table that kexec-tools prints; all hex. */
interface ExplainedSegment {
  readonly mem: string | null
  readonly memsz: string | null
  readonly bufsz: string | null
}

export interface ExplainedTable {
  readonly kernel: { readonly address: string; readonly size: string } | null
  readonly initrd: string | null
  readonly dt: string | null
  readonly entry: string | null
  readonly segments: readonly ExplainedSegment[]
  /** bytes of the free area that was not found; null if it was */
  readonly notFound: string | null
}

/** What happens for one TEXT_OFFSET. `workspace` is certainly overwritten, `workspaceMax` may be. */
interface ExplainedCase {
  readonly textOffset: string
  readonly relocates: boolean
  /** the C: line; approximate if `exact` is false */
  readonly line: string | null
  readonly exact: boolean
  readonly kernelAddress: string
  readonly workspace: RangeJson
  readonly workspaceMax: RangeJson
  readonly dies: readonly {
    readonly segment: 'initrd' | 'dtb'
    readonly certain: boolean
    readonly overwritten: RangeJson
  }[]
}

export interface ExplainedRun {
  readonly command: string | null
  readonly cmdline: string | null
  /** first and last address of each range, as in `/proc/iomem` */
  readonly ram: readonly (readonly [string, string])[]
  /** null if the log shows nothing about the kernel */
  readonly zimage: {
    readonly magic: string | null
    readonly size: string | null
    readonly fileSize: string | null
    readonly requires: string | null
    readonly tags: readonly { readonly offset: string; readonly id: string; readonly byteSize: number }[]
    readonly edata: string | null
    readonly bss: string | null
    readonly resultingSpace: string | null
    readonly known: string | null
  } | null
  /** recomputed if the log shows enough, else as logged */
  readonly kexecTools: ExplainedTable & {
    /** the logged table is the one that kexec-tools computes */
    readonly reproduced: boolean
    readonly recomputed: boolean
    readonly imageSize: string | null
  }
  readonly logged: ExplainedTable
  /** the most likely case, and all cases; members are null if nothing can be predicted */
  readonly relocation: {
    readonly line: string | null
    readonly workspace: RangeJson | null
    readonly textOffset: string | null
    readonly exact: boolean
    readonly loadAddress: string | null
    readonly cases: readonly ExplainedCase[]
  }
  readonly findings: readonly FindingJson[]
}

export interface Explanation {
  readonly runs: readonly ExplainedRun[]
}

/**
 * Explain a text: a console log, a mail, or several of them.
 *
 * @returns a run for each load that the text shows. Never throws, for any text
 */
export function explainLog(text: string): Explanation {
  return { runs: parseKexecToolsLog(text).map(log => explainRun(workOut(log))) }
}

const orNull = (value: number | null | undefined) => (value === null || value === undefined ? null : hex(value))

function explainRun(run: Run): ExplainedRun {
  const { log, layout } = run
  const logged = loggedTable(log)
  const findings = runChecks(EXPLAIN_CHECKS, run).map(findingToJson)
  return {
    command: log.command,
    cmdline: log.cmdline,
    ram: normalize(log.ram).map(inclusivePair),
    zimage: run.size === null && log.header === null ? null : zimageOf(run),
    kexecTools: {
      ...(layout === null
        ? logged
        : {
            kernel: layout.kernel && { address: hex(layout.kernel.address), size: hex(layout.kernel.size) },
            initrd: orNull(layout.initrd),
            dt: orNull(layout.dt),
            entry: orNull(layout.entry),
            segments: layout.segments.map(({ mem, memsz, bufsz }) => ({
              mem: hex(mem),
              memsz: hex(memsz),
              bufsz: hex(bufsz),
            })),
            notFound: orNull(layout.notFound),
          }),
      reproduced: run.reproduced,
      recomputed: layout !== null,
      imageSize: orNull(run.imageSize),
    },
    logged,
    relocation: relocationOf(run),
    findings,
  }
}

function zimageOf({ log, size, known }: Run): ExplainedRun['zimage'] {
  return {
    magic: orNull(log.header?.magic),
    size: orNull(size),
    fileSize: orNull(log.fileSize ?? log.kernelFileSize),
    requires: orNull(log.requires),
    tags: log.tags.map(({ offset, id, byteSize }) => ({ offset: hex(offset), id: hex(id), byteSize })),
    edata: orNull(log.sizes?.edata),
    bss: orNull(log.sizes?.bss),
    resultingSpace: orNull(log.resultingSpace),
    known: known?.name ?? null,
  }
}

function loggedTable(log: LoggedRun): ExplainedTable {
  const { initrd, dtb } = areasOf(log)
  return {
    kernel: log.kernel && { address: hex(log.kernel.address), size: hex(log.kernel.size) },
    initrd: orNull(initrd?.start),
    dt: orNull(dtb?.start),
    entry: orNull(log.entry),
    segments: log.segments.map(({ mem, memsz, bufsz }) => ({
      mem: orNull(mem),
      memsz: orNull(memsz),
      bufsz: orNull(bufsz),
    })),
    notFound: orNull(log.notFound),
  }
}

function relocationOf(run: Run): ExplainedRun['relocation'] {
  const cases = run.cases.map(caseToJson)
  const [first] = cases
  const loadAddress = orNull(run.loadAddress)
  if (first !== undefined) {
    const { line, workspace, textOffset, exact } = first
    return { line, workspace, textOffset, exact, loadAddress, cases }
  }
  // Nothing can be computed. The decompressor printed where it went, and that memory is certainly overwritten.
  const moved = run.log.move
  const workspace = moved === null ? null : rangeToJson(moved.move.to)
  return { line: moved?.line ?? null, workspace, textOffset: null, exact: moved !== null, loadAddress, cases }
}

function caseToJson({ textOffset, prediction, victims }: Case): ExplainedCase {
  return {
    textOffset: hex(textOffset),
    relocates: prediction.relocates,
    line: prediction.line,
    exact: prediction.exact,
    kernelAddress: hex(prediction.kernelAddress),
    workspace: rangeToJson(prediction.certain),
    workspaceMax: rangeToJson(prediction.workspace),
    dies: victims.map(({ name, certain, hit }) => ({ segment: name, certain, overwritten: rangeToJson(hit) })),
  }
}
