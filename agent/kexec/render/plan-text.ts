/** A plan for people: the segments, what the decompressor will do, the findings, and a picture of memory. */

import { formatSize } from '../layout/ranges.js'
import { memoryStrips, type Strip } from './memory-picture.js'
import type { FindingJson, PlanJson, PredictionJson } from './plan-json.js'
import { paintOf, type Style, styleFor, table } from './terminal-style.js'

/**
 * A plan as lines of text, each ended by a newline.
 *
 * @param options `color` for a terminal
 */
export function renderPlanText(plan: PlanJson, options: { readonly color: boolean }): string {
  const style = styleFor(options.color)
  const sections = [
    heading(plan, style),
    segmentLines(plan, style),
    plan.prediction === null ? [] : [style.bold('Decompressor'), ...predictionLines(plan, plan.prediction)],
    [style.bold('Findings'), ...findingLines(plan.findings, style)],
    [style.bold('Memory'), ...pictureLines(plan, style)],
  ]
  return `${sections
    .filter(section => section.length > 0)
    .map(section => section.join('\n'))
    .join('\n\n')}\n`
}

function heading(plan: PlanJson, style: Style): string[] {
  const { kernel } = plan
  const verdict = plan.survivable ? style.green('survivable') : style.red('not survivable')
  const source = { tag: 'tag', arm: 'ARM code', thumb2: 'Thumb-2 code', assumed: 'assumed' }[kernel.textOffsetSource]
  const unpacked = `${kernel.exact ? '' : 'at most '}${formatSize(kernel.edata)} and ${formatSize(kernel.bss)} of bss`
  return [
    `${style.bold('Plan')}: ${verdict}`,
    `  kernel   ${kernel.format}, ${kernel.size} bytes, unpacks to ${unpacked}, TEXT_OFFSET ${kernel.textOffset} (${source})`,
    `  RAM      ${plan.ram.map(([first, last]) => `${first}-${last}`).join(', ')}`,
    `  cmdline  ${JSON.stringify(plan.cmdline)}`,
  ]
}

function segmentLines(plan: PlanJson, style: Style): string[] {
  if (plan.segments.length === 0) return [style.red('There is no layout, so nothing can be loaded.')]
  const rows = plan.segments.map((segment, index) => [
    `  ${index}`,
    segment.kind,
    segment.mem,
    segment.end,
    formatSize(segment.memsz),
    `${segment.bufsz} bytes of data`,
  ])
  const head = ['  #', 'segment', 'from', 'to', 'memory', 'data']
  return [
    style.bold('Segments'),
    ...table([head, ...rows], [false, false, true, true, true, false]),
    `  entry ${plan.entry}, flags ${plan.flags}`,
  ]
}

function predictionLines(plan: PlanJson, prediction: PredictionJson): string[] {
  const { workspace, certain } = prediction
  const move = prediction.relocates
    ? `moves itself; a kernel built with DEBUG prints ${prediction.exact ? '' : 'about '}${prediction.line ?? 'nothing'}`
    : 'stays in place and prints no C: line'
  const atLeast = workspace.end === certain.end ? '' : `, certainly up to ${certain.end}`
  const source = plan.kernel.code === null ? 'estimated: its code does not have the known form' : 'read from its code'
  return [
    `  ${move}`,
    `  unpacks the kernel to ${prediction.kernelAddress}-${prediction.kernelEnd}, bss to ${prediction.kernelBssEnd}; assumes that RAM starts at ${prediction.ramBase}`,
    `  overwrites ${workspace.start} to ${workspace.end}${atLeast} (${source})`,
  ]
}

/** The findings, each followed by its remedy. */
export function findingLines(findings: readonly FindingJson[], style: Style): string[] {
  if (findings.length === 0) return ['  none']
  return findings.flatMap(({ check, severity, message, remedy }) => [
    `  ${paintOf(style, severity)(severity.padEnd(7))}  ${check}: ${message}`,
    ...(remedy === '' ? [] : [`           ${style.dim('to do:')} ${remedy}`]),
  ])
}

const BAR = { free: ' ', dies: '#', collides: '!' } as const

function pictureLines(plan: PlanJson, style: Style): string[] {
  const strips = memoryStrips(plan)
  const width = Math.max(10, ...strips.map(strip => strip.end.toString(16).length + 2))
  const lines = strips.flatMap((strip, index) => {
    const gap = index > 0 && strips[index - 1]?.end !== strip.start ? ['  ...'] : []
    const mark = strip.collides ? BAR.collides : strip.dies ? BAR.dies : BAR.free
    const line = `  ${`0x${strip.start.toString(16)}`.padStart(width)} |${mark.repeat(3)}| ${formatSize(strip.end - strip.start).padStart(9)}  ${describe(strip)}`
    return [...gap, strip.collides ? style.red(line) : strip.occupants.length === 0 ? style.dim(line) : line]
  })
  const end = strips.at(-1)?.end ?? 0
  return [
    ...lines,
    `  ${`0x${end.toString(16)}`.padStart(width)}`,
    `  ${BAR.dies} overwritten before the target runs   ${BAR.collides} collision`,
  ]
}

function describe({ ram, occupants }: Strip): string {
  const names = occupants.map(({ label }) => label)
  return [...names, ...(ram ? (names.length === 0 ? ['free'] : []) : ['not RAM'])].join(' + ')
}
