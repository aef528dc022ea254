/** From power-on to the prompt: `preboot`, the countdown, `bootcmd`. */

import type { Environment } from '../env/environment.js'
import type { Output, ScriptRunner } from '../machine/machine.js'

export interface AutobootOptions {
  readonly env: Environment
  readonly out: Output
  readonly shell: ScriptRunner
  /** before the number: `Hit any key to stop autoboot: ` */
  readonly sentence: string
  /** without escape sequences: `2 1 0` on one line */
  readonly plain: boolean
  /** seconds where `bootdelay` is not set */
  readonly delay: number
  /** Wait so many milliseconds for a key at any console. @returns whether one came */
  readonly key: (timeoutMs: number) => Promise<boolean>
}

const CURSOR_ON = '\x1b[?25h'
const CLEAR_LINE = '\x1b[2K\r'

/** Count down. @returns whether a key stopped it */
async function stopped({ out, sentence, plain, key }: AutobootOptions, delay: number): Promise<boolean> {
  const show = (left: number): void => out.write(plain ? ` ${left}` : `${CLEAR_LINE}${sentence}${left}`)
  out.write(plain ? `\n${sentence.trimEnd()}` : `${CURSOR_ON}\n`)
  show(delay)
  let pressed = await key(0)
  for (let left = delay; left > 0 && !pressed; left -= 1) {
    pressed = await key(1000)
    if (!pressed) show(left - 1)
  }
  if (pressed) show(0)
  out.write('\n')
  return pressed
}

/** Seconds; -1: no autoboot, -2: without countdown. */
function bootDelay({ env, delay }: AutobootOptions): number {
  const digits = /^-?\d+/.exec(env.get('bootdelay') ?? '')?.[0]
  return digits === undefined ? delay : Number(digits)
}

/**
 * Run `preboot`, count down for `bootdelay` seconds and, unless a key stops it, run `bootcmd`.
 *
 * @returns when the prompt is due
 */
export async function autoboot(options: AutobootOptions): Promise<void> {
  const { env, shell } = options
  const never = new AbortController().signal
  const preboot = env.get('preboot')
  if (preboot !== undefined) await shell.run(preboot, never, 'script')
  const bootcmd = env.get('bootcmd')
  const delay = bootDelay(options)
  if (bootcmd === undefined || delay === -1) return
  if (delay < 0 || !(await stopped(options, delay))) await shell.run(bootcmd, never, 'script')
}
