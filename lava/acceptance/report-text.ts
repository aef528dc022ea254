/** The report for people. */

import { formatBytes } from '../terminal/quantities.js'
import { renderPairs, renderTable } from '../terminal/table.js'
import { printable } from '../terminal/terminal.js'
import type { AcceptanceReport } from './acceptance.js'

/** Colours a line; text as it is by default. */
type StyleLine = (result: 'pass' | 'fail' | 'skip', line: string) => string

/** Characters of a value in the table. */
const QUOTED = 40

/** @param style colours the lines of checks */
export function renderReport(report: AcceptanceReport, style: StyleLine = (_, line) => line): string {
  return [boardText(report), checksText(report, style), phasesText(report)].join('\n\n')
}

/** One line: how it ended. */
export function reportSentence({ outcome, rounds }: AcceptanceReport): string {
  const results = rounds.flatMap(({ checks }) => checks.map(({ result }) => result))
  const count = (wanted: string): number => results.filter(result => result === wanted).length
  const boots = `${rounds.length} ${rounds.length === 1 ? 'boot' : 'boots'}`
  const words = outcome === 'infrastructure' ? 'no result, because the lab or the board did not respond' : outcome
  return `${words}: ${boots}, ${count('pass')} checks passed, ${count('fail')} failed, ${count('skip')} skipped`
}

function boardText({ board, target, version }: AcceptanceReport): string {
  const files = [
    ['target', [target.kernel, target.ramdisk, target.dtb, target.modules].filter(Boolean).join(' ')],
    ['command line', target.cmdline],
    ['fauxboot', version],
  ] as const
  if (board === null) return renderPairs([['board', 'did not answer'], ...files])
  const { model, compatible, kernel, machine, cpus, memory, links, watchdogs, findings } = board
  return renderPairs([
    ['board', printable(model ?? 'unknown')],
    ['compatible', compatible.map(printable).join(', ') || null],
    ['first stage', printable(`${kernel} (${machine})`)],
    ['CPUs', String(cpus.possible)],
    ['memory', formatBytes(memory.total)],
    ...links.map(({ name, up, mac }) => ['link', printable(`${name} ${up ? 'up' : 'down'} ${mac ?? ''}`)] as const),
    ...watchdogs.map(({ name, identity }) => ['watchdog', printable(`${name} ${identity ?? ''}`)] as const),
    ...findings.map(({ severity, message }) => [severity, printable(message)] as const),
    ...files,
  ])
}

function checksText({ rounds }: AcceptanceReport, style: StyleLine): string {
  const checks = rounds.flatMap(({ checks }, index) => checks.map(check => ({ ...check, boot: `${index + 1}` })))
  const cells = checks.map(({ boot, name, result, expected, found, reason }) => {
    return [boot, name, result, short(expected), short(found), printable(reason).replace(/\s+/g, ' ')]
  })
  const [header = '', ...lines] = renderTable(['BOOT', 'CHECK', 'RESULT', 'EXPECTED', 'FOUND', 'REASON'], cells).split(
    '\n',
  )
  return [header, ...lines.map((line, index) => style(checks[index]?.result ?? 'skip', line))].join('\n')
}

/** A column for each boot. */
function phasesText({ rounds }: AcceptanceReport): string {
  const [first] = rounds
  if (first === undefined) return ''
  const cells = first.phases.map(({ name }, row) => [
    name,
    ...rounds.map(({ phases }) => secondsText(phases[row]?.seconds ?? null)),
  ])
  return renderTable(['SECONDS', ...rounds.map((_, index) => `BOOT ${index + 1}`)], cells)
}

const secondsText = (seconds: number | null): string => (seconds === null ? '-' : seconds.toFixed(1))

function short(text: string): string {
  const clean = printable(text).replace(/\s+/g, ' ')
  return clean.length > QUOTED ? `${clean.slice(0, QUOTED - 3)}...` : clean
}
