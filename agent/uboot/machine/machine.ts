/** The faked machine and its commands: a command runs on the machine, and the machine has the table of commands. */

import type { BoardFacts } from '../board/board-facts.js'
import type { Environment } from '../env/environment.js'
import type { BootTarget } from '../hardware/boot-target.js'
import type { Gpio } from '../hardware/gpio.js'
import type { Memory } from '../hardware/memory.js'
import type { Network } from '../hardware/network.js'
import type { Storage } from '../hardware/storage.js'
import { parseHex } from '../lib/numbers.js'
import type { MachineState } from './state.js'

/** Where a command prints to. */
export interface Output {
  /** Bytes as latin1; each \n goes out as \r\n. */
  write(text: string): void
  /**
   * Null when more can be printed; otherwise resolves when it can. The shell waits for it between commands, and so does a
   * command that prints without end: what a slow line has not sent is held in memory.
   */
  room(): Promise<void> | null
}

/** Where a command that asks reads from: the console it was typed at. */
export interface Input {
  /**
   * Print a prompt and read a line with the line editor.
   *
   * @param initial text to edit
   * @returns null after ^C
   */
  readLine(prompt: string, initial?: string): Promise<string | null>
  /**
   * A single key, as one character, without echo.
   *
   * @param timeoutMs milliseconds to wait
   * @returns null after the timeout
   */
  readKey(timeoutMs: number): Promise<string | null>
  /** the lines typed there, oldest first */
  readonly history: readonly string[]
}

/**
 * `run`: as a variable, read to its end before any of it runs. `script`: as `source` and `bootcmd`, each line runs before
 * the next is read.
 */
export type ScriptMode = 'run' | 'script'

/** What commands use of the shell. */
export interface ScriptRunner {
  /**
   * Run text as `run` or `source` do.
   *
   * @param mode default `run`
   * @returns `$?`
   */
  run(text: string, signal: AbortSignal, mode?: ScriptMode): Promise<number>
  /** variables of the shell itself, by name, in order */
  readonly locals: ReadonlyMap<string, string>
}

export interface Machine {
  readonly board: BoardFacts
  readonly out: Output
  readonly input: Input
  readonly env: Environment
  readonly memory: Memory
  readonly shell: ScriptRunner
  /** the table, sorted by name */
  readonly commands: readonly Command[]
  readonly network: Network
  readonly storage: Storage
  readonly gpio: Gpio
  readonly boot: BootTarget
  /** the time of the real-time clock */
  now(): Date
  /** milliseconds, for durations: unlike the clock, they only ever grow */
  ticks(): number
  state: MachineState
}

/** The load address that the board's U-Boot was built with. */
export const buildAddress = ({ board }: Machine): number => parseHex(board.environment.loadaddr ?? '0')

/** The result of a command that was called wrongly: its usage is printed, and `$?` is 1. */
export const USAGE = -1

/** How a command was called. */
export interface Call {
  /** words of the line; the first is the command as typed: `md.b` */
  readonly args: readonly string[]
  /** an empty line repeated the last one */
  readonly repeated: boolean
  /** ^C was typed */
  readonly signal: AbortSignal
}

/** One row of the table of commands. */
export interface Command {
  readonly name: string
  /** most words, including the name; a longer line prints the usage */
  readonly maxArgs: number
  /** an empty line runs it once more */
  readonly repeatable?: boolean
  /** follows `NAME - ` in the list of commands */
  readonly summary: string
  /** follows `NAME ` in the usage; lines are separated by \n; may be empty */
  readonly usage: string
  /**
   * Run it.
   *
   * @returns `$?`: 0 is success; {@link USAGE}
   * @throws FauxbootError: its U-Boot text is printed, and `$?` is 1; the reason of `call.signal`
   */
  run(machine: Machine, call: Call): Promise<number> | number
  /** words that may come next, for TAB; `words` are those typed so far, the last may be incomplete or empty */
  complete?(machine: Machine, words: readonly string[]): readonly string[]
}
