/** `npm run fuzz`: feed damaged inputs to every parser, and print what came of it. */

import { readFileSync, writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { withFigures } from './figures.js'
import { FOLDER, fuzzTarget } from './fuzz-target.js'
import type { TargetResult } from './run-target.js'
import { TARGETS } from './targets.js'

/** Shows the figures of a run. */
const DOCUMENT = 'SECURITY.md'

function count(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number from 1 on')
  return number
}

const { target, seconds, seed, json, write } = new Command('npm run fuzz --')
  .description('feed damaged inputs to every parser of a foreign format; exit code 1 if one breaks the rules')
  .addOption(new Option('--target <name>', 'one parser').choices(Object.keys(TARGETS)))
  .option('--seconds <count>', 'how long each is fed', count, 10)
  .option('--seed <number>', 'repeats the inputs of an earlier run', count)
  .option('--json', 'one object a line')
  .addOption(
    new Option('--write', `put the figures into ${DOCUMENT}, if all targets kept the rules`).conflicts('target'),
  )
  .addHelpText(
    'after',
    `
The rules: an error is one of the table, with at most 4 kB of text; an input takes at most 1 s of CPU, and memory of at
most 20 times its size (or 64 MiB). An input that breaks them is left in ${FOLDER}; move it to test/fuzz/corpus/TARGET/.

Examples:
  npm run fuzz -- --target fdt --seconds 600
  npm run fuzz -- --seed 42 --json`,
  )
  .parse()
  .opts<{ target?: string; seconds: number; seed?: number; json?: boolean; write?: boolean }>()

const first = seed ?? Math.floor(Math.random() * 2 ** 31)
if (!json) console.log(`seed ${first}; ${'target'.padEnd(22)}    inputs  longest      growth`)
const results = new Map<string, TargetResult>()
for (const name of target === undefined ? Object.keys(TARGETS) : [target]) {
  const result = await fuzzTarget(name, { seconds, seed: first })
  results.set(name, result)
  if (result.finding !== null) process.exitCode = 1
  if (json) {
    console.log(JSON.stringify({ target: name, seed: first, ...result }))
    continue
  }
  const { inputs, milliseconds, growth, finding } = result
  const figures = `${String(inputs).padStart(9)} ${milliseconds.toFixed(0).padStart(5)} ms ${(growth / 2 ** 20).toFixed(1).padStart(7)} MiB`
  console.log(`${' '.repeat(6 + String(first).length)}${name.padEnd(22)} ${figures}`)
  if (finding !== null) console.log(`  ${finding.file}: ${finding.reason}`)
}
if (write && process.exitCode !== 1) {
  const date = new Date().toISOString().slice(0, 10)
  const run = `\`npm run fuzz -- --seconds ${seconds} --seed ${first} --write\` on Node ${process.versions.node}, ${date}.`
  writeFileSync(DOCUMENT, withFigures(readFileSync(DOCUMENT, 'utf8'), results, run))
}
