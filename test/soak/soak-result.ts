/** What a soak measured, and what it must be. */

import type { Resident, Usage } from './agent-process.js'
import type { Tally } from './run-load.js'

const MIB = 2 ** 20

/** Milliseconds in which a client with the token is answered. */
export const MOST_ANSWER_MS = 1000
/**
 * Bytes of anonymous memory: what the agent needs beside the files that it stores. The rest of its RSS is no cost of its own:
 * pages of Node's code, which the kernel may drop, and pages of stored files that are mapped.
 */
export const MOST_ANON = 80 * MIB

export const rss = ({ anon, file, shmem }: Resident): number => anon + file + shmem

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
}

export const mebibytes = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`

/** Every promise, and whether it was kept. */
export function checksOf(result: SoakResult): Check[] {
  const { samples, before, after, answers, unanswered, tallies, faults, console, end } = result
  const longest = Math.max(0, ...samples.map(({ answer }) => answer))
  const anon = Math.max(0, ...samples.map(sample => sample.anon))
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
    },
    {
      what: `memory beside stored files (RssAnon); ${mebibytes(before.anon)} before`,
      seen: mebibytes(anon),
      limit: mebibytes(MOST_ANON),
      holds: anon <= MOST_ANON,
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
