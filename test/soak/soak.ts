/** `npm run soak`: everything at once against the agent's bundle, and what became of its promises. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { missingForSoak, soakInOwnNetwork } from './own-network.js'
import { checksOf, MOST_ABOVE_STORED, MOST_ANSWER_MS, renderSoak, type Sample } from './soak-result.js'
import { timelineSvg } from './timeline-svg.js'

const MIB = 2 ** 20
const LOG = '.tap/soak/agent.log'
/** Seconds between two lines of progress. */
const PROGRESS_SECONDS = 5

interface Options {
  readonly minutes: number
  readonly maxConnections: number
  readonly svg: string
  readonly json?: boolean
}

function time(text: string): number {
  const number = Number(text)
  if (!(number > 0 && number <= 10_000)) throw new InvalidArgumentError('expected a number of minutes above 0')
  return number
}

function count(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number from 1 on')
  return number
}

const { minutes, maxConnections, svg, json } = new Command('npm run soak --')
  .description("load the agent's bundle in every way at once; exit code 1 if it breaks a promise")
  .option('--minutes <number>', 'how long', time, 2)
  .option('--max-connections <count>', "the agent's setting", count, 128)
  .option('--svg <file>', 'draw memory, descriptors and waits over time', '.tap/soak/soak.svg')
  .option('--json', 'one object a line: samples, then the result')
  .addHelpText(
    'after',
    `
It runs as root, in a network namespace of its own: 1,000 event streams, slow heads and bodies, pipelined requests,
consoles that are never read, telnet storms, a serial line that sends nothing on, uploads that break off, good and bad
jobs. Meanwhile a client with the token asks ten times a second. Ctrl-C ends the load, and shows what was seen so far.
The agent may load no kernel, and its log is in ${LOG}.

Examples:
  npm run soak -- --minutes 60
  npm run soak -- --max-connections 1500 --json`,
  )
  .parse()
  .opts<Options>()

const missing = missingForSoak()
if (missing.length > 0) {
  console.error(`npm run soak needs\n${missing.map(need => `  ${need}`).join('\n')}`)
  process.exit(1)
}

// The child gets the signal too, ends the load, and sends its result.
process.on('SIGINT', () => undefined)
let shown = 0
const result = await soakInOwnNetwork({ minutes, maxConnections, log: LOG }, sample => {
  if (json) console.log(JSON.stringify({ sample }))
  else if (sample.seconds >= shown) {
    console.log(progressLine(sample))
    shown = sample.seconds + PROGRESS_SECONDS
  }
})
mkdirSync(dirname(svg), { recursive: true })
writeFileSync(svg, draw(result.samples))
const checks = checksOf(result)
const { samples: _, ...rest } = result
if (json) console.log(JSON.stringify({ result: { ...rest, checks, svg } }))
else console.log(`\n${renderSoak(result)}\n\n${svg}: memory, descriptors and waits over time`)
if (checks.some(({ holds }) => !holds)) process.exitCode = 1

function progressLine({ seconds, rss, stored, descriptors, answer }: Sample): string {
  const memory = `RSS ${(rss / MIB).toFixed(0).padStart(4)} MiB, stored ${(stored / MIB).toFixed(0).padStart(4)} MiB`
  return `${seconds.toFixed(0).padStart(6)} s  ${memory}, ${String(descriptors).padStart(4)} descriptors, answer ${answer.toFixed(0).padStart(4)} ms`
}

function draw(samples: readonly Sample[]): string {
  const of = (value: (sample: Sample) => number): number[] => samples.map(value)
  return timelineSvg(
    `fauxboot under load, Node ${process.version}`,
    of(sample => sample.seconds),
    [
      {
        title: 'memory, MiB',
        curves: [
          { name: 'RSS', kind: 'measured', values: of(({ rss }) => rss / MIB) },
          { name: 'stored', kind: 'second', values: of(({ stored }) => stored / MIB) },
          { name: 'stored + 80 MiB', kind: 'limit', values: of(({ stored }) => (stored + MOST_ABOVE_STORED) / MIB) },
        ],
      },
      { title: 'descriptors', curves: [{ name: 'open', kind: 'measured', values: of(sample => sample.descriptors) }] },
      {
        title: 'longest wait of a client with the token, ms',
        curves: [
          { name: 'wait', kind: 'measured', values: of(sample => sample.answer) },
          { name: 'limit', kind: 'limit', values: of(() => MOST_ANSWER_MS) },
        ],
      },
    ],
  )
}
