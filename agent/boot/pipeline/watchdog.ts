/**
 * A watchdog that runs on over the jump resets a board whose target is silent. Opening its device starts it; the device
 * stays open, because kexec ends no process. But kexec calls the same notifiers as a reboot. There the kernel stops the
 * watchdogs of drivers that ask for it (`watchdog_stop_on_reboot()`, as sunxi_wdt does), unless the first stage was booted
 * with `watchdog.stop_on_reboot=0`; the check `watchdog-armed` looks at that before anything is loaded. `nowayout` changes
 * nothing here: it only keeps a watchdog running whose device is closed (`Documentation/watchdog/watchdog-api.rst`).
 */

import type { ArmedWatchdog } from '../../kexec/syscall/kexec.js'
import { watchdogToArm } from '../board/read-board.js'
import type { JobContext } from './job-context.js'

/** Milliseconds between two feedings: the shortest timeout is a second. */
const FEEDING_MS = 400

/** An armed watchdog that is fed while the first stage has something left to do. */
export class FedWatchdog {
  readonly #watchdog: ArmedWatchdog
  readonly #complain: (problem: string) => void
  readonly #timer: NodeJS.Timeout

  constructor(watchdog: ArmedWatchdog, complain: (problem: string) => void) {
    this.#watchdog = watchdog
    this.#complain = complain
    this.#timer = setInterval(() => this.#feed(), FEEDING_MS)
  }

  /** Feed it for the last time. */
  leaveToTarget(): void {
    clearInterval(this.#timer)
    this.#feed()
  }

  /** The first stage goes on. */
  disarm(): void {
    clearInterval(this.#timer)
    this.#attempt('disarm')
  }

  #feed(): void {
    this.#attempt('feed')
  }

  #attempt(action: 'feed' | 'disarm'): void {
    try {
      this.#watchdog[action]()
    } catch (thrown) {
      this.#complain(`watchdog: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    }
  }
}

/** Seconds after which the board resets a silent target; 0: never. */
export const watchdogSeconds = ({ request, deps }: Pick<JobContext, 'request' | 'deps'>): number =>
  request.options.watchdog ?? deps.config.watchdog

/**
 * Arm the watchdog that the job or the board's setting asks for. It runs from here on.
 *
 * @param complain called when it cannot be fed or stopped
 * @returns null if none is asked for
 * @throws KEXEC_SYSCALL, KEXEC_ADDON
 */
export async function armWatchdog(
  context: JobContext,
  complain: (problem: string) => void,
): Promise<FedWatchdog | null> {
  const { job, deps } = context
  const seconds = watchdogSeconds(context)
  if (seconds === 0) return null
  // Without any, opening the first one says so.
  const name = watchdogToArm(await deps.host.watchdogs())?.name ?? 'watchdog0'
  const watchdog = await deps.kexec.armWatchdog(`/dev/${name}`, seconds)
  job.log('info', `${name} is armed with ${watchdog.timeout} s`)
  return new FedWatchdog(watchdog, complain)
}
