/** The first stage's kernel command line. */

import type { Board } from '../boards/board.js'

/**
 * The agent owns the serial line: kernel and systemd print only serious faults, and systemd sends no escape sequences to a
 * dumb terminal. The kernel prints a soft lockup at the highest level, into the line that somebody is typing, though on an
 * emulated board it only means that the host is busy.
 */
const QUIET = ['quiet', 'loglevel=3', 'nosoftlockup', 'systemd.show_status=false', 'TERM=dumb']

/**
 * Features that the first stage does not use and that delay its start: enabling memory control groups stops all CPUs about
 * seventy times, and the kernel patches in hooks for each security module.
 */
const LEFT_OUT = ['cgroup_disable=memory', 'lsm=', 'audit=0']

/**
 * A watchdog that the agent arms for a target must run on over the jump, but most drivers have the kernel stop it before a
 * reboot, and kexec is one. A watchdog that nobody has opened does not run in the first place.
 */
const WATCHDOG = 'watchdog.stop_on_reboot=0'

/** After a break on the line, as an adapter sends when it is plugged in, the `b` of bootz would otherwise reset the board. */
const NO_SYSRQ = 'sysctl.kernel.sysrq=0'

/** A first stage that panics restarts after this time, because nobody is there to press a button, seconds. */
const PANIC_SECONDS = 10

/**
 * Command line for a board.
 *
 * @param extra words to append
 */
export function firstStageCmdline(board: Board, extra: readonly string[] = []): string {
  const { tty, baud } = board.console
  const own = board.cmdline ?? []
  return [
    `console=${tty},${baud}`,
    ...QUIET,
    ...LEFT_OUT,
    `panic=${PANIC_SECONDS}`,
    WATCHDOG,
    NO_SYSRQ,
    ...own,
    ...extra,
  ].join(' ')
}
