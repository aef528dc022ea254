/** What a run of the benchmark leaves behind: RESULTS.md, results.json, results.svg. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ratioChart } from '../chart/ratio-chart.js'
import { type Figure, isMissed, LONGEST_BLOCK_MS, median, ratioOf } from './figure.js'
import { growthCharts } from './growth/growth.js'

/** The figures of a row. */
export interface RowResult {
  readonly row: string
  readonly figures: readonly Figure[]
}

export interface BenchResult {
  /** of the whole run: `2026-11-27` */
  readonly date: string
  /** Node, processor, kernel, QEMU, each with its version */
  readonly machine: readonly string[]
  /** the command line */
  readonly command: string
  /** processes that were ready to run when it began, of `/proc/loadavg`: more than a few disturb the times */
  readonly load: number
  readonly minutes: number
  readonly rows: readonly RowResult[]
}

/** Ratios move by so much from run to run. */
const NOISE = 1.1

const number = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)
const cell = (text: string): string => text.replaceAll('|', '\\|')

/** `min / median / max` */
function spread(samples: readonly number[]): string {
  const [least, most] = [Math.min(...samples), Math.max(...samples)]
  return samples.length === 1 ? number(least) : [least, median(samples), most].map(number).join(' / ')
}

/** The longest block of the event loop in all runs. */
function longestBlock(blocked: readonly number[]): string {
  const most = Math.max(...blocked)
  return most > LONGEST_BLOCK_MS ? `**${number(most)}**` : number(most)
}

function tableRow(figure: Figure): string {
  const { what, unit, ours, theirs, peer, target, cpu, blocked } = figure
  const verdict = target === null ? '' : `${target.toFixed(2)} ${isMissed(figure) ? '**missed**' : 'met'}`
  const cells = [
    `${what} (${unit}, n=${ours.length})`,
    spread(ours),
    `${spread(theirs)} ${peer}`,
    ratioOf(figure).toFixed(2),
    verdict,
    cpu === undefined ? '' : `${number(median(cpu.ours))} / ${number(median(cpu.theirs))} ${cpu.unit}`,
    blocked === undefined ? '' : longestBlock(blocked),
  ]
  return `| ${cells.map(cell).join(' | ')} |`
}

/** Figures as a Markdown table, and below it their details, and the reasons of those that miss their target. */
export function renderFigures(figures: readonly Figure[]): string {
  const details = figures.flatMap(({ what, detail }) => (detail === undefined ? [] : [`- ${what}: ${detail}.`]))
  const notes = figures.filter(isMissed).map(({ what, reason }) => `- ${what}: ${reason}.`)
  return [
    `| figure | fauxboot: min / median / max | peer: min / median / max | ratio | target, at most | CPU time, ours / theirs | event loop blocked, ms (at most ${LONGEST_BLOCK_MS}) |`,
    '|---|---|---|---|---|---|---|',
    ...figures.map(tableRow),
    ...(details.length === 0 ? [] : ['', ...details]),
    ...(notes.length === 0 ? [] : ['', 'What misses its target, and why:', '', ...notes]),
  ].join('\n')
}

/** @param picture name of the file beside it */
function renderResult(result: BenchResult, picture: string): string {
  const { date, command, machine, load, minutes, rows } = result
  return [
    '# Results of the benchmarks',
    '',
    '`npm run bench` writes this file, all of it. [README.md](README.md) says what is measured, and how.',
    '',
    `Run on ${date} with \`${command}\`, in ${minutes.toFixed(0)} minutes; ${load.toFixed(1)} processes were ready to run when it began.`,
    '',
    ...machine.map(line => `- ${line}`),
    '',
    `![Ratios to the peers](${picture})`,
    ...rows.flatMap(({ row, figures }) => [
      ...['', `## ${row}`, '', renderFigures(figures)],
      ...[...growthCharts(figures).keys()].flatMap(name => ['', `![${name}](${pictureOf(name)})`]),
    ]),
    '',
  ].join('\n')
}

/** The file of a picture of growth. */
const pictureOf = (name: string): string => `${name.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase()}.svg`

/** Ratios that are worse than they were by more than noise, one line each. */
export function worse(before: BenchResult, now: BenchResult): string[] {
  const known = new Map(before.rows.flatMap(({ figures }) => figures.map(figure => [figure.what, ratioOf(figure)])))
  return now.rows
    .flatMap(({ figures }) => figures)
    .flatMap(figure => {
      const [was, is] = [known.get(figure.what), ratioOf(figure)]
      return was === undefined || is <= was * NOISE ? [] : [`${figure.what}: ${was.toFixed(2)} -> ${is.toFixed(2)}`]
    })
}

/** @returns null where no run was kept yet */
export async function readResult(folder: string): Promise<BenchResult | null> {
  try {
    return JSON.parse(await readFile(join(folder, 'results.json'), 'utf8'))
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null
    throw thrown
  }
}

export async function writeResult(folder: string, result: BenchResult): Promise<void> {
  const figures = result.rows.flatMap(({ figures }) => figures)
  const rows = figures.flatMap(figure =>
    figure.target === null ? [] : [{ ...figure, name: figure.what, ratio: ratioOf(figure), target: figure.target }],
  )
  for (const [name, svg] of growthCharts(figures)) await writeFile(join(folder, pictureOf(name)), svg)
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(result, null, 1)}\n`)
  await writeFile(join(folder, 'results.svg'), ratioChart('fauxboot beside its peers', rows))
  await writeFile(join(folder, 'RESULTS.md'), renderResult(result, 'results.svg'))
}
