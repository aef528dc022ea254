/** The first stage's kernel command line. */

import type { Board } from '../boards/board.js'

/**
 * The serial line belongs to the agent: kernel and systemd keep quiet unless something is badly wrong, and systemd
 * sends no escape sequences, which it leaves out for a dumb terminal. A soft lockup is told at the highest level, in the
 * middle of what is typed, and is no more than a busy host where the board is emulated.
 */
const QUIET = ['quiet', 'loglevel=3', 'nosoftlockup', 'systemd.show_status=false', 'TERM=dumb']

/**
 * What costs time while the first stage starts and serves nobody on it: switching on memory control groups stops all
 * CPUs some seventy times, each security module has hooks to be patched in.
 */
const LEFT_OUT = ['cgroup_disable=memory', 'lsm=', 'audit=0']

/** A first stage that panics starts again after this time, seconds: nobody is there to press a button. */
const PANIC_SECONDS = 10

/**
 * Command line for a board.
 *
 * @param extra words put behind the others
 */
export function firstStageCmdline(board: Board, extra: readonly string[] = []): string {
  const { tty, baud } = board.console
  return [`console=${tty},${baud}`, ...QUIET, ...LEFT_OUT, `panic=${PANIC_SECONDS}`, ...extra].join(' ')
}
