/** Fuzzing one target in a process of its own, which may end in any way. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { V8_FLAG } from '../../agent/bundle/v8-flag.js'
import type { TargetResult } from './run-target.js'

export const FOLDER = '.tap/fuzz'

/** Seconds after its time within which a target ends, on a machine that is busy. */
const PATIENCE = 60
/** A board has less. */
const HEAP_MIB = 512
/** As on a board (`fauxboot-agent.service`): otherwise garbage of earlier inputs counts as memory of this one. */
const AGENT_FLAGS = ['--max-semi-space-size=2', V8_FLAG]

export interface FuzzOptions {
  readonly seconds: number
  readonly seed: number
}

/** @returns what was found; a child that ends without a word leaves its last input */
export async function fuzzTarget(name: string, { seconds, seed }: FuzzOptions): Promise<TargetResult> {
  mkdirSync(FOLDER, { recursive: true })
  const child = fork(join(import.meta.dirname, 'run-target.js'), [name, String(seconds), String(seed), FOLDER], {
    execArgv: ['--enable-source-maps', `--max-old-space-size=${HEAP_MIB}`, ...AGENT_FLAGS],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let result: TargetResult | undefined
  let words = ''
  child.on('message', message => (result = message as TargetResult))
  child.stderr?.setEncoding('utf8').on('data', text => (words = (words + text).slice(-2000)))
  const timer = setTimeout(() => child.kill('SIGKILL'), (seconds + PATIENCE) * 1000)
  const [code, signal] = await once(child, 'close')
  clearTimeout(timer)
  if (result !== undefined) return result
  const file = join(FOLDER, `${name}.current`)
  const reason = `the process ended with ${signal ?? code}${signal === 'SIGKILL' ? ': it did not return' : ''}: ${words.trim()}`
  return { inputs: 0, milliseconds: 0, growth: 0, finding: { reason, file: existsSync(file) ? file : 'no input' } }
}
