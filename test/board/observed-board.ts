/** A board with a root shell over TCP, through which a test watches the agent and ends it. */

import type { Test } from 'tap'
import type { QemuBoardOptions } from '../../systemd/qemu/qemu.js'
import { remoteShellOverlay } from '../../systemd/target/test-overlay.js'
import type { Lab, Powered } from './lab.js'
import { RemoteShell } from './remote-shell.js'

export interface Observed extends Powered {
  readonly shell: RemoteShell
}

/**
 * A board at its countdown. Its agent waits for ten seconds between loaded and jump, so that a test has time there.
 *
 * @param options `tftpDir`: a folder served over TFTP as 10.0.2.2; `memoryMiB`: another size than the board's own
 * @param settings of the agent
 */
export async function observedAtCountdown(
  t: Test,
  lab: Lab,
  options: Pick<QemuBoardOptions, 'tftpDir' | 'memoryMiB'> = {},
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Observed> {
  const overlay = { extraInitrd: [remoteShellOverlay()] }
  const powered = await lab.atCountdown(t, { ...overlay, ...options }, { jumpNoticeMs: 10_000, ...settings })
  return { ...powered, shell: await RemoteShell.open(powered.qemu) }
}

/** What systemd says of the agent's process: `MainPID` and `NRestarts`. */
export function agentProcess(shell: RemoteShell): Promise<string> {
  return shell.run('systemctl show -p MainPID -p NRestarts fauxboot-agent')
}

/** What the kernel of the first stage said when it had no memory left; empty if it always had. */
export function outOfMemory(shell: RemoteShell): Promise<string> {
  return shell.run("dmesg | grep -iE 'out of memory|oom-kill|invoked oom'")
}
