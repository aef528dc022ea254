/** Frees every second of many small buffers, and sends the resident memory before and after a call of `trimMemory`. */
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { trimMemory } from '../../../native/index.js'
import { answer } from './child.js'

/** kB */
export interface TrimmedAnswers {
  readonly before: number
  readonly after: number
}

/** Too small for a mapping of its own, and larger than a page. */
const BYTES = 16_000
const BUFFERS = 2000

const resident = (): number => Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1])

const kept: (Buffer | null)[] = Array.from({ length: BUFFERS }, () => Buffer.allocUnsafeSlow(BYTES).fill(1))
for (let index = 0; index < BUFFERS; index += 2) kept[index] = null
for (let turn = 0; turn < 5; turn++) {
  global.gc?.()
  await setImmediate()
}
const before = resident()
trimMemory()
answer({ before, after: resident(), kept: kept.length })
