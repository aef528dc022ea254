/** `fauxboot plan`: the plan of a job without a board and without a job. */

import { type Command, Option } from 'commander'
import { FauxbootError, fault } from '../../../agent/errors.js'
import { parseFdt, writeFdt } from '../../../agent/image/fdt/fdt.js'
import { applyOverlay } from '../../../agent/image/fdt/fdt-overlay.js'
import { parseIomem, parseRamOption } from '../../../agent/kexec/layout/memory-map.js'
import type { Finding, Plan } from '../../../agent/kexec/layout/plan.js'
import type { Range } from '../../../agent/kexec/layout/ranges.js'
import { type PlanInput, planBoot } from '../../../agent/kexec/planner.js'
import { planToJson } from '../../../agent/kexec/render/plan-json.js'
import { renderPlanSvg } from '../../../agent/kexec/render/plan-svg.js'
import { renderPlanText } from '../../../agent/kexec/render/plan-text.js'
import { readKernel } from '../../client/kernel-file.js'
import { readInput, readJobInput, writeWhole } from '../../client/local-file.js'
import { ramdiskEnd } from '../../client/ramdisk-end.js'
import type { Terminal } from '../../terminal/terminal.js'

interface PlanOptions {
  readonly kernel: string
  readonly ramdisk?: string
  readonly dtb?: string
  readonly overlay?: readonly string[]
  readonly ram?: readonly string[]
  readonly iomem?: string
  readonly append?: string
  readonly earlycon?: boolean | string
  readonly force?: boolean
  readonly json?: boolean
  readonly svg?: string
}

const MIB = 1024 * 1024

/** Bytes a file may have: far above what boards take, far below what this process could not hold. */
const LIMITS = { kernel: 512 * MIB, ramdisk: 1536 * MIB, dtb: 16 * MIB, iomem: MIB } as const

/** What `planBoot` finds not survivable. */
const NOT_SURVIVABLE = 2

export function define(command: Command, terminal: Terminal): void {
  command
    .requiredOption('--kernel <file>', 'zImage or Image, also compressed or as uImage')
    .option('--ramdisk <file>', 'cpio archive, compressed or not, as the kernel expects it')
    .option('--dtb <file>', 'device tree')
    .option('--overlay <file...>', 'device tree overlays, applied to the dtb in this order')
    .option('--ram <start-end...>', 'System RAM, first and last address in hex, or START+SIZE: 0x40000000+1G')
    .addOption(new Option('--iomem <file>', "System RAM as in the board's /proc/iomem, read as root").conflicts('ram'))
    .option('--append <text>', 'command line of the kernel')
    .option('--earlycon [value]', 'add earlycon to the command line')
    .option('--force', 'plan as for a job with the option force')
    .option('--json', 'print JSON')
    .option('--svg <file>', 'write a picture of memory; - for standard output')
    .addHelpText(
      'after',
      `
Exit codes:
  0  the target would survive the jump
  1  the input cannot be used
  2  the target would not survive the jump

Examples:
  fauxboot plan --kernel zImage --ramdisk rootfs.cpio.gz --dtb board.dtb --ram 40000000-7fffffff
  fauxboot plan --kernel zImage --dtb board.dtb --iomem iomem.txt --append "console=ttyS0,115200" --svg memory.svg
  fauxboot plan --kernel zImage --ram 0x20000000+2G --json`,
    )
    .action((options: PlanOptions) => plan(options, terminal))
}

async function plan(options: PlanOptions, terminal: Terminal): Promise<void> {
  const input = await readInputs(options)
  const planned = namingFiles(options, () => planBoot(input))
  const result = planToJson(await withRamdiskEnd(planned, input, terminal.io.signal))
  terminal.exitCode = result.survivable ? 0 : NOT_SURVIVABLE
  const { json, svg } = options
  if (svg === '-') return terminal.print(renderPlanSvg(result))
  if (svg !== undefined) await writeWhole(svg, renderPlanSvg(result))
  if (json) terminal.printJson(result)
  else terminal.print(renderPlanText(result, { color: terminal.hasColor(terminal.io.stdout) }))
}

async function readInputs(options: PlanOptions): Promise<PlanInput> {
  const ram = await ramRanges(options)
  const { kernel, ramdisk, dtb, overlay = [], append = '', earlycon, force } = options
  if (overlay.length > 0 && dtb === undefined) throw usage('--overlay needs the device tree it applies to: --dtb')
  return {
    ram,
    kernel: await readKernel(kernel, LIMITS.kernel),
    ramdisk: ramdisk === undefined ? [] : [await readJobInput(ramdisk, LIMITS.ramdisk)],
    dtb: dtb === undefined ? undefined : await readDtb(dtb, overlay),
    cmdline: append,
    earlycon,
    force,
  }
}

/** The planner decompresses nothing; here is time for that. */
async function withRamdiskEnd(plan: Plan, { ramdisk: [ramdisk] = [] }: PlanInput, signal: AbortSignal): Promise<Plan> {
  const warning = ramdisk === undefined ? null : await ramdiskEnd(ramdisk, signal)
  if (warning === null) return plan
  const isInfo = (finding: Finding): boolean => finding.severity === 'info'
  const { findings } = plan
  return { ...plan, findings: [...findings.filter(one => !isInfo(one)), warning, ...findings.filter(isInfo)] }
}

/** The planner speaks of the kernel and the dtb; who called this command knows them by their files. */
function namingFiles<T>(options: PlanOptions, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError)) throw thrown
    const { kernel, ramdisk, dtb } = options
    const file = new Map([
      ['kernel', kernel],
      ['ramdisk', ramdisk],
      ['dtb', dtb],
    ]).get(String(thrown.details.what))
    if (file === undefined) throw thrown
    throw new FauxbootError(thrown.code, { ...thrown.details, what: file }, { cause: thrown })
  }
}

async function ramRanges({ ram, iomem }: PlanOptions): Promise<readonly Range[]> {
  if (ram !== undefined) return ram.map(parseRamOption)
  if (iomem === undefined) throw usage("the board's memory is not known: use --ram START-END or --iomem FILE")
  return parseIomem(Buffer.from(await readInput(iomem, LIMITS.iomem)).toString('latin1'), iomem)
}

async function readDtb(path: string, overlays: readonly string[]): Promise<Uint8Array> {
  const bytes = await readJobInput(path, LIMITS.dtb)
  if (overlays.length === 0) return bytes
  let tree = parseFdt(bytes, path)
  for (const overlay of overlays) {
    tree = applyOverlay(tree, parseFdt(await readJobInput(overlay, LIMITS.dtb), overlay), overlay)
  }
  return writeFdt(tree)
}

function usage(reason: string): FauxbootError {
  return fault('CLI_USAGE', { reason, command: 'fauxboot plan' })
}
