/** Plans a job in the browser, before anything is sent: with the board's memory map, its device tree and its own planner. */

import { BoundedOutput } from '../../../image/compression/bounded-output.js'
import { type CompressionFormat, detectCompression } from '../../../image/compression/compression.js'
import { decodeLz4Frame } from '../../../image/compression/decompress-lz4.js'
import { isCpio } from '../../../image/cpio/cpio.js'
import { parseFdt, writeFdt } from '../../../image/fdt/fdt.js'
import { applyOverlay } from '../../../image/fdt/fdt-overlay.js'
import type { Finding, Severity } from '../../../kexec/layout/plan.js'
import { planBoot } from '../../../kexec/planner.js'
import { type PlanJson, planToJson } from '../../../kexec/render/plan-json.js'
import type { BootFile, Role } from './boot-files.js'

/** Bytes that a file may unpack to: far more than any board boots. */
const LARGEST = 1024 * 1024 * 1024

/** What the plan depends on besides the files. */
export interface BoardForPlan {
  /** System RAM; first and last address as hex */
  readonly ram: readonly { readonly first: string; readonly last: string }[]
  readonly runningDtb: Uint8Array | undefined
  /** that hold for every job on this board */
  readonly findings: readonly Finding[]
}

export interface PlannedFiles {
  /** null if the browser cannot make the plan; then the board makes it */
  readonly plan: PlanJson | null
  /** how the board's own plan may differ, or why there is none here */
  readonly remarks: readonly string[]
}

/** @throws FauxbootError of the planner, about a damaged file for example */
export async function planFiles(
  files: readonly BootFile[],
  { cmdline, earlycon, force }: { readonly cmdline: string; readonly earlycon: boolean; readonly force: boolean },
  board: BoardForPlan,
): Promise<PlannedFiles> {
  const of = (role: Role): Uint8Array | undefined => files.find(file => file.role === role)?.bytes
  const kernel = of('kernel')
  if (kernel === undefined) return { plan: null, remarks: ['Add a kernel: without one there is no plan.'] }
  if (board.ram.length === 0)
    return { plan: null, remarks: ['The board cannot read its memory map, so the plan is its own affair.'] }
  const remarks: string[] = []
  const unpacked = await unpack(kernel)
  const dtb = await treeOf(files, board.runningDtb)
  if (unpacked === null || dtb === null) {
    return { plan: null, remarks: ['A file has a compression that browsers cannot undo: the board makes the plan.'] }
  }
  const ramdisk = [of('ramdisk')]
  const modules = of('modules')
  if (modules !== undefined) {
    ramdisk.push((isCpio(modules) ? modules : await unpack(modules)) ?? modules)
    if (!isCpio(modules))
      remarks.push('The board makes a cpio archive of the modules: it has about the size that is shown.')
  }
  const plan = planToJson(
    planBoot({
      ram: board.ram.map(({ first, last }) => ({ start: Number(first), end: Number(last) + 1 })),
      kernel: unpacked,
      ramdisk: ramdisk.filter(bytes => bytes !== undefined),
      dtb,
      runningDtb: board.runningDtb,
      cmdline,
      earlycon,
      force,
    }),
  )
  return { plan: withFindings(plan, board.findings), remarks }
}

const SEVERITIES: readonly Severity[] = ['fatal', 'warning', 'info']

function withFindings(plan: PlanJson, others: readonly Finding[]): PlanJson {
  const findings = [...plan.findings, ...others.map(({ ranges: _, ...finding }) => finding)]
  return {
    ...plan,
    findings: SEVERITIES.flatMap(severity => findings.filter(finding => finding.severity === severity)),
    survivable: findings.every(({ severity }) => severity !== 'fatal'),
  }
}

/** The job's device tree with its overlays; undefined if it has neither, null if one cannot be unpacked here. */
async function treeOf(
  files: readonly BootFile[],
  runningDtb: Uint8Array | undefined,
): Promise<Uint8Array | undefined | null> {
  const own = files.find(({ role }) => role === 'dtb')
  const base = own === undefined ? undefined : await unpack(own.bytes)
  const overlays = files.filter(({ role }) => role === 'overlay')
  const tree = base === undefined ? runningDtb : base
  if (overlays.length === 0 || tree === null || tree === undefined) return base
  let merged = parseFdt(tree, own?.name ?? 'dtb of the running kernel')
  for (const { name, bytes } of overlays) {
    const overlay = await unpack(bytes)
    if (overlay === null) return null
    merged = applyOverlay(merged, parseFdt(overlay, name), name)
  }
  return writeFdt(merged)
}

/** How the browser undoes a compression. */
const DECODERS: Readonly<Partial<Record<CompressionFormat, (bytes: Uint8Array) => Promise<Uint8Array>>>> = {
  gzip: async bytes => {
    const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream('gzip'))
    const output = new BoundedOutput('the file', LARGEST)
    for (const reader = stream.getReader(); ; ) {
      const { done, value } = await reader.read()
      if (done) return output.bytes()
      output.push(value)
    }
  },
  lz4: async bytes => {
    const output = new BoundedOutput('the file', LARGEST)
    await decodeLz4Frame(bytes, output)
    return output.bytes()
  },
}

/** The bytes as the board uses them; null if browsers cannot undo the compression. */
async function unpack(bytes: Uint8Array): Promise<Uint8Array | null> {
  const format = detectCompression(bytes)
  if (format === null) return bytes
  return (await DECODERS[format]?.(bytes)) ?? null
}
