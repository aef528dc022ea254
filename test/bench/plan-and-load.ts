/** Plan and load of a kernel with a ramdisk of 50 MiB, on the board: the agent against `kexec -l`. */

import { packCpio } from '../../agent/image/cpio.js'
import { BoardClient, type JobBody } from '../../lava/board-client.js'
import { uploadTarget } from '../../lava/boot-job.js'
import { agentSettings } from '../../systemd/agent-settings.js'
import type { BoardImage } from '../../systemd/board-image.js'
import { QemuBoard } from '../../systemd/qemu.js'
import { targetRamdisk } from '../../systemd/target-ramdisk.js'
import { runOnBoard, SHELL_PROMPT, shellOverlay } from '../../systemd/test-overlay.js'
import type { Figure } from './figure.js'
import { PATIENCE } from './timing.js'
import { UNWATCHED } from './unwatched.js'

const RAMDISK_MIB = 50
const ARTIFACTS = '/run/fauxboot/artifacts'

/** @param runs each from power-on: a loaded kernel is booted, and with it the board is gone */
export async function measurePlanAndLoad(image: BoardImage, dtb: string, runs: number): Promise<Figure[]> {
  const ours: number[] = []
  const withDigests: number[] = []
  const theirs: number[] = []
  let version = ''
  const overlay = packCpio(agentSettings(image.board, { token: 'bench' }).entries())
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
      theirs.push(elapsed(output))
      await shell('kexec -u')

      const { total, digests } = await bootAndTime(client, body)
      withDigests.push(total)
      ours.push(total - digests)
    } finally {
      await qemu.stop()
    }
  }
  const common = { peer: `kexec -l (${version})`, unit: 'ms', theirs, target: 0.5 } as const
  const what = `plan and load, ramdisk of ${RAMDISK_MIB} MiB, ${image.board.name}`
  return [
    {
      ...common,
      what,
      ours,
      reason:
        'the planner runs once, as JavaScript that V8 has not optimised, on an emulated core; where its time goes is not yet known in detail',
    },
    {
      ...common,
      what: `${what}, with the digests checked again`,
      ours: withDigests,
      reason: 'kexec-tools checks no digest; sha256 of 56 MiB on an emulated core takes most of this',
    },
  ]
}

/** Boot a job; milliseconds from its plan to its load, and how many of them went into digests. */
async function bootAndTime(client: BoardClient, body: JobBody): Promise<{ total: number; digests: number }> {
  const { id } = await client.submit(body)
  const reached = new Map<string, number>()
  let digests = Number.NaN
  for await (const event of client.events(id)) {
    if (event.type === 'state') reached.set(event.state, Date.parse(event.time))
    if (event.type === 'log') digests = Number(/digests .* in (\d+) ms/.exec(event.message)?.[1] ?? digests)
  }
  return { total: (reached.get('loaded') ?? Number.NaN) - (reached.get('planning') ?? Number.NaN), digests }
}

/** A job as it is sent, as far as it matters here. */
interface JobReferences {
  readonly [role: string]: { readonly artifact?: string } | undefined
}

/** What busybox `time` says: `real	0m 0.31s`; milliseconds. */
function elapsed(output: string): number {
  const [, minutes, seconds] = /real\s+(\d+)m\s*([\d.]+)s/.exec(output) ?? []
  return Number(minutes) * 60_000 + Number(seconds) * 1000
}
