/** Tables in plain text, as `ps` and `df` print them. */

const GAP = '  '

/**
 * Rows under a header, columns as wide as their widest cell; the last column is not padded.
 *
 * @param header names of the columns
 * @param rows one array of cells per row, each as long as the header
 */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...all.map(row => (row[column] ?? '').length)))
  return all
    .map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)))
    .map(cells => cells.join(GAP).trimEnd())
    .join('\n')
}

/**
 * Names and values, one pair a line.
 *
 * @param pairs name and value; pairs whose value is null are left out
 */
export function renderPairs(pairs: readonly (readonly [name: string, value: string | null])[]): string {
  const known = pairs.filter(([, value]) => value !== null)
  const width = Math.max(...known.map(([name]) => name.length))
  return known.map(([name, value]) => `${name.padEnd(width)}${GAP}${value}`).join('\n')
}
