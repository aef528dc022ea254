/** An explanation as text, for people. */

import { findingLines } from '../../agent/kexec/render/plan-text.js'
import { type Style, styleFor, table } from '../../agent/kexec/render/terminal-style.js'
import type { ExplainedRun, ExplainedTable, Explanation } from './explain.js'

/**
 * An explanation as lines of text, each ended by a newline.
 *
 * @param options `color` for a terminal
 */
export function renderExplainText(explanation: Explanation, options: { readonly color: boolean }): string {
  const style = styleFor(options.color)
  const { runs } = explanation
  const count = runs.length === 1 ? '1 run of kexec-tools' : `${runs.length} runs of kexec-tools`
  return `${[[count], ...runs.map((run, index) => runLines(run, index + 1, style))].map(section => section.join('\n')).join('\n\n')}\n`
}

function runLines(run: ExplainedRun, number: number, style: Style): string[] {
  return [
    style.bold(`Run ${number}`),
    ...(run.command === null ? [] : [`  ${run.command}`]),
    `  RAM      ${run.ram.map(([first, last]) => `${first}-${last}`).join(', ') || 'not in the log'}`,
    ...kernelLines(run),
    ...tableLines(run, style),
    ...relocationLines(run, style),
    style.bold('  Diagnosis'),
    ...findingLines(run.findings, style),
  ]
}

function kernelLines({ zimage }: ExplainedRun): string[] {
  if (zimage === null) return []
  const sizes =
    zimage.edata === null ? 'does not state its unpacked size' : `unpacks to ${zimage.edata} and ${zimage.bss} of bss`
  return [
    `  kernel   ${zimage.size ?? 'of unknown size'}, ${sizes}${zimage.known === null ? '' : ` (${zimage.known})`}`,
  ]
}

function tableLines(run: ExplainedRun, style: Style): string[] {
  const { kexecTools, logged } = run
  const verdict = kexecTools.reproduced
    ? style.green('identical to what kexec-tools computes')
    : kexecTools.recomputed
      ? style.yellow('differs from what kexec-tools computes, which is')
      : 'as logged; the log is too incomplete to compute it'
  const rows = rowsOf(kexecTools)
  const differing = kexecTools.recomputed && !kexecTools.reproduced && logged.segments.length > 0
  return [
    `  ${style.bold('Layout')}: ${verdict}`,
    ...(kexecTools.notFound === null ? [] : [`    no free area of ${kexecTools.notFound} bytes`]),
    ...table(rows, [false, true, true, true]),
    ...(differing ? ['    logged:', ...table(rowsOf(logged), [false, true, true, true])] : []),
  ]
}

function rowsOf({ segments, dt, initrd }: ExplainedTable): string[][] {
  const nameOf = (mem: string | null, index: number) =>
    index === 0
      ? 'kernel'
      : mem === null
        ? `segment ${index}`
        : mem === dt
          ? 'dtb'
          : mem === initrd
            ? 'initrd'
            : `segment ${index}`
  if (segments.length === 0) return []
  return [
    ['    segment', 'mem', 'memsz', 'bufsz'],
    ...segments.map(({ mem, memsz, bufsz }, index) => [
      `    ${nameOf(mem, index)}`,
      mem ?? '?',
      memsz ?? '?',
      bufsz ?? '?',
    ]),
  ]
}

function relocationLines({ relocation }: ExplainedRun, style: Style): string[] {
  if (relocation.cases.length === 0) {
    return relocation.line === null ? [] : [`  ${style.bold('Decompressor')}: ${relocation.line}`]
  }
  return [
    style.bold('  Decompressor'),
    ...relocation.cases.flatMap(one => {
      const dead = one.dies.map(
        ({ segment, certain }) => `${segment} ${certain ? 'is overwritten' : 'may be overwritten'}`,
      )
      const most = one.workspaceMax.end === one.workspace.end ? '' : `, at most to ${one.workspaceMax.end}`
      return [
        `    TEXT_OFFSET ${one.textOffset}: ${one.exact || one.line === null ? '' : 'about '}${one.line ?? 'stays in place'}`,
        `      overwrites ${one.workspace.start} to ${one.workspace.end}${most}: ${dead.length === 0 ? style.green('neither ramdisk nor device tree is hit') : style.red(dead.join(', '))}`,
      ]
    }),
  ]
}
