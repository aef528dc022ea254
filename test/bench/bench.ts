/** `npm run bench`: what fauxboot takes, each figure beside its peer's in the same run. */

import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { cpus, loadavg, release } from 'node:os'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { BENCH_ROWS, settingFor } from './bench-rows.js'
import { type BenchResult, type RowResult, readResult, renderFigures, worse, writeResult } from './report.js'

/** Where the results are that are committed. */
const COMMITTED = 'test/bench'

function count(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1 || number > 100) {
    throw new InvalidArgumentError('expected a whole number from 1 to 100')
  }
  return number
}

const NAMES = BENCH_ROWS.map(({ name }) => name)
const width = Math.max(...NAMES.map(name => name.length))

const { runs, only, out } = new Command('npm run bench --')
  .description("measure what fauxboot takes, each figure beside its peer's in the same run")
  .option('--runs <count>', 'how often each is measured; rows that take minutes measure once, and say so', count, 5)
  .addOption(new Option('--only <name...>', 'some rows').choices(NAMES))
  .option(
    '--out <dir>',
    `folder for RESULTS.md, results.json and results.svg; default ${COMMITTED}, or .tap/bench with --only`,
  )
  .addHelpText(
    'after',
    `
Rows, with the minutes that they take on an idle machine:
${BENCH_ROWS.map(({ name, minutes, about }) => `  ${name.padEnd(width)}  ${String(minutes).padStart(2)}  ${about}`).join('\n')}

The ratios are compared with those of ${COMMITTED}/results.json; those that are worse by more than a tenth are listed at the
end. Nothing else should run meanwhile.

Examples:
  npm run bench
  npm run bench -- --runs 3 --only 'plan and load' echo`,
  )
  .parse()
  .opts<{ runs: number; only?: string[]; out?: string }>()

/** The first line that a program says, with its version. */
const versionOf = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8' }).split('\n')[0] ?? ''

const before = await readResult(COMMITTED)
const load = loadavg()[0] ?? 0
const started = performance.now()
const folder = resolve(out ?? (only === undefined ? COMMITTED : '.tap/bench'))
await mkdir(folder, { recursive: true })
const rows: RowResult[] = []
const machine = [
  `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}, Linux ${release()}`,
  `Node ${process.version}`,
  versionOf('qemu-system-arm', '--version'),
  versionOf('curl', '--version').split(' ').slice(0, 2).join(' '),
]
const result = (): BenchResult => ({
  date: new Date().toISOString().slice(0, 10),
  machine,
  command: `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}`,
  load,
  minutes: (performance.now() - started) / 60_000,
  rows,
})

for (const { name, measure } of BENCH_ROWS) {
  if (only !== undefined && !only.includes(name)) continue
  process.stderr.write(`measuring: ${name}\n`)
  const figures = [await measure(await settingFor(runs))].flat()
  rows.push({ row: name, figures })
  console.log(`\n## ${name}\n\n${renderFigures(figures)}`)
  // After each row: a run that is interrupted leaves what it has.
  await writeResult(folder, result())
}
const worsened = before === null ? [] : worse(before, result())
if (worsened.length > 0)
  console.log(`\nWorse than in ${COMMITTED}/results.json:\n${worsened.map(line => `- ${line}`).join('\n')}`)
console.log(`\nwritten: ${folder}/RESULTS.md, results.json, results.svg`)
