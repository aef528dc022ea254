/** What the agent on a board takes: asked on the board's own shell. */

import type { QemuBoard } from '../../systemd/qemu/qemu.js'
import { runOnBoard } from '../../systemd/target/test-overlay.js'
import { cpuMsIn, PATIENCE } from './timing.js'

/** For a shell on the board. */
export const AGENT_PID = '$(systemctl show -P MainPID fauxboot-agent)'

/** A file of the agent's process in `/proc`. */
async function procFile({ console }: QemuBoard, name: string): Promise<string> {
  return (await runOnBoard(console, `cat /proc/${AGENT_PID}/${name}`, PATIENCE)).output
}

/** CPU time of the agent since its start, milliseconds. */
export const agentCpuMs = async (qemu: QemuBoard): Promise<number> => cpuMsIn(await procFile(qemu, 'stat'))

/** @param field of `/proc/PID/status`, in kB: `VmRSS` */
export async function agentMiB(qemu: QemuBoard, field: string): Promise<number> {
  const [, kilobytes] = new RegExp(`${field}:\\s+(\\d+) kB`).exec(await procFile(qemu, 'status')) ?? []
  return Number(kilobytes) / 1024
}
