/** Colours for terminals, off by default. */

import type { Severity } from '../layout/plan.js'

export type Paint = (text: string) => string

export interface Style {
  readonly bold: Paint
  readonly red: Paint
  readonly yellow: Paint
  readonly green: Paint
  readonly dim: Paint
}

const sgr =
  (on: number, off: number): Paint =>
  text =>
    `\u001b[${on}m${text}\u001b[${off}m`
const plain: Paint = text => text

/** The style of an output: colours (ECMA-48 SGR), or none. */
export function styleFor(color: boolean): Style {
  return color
    ? { bold: sgr(1, 22), red: sgr(31, 39), yellow: sgr(33, 39), green: sgr(32, 39), dim: sgr(2, 22) }
    : { bold: plain, red: plain, yellow: plain, green: plain, dim: plain }
}

/** The colour of a finding. */
export function paintOf(style: Style, severity: Severity): Paint {
  return { fatal: style.red, warning: style.yellow, info: style.dim }[severity]
}

/** The lines of a table. Columns are as wide as their widest cell; those in `right` are right-aligned. */
export function table(rows: readonly (readonly string[])[], right: readonly boolean[]): string[] {
  const widths = right.map((_, column) => Math.max(0, ...rows.map(row => (row[column] ?? '').length)))
  return rows.map(row =>
    row
      .map((cell, column) => (right[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
