/**
 * Telling systemd how the agent is: `sd_notify(3)`. Node cannot send datagrams over a Unix socket, so the command
 * `systemd-notify` does it; the unit needs `NotifyAccess=all`.
 */

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
 * @param run runs the command; tests pass another
 */
export function createSystemdNotifier(
  env: NodeJS.ProcessEnv,
  log: Pick<BootLog, 'warn'>,
  run = runSystemdNotify,
): SystemdNotifier {
  if (env.NOTIFY_SOCKET === undefined) return { ready: () => undefined, stopping: () => undefined }
  const send = (assignment: string): void => {
    run(assignment).catch((thrown: Error) => log.warn({ err: thrown }, `could not send ${assignment} to systemd`))
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

async function runSystemdNotify(assignment: string): Promise<void> {
  // Loaded late: the agent answers before it needs child processes.
  const [{ execFile }, { promisify }] = await Promise.all([import('node:child_process'), import('node:util')])
  await promisify(execFile)('systemd-notify', [assignment], { timeout: 10_000 })
}
