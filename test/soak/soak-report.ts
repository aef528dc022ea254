/** A soak's result as text, as a chart, and as a section of `SECURITY.md`. */

import { renderTable } from '../../lava/terminal/table.js'
import { lineChart } from '../chart/line-chart.js'
import { withWritten } from '../written-figures.js'
import {
  type Check,
  checksOf,
  MOST_ANON,
  MOST_ANSWER_MS,
  mebibytes,
  rss,
  type Sample,
  type SoakResult,
} from './soak-result.js'

const MIB = 2 ** 20
const LONGEST_CELL = 300

type Row = readonly [name: string, before: number, most: number, after: number]

/** Every part of the resident memory before, in and after the load, bytes. */
function memoryRows({ samples, before, after }: SoakResult): Row[] {
  const row = (name: string, of: (sample: Omit<Sample, 'seconds' | 'answer'>) => number): Row => {
    return [name, of(before), Math.max(of(before), ...samples.map(of)), of(after)]
  }
  return [
    row('anonymous (RssAnon)', ({ anon }) => anon),
    row("files on a disk: Node's code (RssFile)", ({ file }) => file),
    row('stored files that are mapped (RssShmem)', ({ shmem }) => shmem),
    row('all of it (VmRSS)', rss),
    row('stored', ({ stored }) => stored),
  ]
}

const memoryCells = (result: SoakResult): string[][] =>
  memoryRows(result).map(([name, ...bytes]) => [name, ...bytes.map(mebibytes)])

const verdict = ({ holds }: Check): string => (holds ? 'ok' : 'BROKEN')

export function soakText(result: SoakResult): string {
  return [
    renderTable(
      ['CLIENTS', 'AT A TIME', 'ACTS'],
      result.tallies.map(({ name, count, acts }) => [name, String(count), String(acts)]),
    ),
    renderTable(['MEMORY', 'BEFORE', 'MOST', 'AFTER'], memoryCells(result)),
    renderTable(
      ['CHECK', 'SEEN', 'LIMIT', ''],
      checksOf(result).map(check => [check.what, check.seen.slice(0, LONGEST_CELL), check.limit, verdict(check)]),
    ),
  ].join('\n\n')
}

/**
 * A document with the result of a soak between its two marks.
 *
 * @param run the command that repeats the soak, and its date
 * @throws Error if the document has no marks
 */
export function withSoak(document: string, result: SoakResult, run: string): string {
  const rows = (cells: readonly (readonly string[])[]): string => cells.map(row => `| ${row.join(' | ')} |\n`).join('')
  const checks = checksOf(result).map(check => [
    check.what,
    check.seen.slice(0, LONGEST_CELL),
    check.limit,
    verdict(check),
  ])
  return withWritten(
    document,
    'npm run soak -- --write',
    [
      `| what is checked | seen | limit | |\n|---|--:|--:|---|\n${rows(checks)}`,
      `| resident memory | before | most | after |\n|---|--:|--:|--:|\n${rows(memoryCells(result))}`,
      '![memory, descriptors and waits over time](test/soak/soak.svg)\n',
      `${run}\n`,
    ].join('\n'),
  )
}

/** @param title with what it ran on */
export function soakSvg(title: string, samples: readonly Sample[]): string {
  const of = (value: (sample: Sample) => number): number[] => samples.map(value)
  const mib = (value: (sample: Sample) => number): number[] => of(sample => value(sample) / MIB)
  return lineChart(title, { places: of(({ seconds }) => seconds), label: clock }, [
    {
      title: 'memory, MiB',
      lines: [
        { name: 'anonymous', values: mib(({ anon }) => anon) },
        { name: "Node's code", values: mib(({ file }) => file) },
        { name: 'stored', values: mib(({ stored }) => stored) },
        { name: 'all of the RSS', values: mib(rss) },
        { name: 'limit of anonymous', values: of(() => MOST_ANON / MIB), limit: true },
      ],
    },
    { title: 'open descriptors', lines: [{ name: 'descriptors', values: of(({ descriptors }) => descriptors) }] },
    {
      title: 'longest wait of a client with the token, ms',
      lines: [
        { name: 'wait', values: of(({ answer }) => answer) },
        { name: 'limit', values: of(() => MOST_ANSWER_MS), limit: true },
      ],
    },
  ])
}

/** `1:05` */
function clock(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
