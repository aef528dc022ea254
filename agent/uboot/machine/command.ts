/** What a command is, and what it sees of the machine it runs on. Every text is a string of bytes (latin1). */

import type { Environment } from '../env/environment.js'
import type { Machine } from './machine.js'

/** The result of a command that was called wrongly: its usage is printed, and `$?` is 1. */
export const USAGE = -1

/** How a command was called. */
export interface Call {
  /** words of the line; the first is the command as it was typed: `md.b` */
  readonly args: readonly string[]
  /** an empty line repeated the last one */
  readonly repeated: boolean
  /** ^C was typed */
  readonly signal: AbortSignal
}

/** One row of the table of commands. */
export interface Command {
  readonly name: string
  /** most words, the name among them; a line with more prints the usage */
  readonly maxArgs: number
  /** an empty line runs it once more */
  readonly repeatable?: boolean
  /** behind `NAME - ` in the list of commands */
  readonly summary: string
  /** behind `NAME ` in the usage; lines end with \n between them, not behind the last. Empty: none */
  readonly usage: string
  /**
   * Run it.
   *
   * @returns `$?`: 0 is success; {@link USAGE}
   * @throws FauxbootError: its U-Boot text is printed, and `$?` is 1; the reason of `call.signal`
   */
  run(machine: Machine, call: Call): Promise<number> | number
  /** words that fit behind the command, for TAB; `words` are those typed so far, the last may be incomplete or empty */
  complete?(machine: Machine, words: readonly string[]): readonly string[]
}

/** The letter behind the first dot of a command (`md.b`), or null. */
export function sizeLetter(name: string): string | null {
  const dot = name.indexOf('.')
  return dot === -1 ? null : name.slice(dot + 1)
}

export type { Environment, Machine }
