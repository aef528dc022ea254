/** The first stage's kernel command line. */

import type { Board } from './board.js'

/**
 * The serial line belongs to the agent: kernel and systemd keep quiet unless something is badly wrong, and systemd
 * sends no escape sequences, which it leaves out for a dumb terminal.
 */
const QUIET = ['quiet', 'loglevel=3', 'systemd.show_status=false', 'TERM=dumb']

/** A first stage that panics starts again after this time, seconds: nobody is there to press a button. */
const PANIC_SECONDS = 10

/**
 * Command line for a board.
 *
 * @param extra words put behind the others
 */
export function firstStageCmdline(board: Board, extra: readonly string[] = []): string {
  const { tty, baud } = board.console
  return [`console=${tty},${baud}`, ...QUIET, `panic=${PANIC_SECONDS}`, ...extra].join(' ')
}
