/** A check of a booted target, and how a table of them is run. */

import type { BoardView } from '../../agent/boot/board/board.js'
import { FauxbootError } from '../../agent/errors.js'

/** What a check found; texts are empty where there is nothing to say. */
export interface CheckFinding {
  readonly result: 'pass' | 'fail' | 'skip'
  readonly expected: string
  readonly found: string
  /** one sentence: why it did not pass */
  readonly reason: string
}

export interface CheckOutcome extends CheckFinding {
  readonly name: string
  readonly compares: string
  readonly seconds: number
}

/** A target at its shell, and what is known of the board. */
export interface BootedTarget {
  /** the board as the first stage described it before it booted the target */
  readonly board: BoardView
  /** the agent's id of the job that booted the target */
  readonly job: string
  /** lines of the console since the jump that have characters which no program prints */
  readonly garbled: readonly string[]
  /**
   * Run a command at the shell.
   *
   * @returns its output without messages of the kernel
   * @throws CONSOLE_SILENT, CONSOLE_GONE
   */
  run(command: string): Promise<string>
  /**
   * Reboot, and wait until the boot loader and the agent are back.
   *
   * @throws CONSOLE_SILENT, CONSOLE_GONE, BOARD_UNREACHABLE
   */
  reboot(): Promise<void>
}

export interface Check {
  readonly name: string
  /** for people: what with what */
  readonly compares: string
  run(target: BootedTarget): Promise<CheckFinding>
}

/** Errors of a board, and not of this program. */
const BOARD_CODES = /^(?:CONSOLE|BOARD)_/

/**
 * Run checks, one after another. A check that the board does not answer has failed.
 *
 * @param recover brings the shell back after that; returns why it cannot, or null
 * @param onOutcome called as each check ends
 * @throws errors that are not the board's
 */
export async function runChecks(
  checks: readonly Check[],
  target: BootedTarget,
  recover: () => Promise<string | null>,
  onOutcome: (outcome: CheckOutcome) => void,
): Promise<void> {
  let lost: string | null = null
  for (const check of checks) {
    const began = performance.now()
    const end = (finding: CheckFinding): void => onOutcome(outcomeOf(check, finding, performance.now() - began))
    if (lost !== null) {
      end(skipped(lost))
      continue
    }
    try {
      end(await check.run(target))
    } catch (thrown) {
      if (!(thrown instanceof FauxbootError) || !BOARD_CODES.test(thrown.code)) throw thrown
      end({ result: 'fail', expected: '', found: '', reason: thrown.message })
      lost = check === checks.at(-1) ? null : await recover()
    }
  }
}

/** A check that was not made. */
export const skipped = (reason: string): CheckFinding => ({ result: 'skip', expected: '', found: '', reason })

/** @param milliseconds that it took */
export function outcomeOf(
  { name, compares }: Pick<Check, 'name' | 'compares'>,
  finding: CheckFinding,
  milliseconds = 0,
): CheckOutcome {
  return { name, compares, ...finding, seconds: Math.round(milliseconds) / 1000 }
}
