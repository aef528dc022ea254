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

const DIRECTORY = join(import.meta.dirname, 'recordings')

/** Strings of a recording are bytes as latin1. */
export function readRecording(name: string): Exchange[] {
  const lines = readFileSync(join(DIRECTORY, `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
  return lines.map(line => JSON.parse(line) as Exchange)
}

/** Without what Linux said: before it what a boot prints, behind it the next power-on. */
function withoutLinux({ sent }: Exchange, out: string): string {
  const banner = out.lastIndexOf('\r\n\r\nU-Boot ')
  if (sent === '' && banner !== -1) return out.slice(banner)
  return out.replace(/(Starting kernel \.\.\.\r\n\r\n).*$/s, '$1')
}

/** Turns of the event loop without a byte after which nothing more is expected. */
const QUIET_TURNS = 8
const TURN_MS = 2
/** When ^C is typed, where that was recorded (and where no NFS server answers): later in a loop, whose second turn was seen. */
const INTERRUPT_MS = 250
const INTERRUPT_LOOP_MS = 1500
/** Nothing takes so long that is not stuck. */
const STUCK_MS = 20_000

function interruptMs({ label }: Exchange): number {
  if (!/^ctrl-C during|^nfs/.test(label)) return Number.POSITIVE_INFINITY
  return label.includes('for loop') ? INTERRUPT_LOOP_MS : INTERRUPT_MS
}

/** Type one exchange, and wait until what comes is what was recorded, or nothing comes any more. */
export async function play(line: TypedLine, exchange: Exchange): Promise<Played> {
  const expected = alike(withoutLinux(exchange, exchange.out))
  const from = line.output.length
  const ours = (): string => line.output.slice(from)
  line.type(exchange.sent)
  const interruptAfter = interruptMs(exchange)
  let interrupted = false
  const began = performance.now()
  for (let quiet = 0, length = -1; quiet < QUIET_TURNS; quiet++) {
    await pause(TURN_MS)
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
