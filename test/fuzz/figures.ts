/** What fuzzing has tried, as the table of `SECURITY.md` shows it. */

import { withWritten } from '../written-figures.js'
import type { TargetResult } from './run-target.js'
import { GROUPS } from './targets.js'

const MIB = 2 ** 20

/**
 * A document with the figures of a run between its two marks.
 *
 * @param results of every target, by its name
 * @param run the command that repeats the run, and its date
 * @throws Error if the document has no marks
 */
export function withFigures(document: string, results: ReadonlyMap<string, TargetResult>, run: string): string {
  const rows = Object.entries(GROUPS).map(([group, targets]) => {
    const names = Object.keys(targets)
    const all = names.flatMap(name => results.get(name) ?? [])
    const inputs = all.reduce((sum, result) => sum + result.inputs, 0).toLocaleString('en')
    const longest = Math.max(...all.map(({ milliseconds }) => milliseconds)).toFixed(0)
    const growth = (Math.max(...all.map(result => result.growth)) / MIB).toFixed(0)
    return `| ${group}: ${names.map(name => `\`${name}\``).join(', ')} | ${inputs} | ${longest} ms | ${growth} MiB |\n`
  })
  const head = '| what was damaged | inputs tried | longest stall | most memory for one input |\n|---|--:|--:|--:|\n'
  return withWritten(document, 'npm run fuzz -- --write', `${head}${rows.join('')}\n${run}\n`)
}
