/** One boot of one board, from power-on to the verdict. */

import { fault } from '../../agent/errors.js'
import type { BootVerdict } from './boot-watch.js'

/** Commands of the lab that switch the board; each is run with `sh -c`. */
export interface PowerCommands {
  readonly on?: string
  readonly off?: string
  readonly reset?: string
}

/** What types at the console and reads its answers, while the watch goes on. */
export interface Typist {
  /** Type text as it is; a line ends with `\n`. */
  type(text: string): Promise<void>
  /**
   * Wait until the board has said something, behind what the last wait found.
   *
   * @param pattern searched in the text since then, without escape sequences; it may span lines
   * @param timeoutMs how long, from now on
   * @throws CONSOLE_SILENT with what was waited for
   */
  waitFor(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray>
}

/** What a drive may do with the board. */
export interface DriveContext {
  readonly typist: Typist
  /** From now on the words of a boot loader that has failed are such. */
  bootLoaderReached(): void
  /** From now on the next kernel that begins is the target. */
  handedOver(): void
  /** Tell what goes on. */
  note(line: string): void
  /** fires when the session is over, whatever the reason */
  readonly signal: AbortSignal
}

/** Brings a board that has been switched on to its jump: `drive-http.ts`, `drive-typed.ts`. */
export type Drive = (context: DriveContext) => Promise<void>

export interface BoardSessionOptions {
  /** what `openConsole` takes */
  readonly console: string
  readonly power?: PowerCommands
  /** leave the board on at the end */
  readonly keepOn?: boolean
  readonly drive: Drive
  /** what the target says when it has booted: searched in each line, and in the line that has begun */
  readonly until: RegExp
  /** for the whole, milliseconds */
  readonly timeoutMs: number
  /** without a byte from the board after the jump, milliseconds */
  readonly silenceMs: number
  /** ids of signs that decide nothing */
  readonly tolerate?: readonly string[]
  /** what to do on a target that has booted, before it is switched off: what a test types */
  readonly whenBooted?: (typist: Typist, signal: AbortSignal) => Promise<void>
  /** called with each line of the console, fit for a terminal */
  readonly onLine?: (line: string) => void
  readonly note?: (line: string) => void
  /** file for the log of the console, each line with its time */
  readonly logFile?: string
  readonly signal: AbortSignal
}

export interface BoardSessionResult {
  readonly verdict: BootVerdict
  readonly started: Date
  /** seconds */
  readonly duration: number
  /** the end of the console's text, at most {@link EXCERPT_LIMIT} characters */
  readonly excerpt: string
}

/** Characters; KCIDB takes as many (schema v5.3, `log_excerpt`). */
export const EXCERPT_LIMIT = 16_384

/**
 * Boot a board and watch it. Nothing about the board, its power or its console is thrown: it is a verdict.
 *
 * @throws CLI_USAGE for a console of no known kind, CLI_FILE for the log, the signal's reason once all is put away
 */
export async function runBoardSession(options: BoardSessionOptions): Promise<BoardSessionResult> {
  throw fault('INTERNAL', { doing: `watching ${options.console}`, reason: 'not written yet' })
}
