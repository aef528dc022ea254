/**
 * The child of one target: runs it on inputs for some seconds, and sends the result to its parent. Before each input it
 * writes that to `CURRENT`, so that it is there when V8 aborts, the kernel kills the process, or the target never returns.
 *
 * Arguments: target, seconds, seed, folder for CURRENT and what was found
 */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FauxbootError } from '../../agent/errors.js'
import { inputs } from './mutate.js'
import { TARGETS } from './targets.js'

/** What a parser may take, whatever it is fed. */
const MOST_SECONDS = 1
const MOST_GROWTH = { factor: 20, least: 64 * 2 ** 20 }
const LONGEST_MESSAGE = 4096
const CORPUS = 'test/fuzz/corpus'

export interface TargetResult {
  readonly inputs: number
  /** CPU, of the slowest input */
  readonly milliseconds: number
  /** bytes by which the process grew with one input, at most */
  readonly growth: number
  /** null: nothing was found */
  readonly finding: { readonly reason: string; readonly file: string } | null
}

/** Why this ending breaks the rules; null if it does not. */
function wrongEnding(thrown: unknown): string | null {
  if (!(thrown instanceof Error)) return `threw ${String(thrown)}`
  if (!(thrown instanceof FauxbootError) || thrown.code === 'INTERNAL') return thrown.stack ?? String(thrown)
  const { length } = thrown.message
  return length > LONGEST_MESSAGE ? `an error message of ${length} characters: ${thrown.message.slice(0, 80)}` : null
}

async function endingOf(call: () => unknown): Promise<string | null> {
  try {
    await call()
    return null
  } catch (thrown) {
    return wrongEnding(thrown)
  }
}

async function fuzz(name: string, seconds: number, seed: number, folder: string): Promise<TargetResult> {
  const target = TARGETS[name]
  if (target === undefined) throw new Error(`there is no target ${name}`)
  const directory = join(CORPUS, name)
  const corpus = existsSync(directory)
    ? readdirSync(directory).map(file => new Uint8Array(readFileSync(join(directory, file))))
    : []
  const current = join(folder, `${name}.current`)
  const end = performance.now() + seconds * 1000
  let [count, milliseconds, growth] = [0, 0, 0]
  const most = Math.max(MOST_GROWTH.least, target.memory ?? 0)
  let grown = process.resourceUsage().maxRSS
  for (const input of inputs(target, corpus, seed)) {
    if (performance.now() > end && count >= corpus.length + target.seeds.length) break
    count++
    writeFileSync(current, input)
    const before = process.cpuUsage()
    const ending = await endingOf(() => target.run(input))
    const { user, system } = process.cpuUsage(before)
    const { maxRSS } = process.resourceUsage()
    const bytes = (maxRSS - grown) * 1024
    grown = maxRSS
    milliseconds = Math.max(milliseconds, (user + system) / 1000)
    growth = Math.max(growth, bytes)
    const reason =
      ending ??
      ((user + system) / 1e6 > MOST_SECONDS ? `took ${((user + system) / 1e6).toFixed(1)} s of CPU` : null) ??
      (bytes > Math.max(most, MOST_GROWTH.factor * input.length) ? `took ${bytes} bytes of memory` : null)
    if (reason === null) continue
    const file = join(folder, `${name}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`)
    writeFileSync(file, input)
    return { inputs: count, milliseconds, growth, finding: { reason, file } }
  }
  return { inputs: count, milliseconds, growth, finding: null }
}

const [name = '', seconds = '', seed = '', folder = ''] = process.argv.slice(2)
process.send?.(await fuzz(name, Number(seconds), Number(seed), folder), () => process.exit())
