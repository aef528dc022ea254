/** The table of transfers between fauxboot and others: what was tried under which conditions, and what came of it. */

import { createHash } from 'node:crypto'
import type { Impairment } from './lossy-proxy.js'

/** What became of a file. `corrupt`: its end was reported as a success. */
export type Verdict = 'intact' | 'error' | 'corrupt'

export const CONDITIONS = {
  clean: { loss: 0, duplication: 0, reordering: 0 },
  '1 %': { loss: 0.01, duplication: 0.01, reordering: 0.01 },
  '5 %': { loss: 0.05, duplication: 0.05, reordering: 0.05 },
} as const satisfies Record<string, Impairment>

export type Condition = keyof typeof CONDITIONS
/** The conditions, the harmless one first. */
export const LOSSES: readonly Condition[] = ['clean', '1 %', '5 %']

export const WINDOWS: readonly number[] = [1, 4, 64]
/** Long enough for every window, and for losses; not a multiple of 512. */
const LOSSY_SIZE = 48_001
/** Around one and two blocks of 512, with a last block of every kind, and a long one. */
export const SIZES: readonly number[] = [0, 511, 512, 513, LOSSY_SIZE]

/** Where nothing is lost, the end of a file matters; where something is, its length. */
export const sizesUnder = (condition: Condition): readonly number[] => (condition === 'clean' ? SIZES : [LOSSY_SIZE])

export interface Trial {
  readonly row: string
  readonly condition: Condition
  run(): Promise<Verdict>
}

export interface Tried {
  readonly row: string
  readonly condition: Condition
  readonly verdict: Verdict
  readonly seconds: number
}

export const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Bytes of a file, other ones for every size. */
export function contents(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let state = size + 1
  for (let at = 0; at + 4 <= size; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes.writeUInt32LE(state, at)
  }
  return bytes
}

/** Run the trials, so many at a time: under loss they mostly wait. */
export async function runTrials(trials: readonly Trial[], atATime: number): Promise<Tried[]> {
  const waiting = [...trials]
  const tried: Tried[] = []
  const worker = async (): Promise<void> => {
    for (let trial = waiting.shift(); trial !== undefined; trial = waiting.shift()) {
      const start = performance.now()
      const verdict = await trial.run()
      const { row, condition } = trial
      tried.push({ row, condition, verdict, seconds: (performance.now() - start) / 1000 })
    }
  }
  await Promise.all(Array.from({ length: atATime }, worker))
  return tried
}

function cell(tried: readonly Tried[]): string {
  if (tried.length === 0) return '-'
  const count = (verdict: Verdict): number => tried.filter(each => each.verdict === verdict).length
  const words = [`${count('intact')}/${tried.length}`]
  if (count('error') > 0) words.push(`${count('error')} errors`)
  if (count('corrupt') > 0) words.push(`${count('corrupt')} CORRUPT`)
  return `${words.join(', ')} (${Math.max(...tried.map(each => each.seconds)).toFixed(1)} s)`
}

/** Rows of transfers, columns of conditions: intact of tried, and the seconds of the slowest. */
export function renderMatrix(tried: readonly Tried[]): string {
  const rows = [...new Set(tried.map(({ row }) => row))].sort()
  const conditions = [...new Set(tried.map(({ condition }) => condition))]
  const lines = rows.map(row => {
    const cells = conditions.map(name => cell(tried.filter(each => each.row === row && each.condition === name)))
    return `| ${[row, ...cells].join(' | ')} |`
  })
  return [`| transfer | ${conditions.join(' | ')} |`, `|---|${conditions.map(() => '---|').join('')}`, ...lines].join(
    '\n',
  )
}
