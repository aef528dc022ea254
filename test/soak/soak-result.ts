/** What a soak measured, and what it must be. */

import type { Usage } from './agent-process.js'
import type { Tally } from './run-load.js'

const MIB = 2 ** 20

/** Milliseconds in which a client with the token is answered. */
export const MOST_ANSWER_MS = 1000
/** Bytes of RSS above what is stored. */
export const MOST_ABOVE_STORED = 80 * MIB

/** The agent at one moment. */
export interface Sample extends Usage {
  /** since the load began */
  readonly seconds: number
  /** milliseconds: the longest that the token holder waited since the last sample, for an answer or for none yet */
  readonly answer: number
}

export interface SoakResult {
  readonly samples: readonly Sample[]
  /** before the load, after one of each kind of request */
  readonly before: Usage
  /** after it, when everything had ended */
  readonly after: Usage
  /** of the token holder */
  readonly answers: number
  /** the first that was refused, cut or wrong; null if none was */
  readonly unanswered: string | null
  readonly tallies: readonly Tally[]
  /** what the agent logged of its own faults: at most the first few */
  readonly faults: readonly string[]
  /** what the console answered after the load; null: its version, as it should */
  readonly console: string | null
  /** how the agent ended: with the exit code 0 when it was asked to */
  readonly end: string
}

/** A row of the summary. */
export interface Check {
  readonly what: string
  readonly seen: string
  readonly limit: string
  readonly holds: boolean
  /** it depends on how busy the machine is */
  readonly timed?: boolean
}

const mebibytes = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`

/** Every promise, and whether it was kept. */
export function checksOf(result: SoakResult): Check[] {
  const { samples, before, after, answers, unanswered, tallies, faults, console, end } = result
  const longest = Math.max(0, ...samples.map(({ answer }) => answer))
  const above = Math.max(0, ...samples.map(({ rss, stored }) => rss - stored))
  const most = Math.max(0, ...samples.map(({ descriptors }) => descriptors))
  const wrong = tallies.filter(tally => tally.wrong > 0)
  return [
    {
      what: 'the agent runs until it is asked to end',
      seen: end,
      limit: 'exit code 0',
      holds: end === 'exit code 0',
    },
    {
      what: 'every request with the token is answered',
      seen: unanswered ?? `${answers} of ${answers}`,
      limit: 'all',
      holds: unanswered === null && answers > 0,
    },
    {
      what: 'the longest that one of them waited',
      seen: `${longest.toFixed(0)} ms`,
      limit: `${MOST_ANSWER_MS} ms`,
      holds: longest <= MOST_ANSWER_MS,
      timed: true,
    },
    {
      what: `memory (RSS) above what is stored; ${mebibytes(before.rss - before.stored)} before`,
      seen: mebibytes(above),
      limit: mebibytes(MOST_ABOVE_STORED),
      holds: above <= MOST_ABOVE_STORED,
      timed: true,
    },
    {
      what: `descriptors after the load; at most ${most} in it`,
      seen: String(after.descriptors),
      limit: String(before.descriptors),
      holds: after.descriptors <= before.descriptors,
    },
    {
      what: 'jobs and uploads end as they should',
      seen:
        wrong.length === 0 ? 'all' : wrong.map(({ name, wrong, first }) => `${name}: ${wrong}, ${first}`).join('; '),
      limit: 'all',
      holds: wrong.length === 0,
    },
    {
      what: 'no fault of its own in its log',
      seen: faults.length === 0 ? 'none' : faults.join('; '),
      limit: 'none',
      holds: faults.length === 0,
    },
    {
      what: 'the console answers after the load',
      seen: console ?? 'yes',
      limit: 'yes',
      holds: console === null,
    },
  ]
}

const LONGEST_CELL = 300

/** The summary as text. */
export function renderSoak(result: SoakResult): string {
  const checks = checksOf(result).map(check => ({ ...check, seen: check.seen.slice(0, LONGEST_CELL) }))
  const rows = [
    ['check', 'seen', 'limit', ''],
    ...checks.map(({ what, seen, limit, holds }) => [what, seen, limit, holds ? 'ok' : 'BROKEN']),
  ]
  const clients = [
    ['clients', 'at a time', 'acts'],
    ...result.tallies.map(({ name, count, acts }) => [name, String(count), String(acts)]),
  ]
  return `${table(clients)}\n\n${table(rows)}`
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? []
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
