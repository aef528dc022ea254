/** The options of every command that boots a board and watches its console. */

import { type Command, InvalidArgumentError, Option } from 'commander'
import { fault } from '../../../agent/errors.js'
import type { PowerCommands } from '../../monitor/power.js'

export interface SessionOptions {
  readonly console?: string
  readonly until: RegExp
  readonly powerOn?: string
  readonly powerOff?: string
  readonly powerReset?: string
  readonly keepOn?: boolean
  readonly timeout: number
  readonly silence: number
  readonly tolerate?: readonly string[]
}

/** What a target prints when it has booted. */
const BOOTED = /login:/

/** Seconds: the longest that a person means. */
const LONGEST = 86_400

/** @param everything what `--timeout` limits */
export function addSessionOptions(command: Command, everything = 'everything'): Command {
  return command
    .option('--console <url>', 'watch the boot here: telnet://, tcp://, rfc2217://HOST:PORT, serial:///dev/ttyUSB0')
    .addOption(
      new Option('--until <regex>', 'what the target prints when it has booted')
        .argParser(expression)
        .default(BOOTED, BOOTED.source),
    )
    .option('--power-on <command>', 'switches the board on; run by sh')
    .option('--power-off <command>', 'switches it off: before --power-on, and at the end')
    .option('--power-reset <command>', 'resets it, instead of switching it off and on')
    .option('--keep-on', 'leave it on at the end')
    .option('--timeout <seconds>', `time limit for ${everything}`, seconds, 600)
    .option('--silence <seconds>', 'without a byte on the console after the jump', seconds, 120)
    .option('--tolerate <sign...>', 'signs of trouble that do not end the boot, such as oops')
}

/** The commands that switch the board. */
export function powerCommands({ powerOn: on, powerOff: off, powerReset: reset }: SessionOptions): PowerCommands {
  return { on, off, reset }
}

/**
 * Check what commander does not.
 *
 * @param command `fauxboot boot`
 * @throws CLI_USAGE
 */
export function checkPowerOptions({ powerOn, powerOff, powerReset }: SessionOptions, command: string): void {
  if (powerOff === undefined || powerOn !== undefined || powerReset !== undefined) return
  throw fault('CLI_USAGE', { reason: '--power-off needs --power-on or --power-reset', command })
}

/** Parse a number of seconds. */
export function seconds(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= LONGEST) return value
  throw new InvalidArgumentError(`seconds are between 1 and ${LONGEST}`)
}

function expression(text: string): RegExp {
  try {
    // Slashes around an expression are not part of it.
    return new RegExp(/^\/(.+)\/$/.exec(text)?.[1] ?? text)
  } catch (thrown) {
    throw new InvalidArgumentError(thrown instanceof Error ? thrown.message : String(thrown))
  }
}
