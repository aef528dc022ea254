/** Plan and load of a kernel with a ramdisk of 50 MiB, on the board: the agent against `kexec -l`. */

import { packCpio } from '../../agent/image/cpio/cpio.js'
import { BoardClient, type JobBody } from '../../lava/client/board-client.js'
import { uploadTarget } from '../../lava/client/boot-job.js'
import { agentSettings } from '../../systemd/image/agent-settings.js'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { runOnBoard, SHELL_PROMPT, shellOverlay } from '../../systemd/target/test-overlay.js'
import { agentCpuMs } from './board-agent.js'
import { type Figure, median } from './figure.js'
import { asFigure, PATIENCE, type Took, tookOnBoard } from './timing.js'
import { UNWATCHED } from './unwatched.js'

const RAMDISK_MIB = 50
const ARTIFACTS = '/run/fauxboot/artifacts'

/** @param runs each from power-on: a loaded kernel is booted, and with it the board is gone */
export async function measurePlanAndLoad(image: BoardImage, dtb: string, runs: number): Promise<Figure[]> {
  const ours: Took[] = []
  const calls: number[] = []
  const theirs: Took[] = []
  let version = ''
  // Between loaded and jump there must be time to look.
  const settings = { jumpNoticeMs: 10_000 }
  const overlay = packCpio(agentSettings(image.board, { token: 'bench', settings }).entries())
  for (let run = 0; run < runs; run++) {
    const qemu = await QemuBoard.start({ board: image.board, image, extraInitrd: [overlay, await shellOverlay()] })
    try {
      await qemu.console.waitFor(SHELL_PROMPT, PATIENCE)
      await qemu.waitForAgent(PATIENCE)
      const client = new BoardClient(new URL(qemu.url), { token: 'bench' })
      const ramdisk = await targetRamdisk({ sizeMiB: RAMDISK_MIB })
      const target = { kernel: image.kernel, ramdisk, dtb, cmdline: 'console=ttyS0', options: {} }
      const { body } = await uploadTarget(client, target, UNWATCHED)
      const job: JobReferences = JSON.parse(String(body.content))

      const shell = (command: string) => runOnBoard(qemu.console, command, PATIENCE)
      version = (await shell('kexec --version')).output.trim()
      const [kernel, initrd, tree] = ['kernel', 'ramdisk', 'dtb'].map(role => `${ARTIFACTS}/${job[role]?.artifact}`)
      const load = `kexec -l ${kernel} --initrd=${initrd} --dtb=${tree} --command-line=console=ttyS0`
      const { output } = await shell(`time ${load}`)
      theirs.push(tookOnBoard(output))
      await shell('kexec -u')

      const { took, call } = await bootAndTime(client, body, () => agentCpuMs(qemu))
      calls.push(call)
      ours.push(took)
    } finally {
      await qemu.stop()
    }
  }
  return [
    {
      ...asFigure({ ours, theirs }),
      what: `plan and load, ramdisk of ${RAMDISK_MIB} MiB, ${image.board.name}`,
      peer: `kexec -l (${version})`,
      target: 1.2,
      reason: `kexec_load(2), where the kernel copies the segments, takes ${median(calls)} ms of it: both make the same call. The rest is the plan, JavaScript that runs once on an emulated core`,
    },
  ]
}

interface LoadTimes {
  /** from the plan to the load; the CPU time is that of the whole job */
  readonly took: Took
  /** the system call, milliseconds */
  readonly call: number
}

/** Boot a job. @param cpuMs of the agent so far */
async function bootAndTime(client: BoardClient, body: JobBody, cpuMs: () => Promise<number>): Promise<LoadTimes> {
  const before = await cpuMs()
  const { id } = await client.submit(body)
  const reached = new Map<string, number>()
  let [call, cpu] = [Number.NaN, Number.NaN]
  for await (const event of client.events(id)) {
    if (event.type === 'state') reached.set(event.state, Date.parse(event.time))
    if (event.type === 'state' && event.state === 'loaded') cpu = (await cpuMs()) - before
    if (event.type !== 'log') continue
    call = Number(/kexec_load took (\d+) ms/.exec(event.message)?.[1] ?? call)
  }
  const ms = (reached.get('loaded') ?? Number.NaN) - (reached.get('planning') ?? Number.NaN)
  return { took: { ms, cpuMs: cpu }, call }
}

/** A job as it is sent, as far as it matters here. */
interface JobReferences {
  readonly [role: string]: { readonly artifact?: string } | undefined
}
