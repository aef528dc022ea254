/** Plays a recording against the fake: what was typed then is typed now, and what comes back is kept. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { alike } from './normalise.js'
import type { TypedLine } from './recorded-machine.js'

export interface Exchange {
  readonly label: string
  readonly sent: string
  readonly out: string
}

export interface Played {
  readonly exchange: Exchange
  readonly ours: string
  readonly matched: boolean
}

const DIRECTORY = 'test/replay/recordings'

/** Strings of a recording are bytes as latin1. */
export function readRecording(name: string): Exchange[] {
  const lines = readFileSync(join(DIRECTORY, `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
  return lines.map(line => JSON.parse(line) as Exchange)
}

/** Output without Linux's: what a boot prints before it, or the power-on after it. */
function withoutLinux({ sent }: Exchange, out: string): string {
  const banner = out.lastIndexOf('\r\n\r\nU-Boot ')
  if (sent === '' && banner !== -1) return out.slice(banner)
  return out.replace(/(Starting kernel \.\.\.\r\n\r\n).*$/s, '$1')
}

/** Rounds without a byte after which no more output is expected. */
const QUIET_ROUNDS = 8
const ROUND_MS = 2
/** When ^C is typed, if that was recorded: later in a loop, whose second round was recorded. */
const INTERRUPT_MS = 250
const INTERRUPT_LOOP_MS = 1500
/** An exchange that takes longer is stuck. */
const STUCK_MS = 20_000

function interruptMs({ label }: Exchange): number {
  if (!/^ctrl-C during/.test(label)) return Number.POSITIVE_INFINITY
  return label.includes('for loop') ? INTERRUPT_LOOP_MS : INTERRUPT_MS
}

/** Type one exchange, and wait until no more output comes. */
export async function play(line: TypedLine, exchange: Exchange): Promise<Played> {
  const expected = alike(withoutLinux(exchange, exchange.out))
  const from = line.output.length
  const ours = (): string => line.output.slice(from)
  line.type(exchange.sent)
  const interruptAfter = interruptMs(exchange)
  let interrupted = false
  const began = performance.now()
  for (let quiet = 0, length = -1; quiet < QUIET_ROUNDS; quiet++) {
    await pause(ROUND_MS)
    if (line.output.length !== length) quiet = 0
    length = line.output.length
    const waiting = /=> [^\r]*$|\n> $|autoboot: \d+$|\? $|edit: [^\r]*$|kernel \.\.\.\r\n\r\n$/.test(
      line.output.slice(-400),
    )
    if (waiting || exchange.sent === '') continue
    quiet = 0
    if (!interrupted && performance.now() - began > interruptAfter) {
      interrupted = true
      line.type('\x03')
    }
    if (performance.now() - began > STUCK_MS) break
  }
  return { exchange, ours: ours(), matched: alike(withoutLinux(exchange, ours())) === expected }
}
