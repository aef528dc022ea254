/** Reports the agent's state to systemd: `sd_notify(3)`, sent by the native addon. */

import { notify } from '../native/index.js'
import type { BootLog } from './boot/pipeline/boot-deps.js'

export interface SystemdNotifier {
  /** The agent answers. Begins to feed the watchdog, if the unit has one. */
  ready(): void
  /** The agent is about to end. */
  stopping(): void
}

/**
 * Read from the environment what systemd expects; if it expects nothing, nothing is sent.
 *
 * @param env NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID
 */
export function createSystemdNotifier(env: NodeJS.ProcessEnv, log: Pick<BootLog, 'warn'>): SystemdNotifier {
  const { NOTIFY_SOCKET: socket } = env
  if (socket === undefined) return { ready: () => undefined, stopping: () => undefined }
  const send = (assignment: string): void => {
    try {
      notify(socket, assignment)
    } catch (err) {
      log.warn({ err }, `could not send ${assignment} to systemd`)
    }
  }
  let watchdog: NodeJS.Timeout | undefined
  return {
    ready() {
      send('READY=1')
      const period = watchdogPeriod(env)
      // sd_watchdog_enabled(3) advises half of the time after which systemd would end the agent.
      if (period !== null) watchdog = setInterval(() => send('WATCHDOG=1'), period / 2).unref()
    },
    stopping() {
      clearInterval(watchdog)
      send('STOPPING=1')
    },
  }
}

/** Milliseconds after which systemd considers the agent dead; null if systemd does not watch this process. */
function watchdogPeriod({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | null {
  const microseconds = Number(WATCHDOG_USEC)
  const forUs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid
  return forUs && microseconds > 0 ? microseconds / 1000 : null
}
