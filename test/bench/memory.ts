/** Memory of the agent on a board: idle, and at its peak in a job with 300 MiB of artifacts. */

import { packCpio } from '../../agent/image/cpio/cpio.js'
import { BoardClient } from '../../lava/client/board-client.js'
import { uploadTarget } from '../../lava/client/boot-job.js'
import { agentSettings } from '../../systemd/image/agent-settings.js'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { SHELL_PROMPT, shellOverlay } from '../../systemd/target/test-overlay.js'
import { measureAgentStartOnBoard } from './agent-start.js'
import { agentMiB } from './board-agent.js'
import type { Figure } from './figure.js'
import { PATIENCE } from './timing.js'
import { UNWATCHED } from './unwatched.js'

const ARTIFACTS_MIB = 300
const IDLE_MIB = 50
const ABOVE_ARTIFACTS_MIB = 80

/** The artifacts, what the kernel copies of them for the load, and the first stage itself must fit. */
const BOARD_MIB = 1024

/** @param runs of the agent's start on the board, which is measured on the way */
export async function measureOnBoard(image: BoardImage, dtb: string, runs: number): Promise<Figure[]> {
  // Between loaded and jump there must be time to look.
  const settings = { jumpNoticeMs: 10_000 }
  const overlay = packCpio(agentSettings(image.board, { token: 'bench', settings }).entries())
  const options = { board: image.board, image, memoryMiB: BOARD_MIB }
  const qemu = await QemuBoard.start({ ...options, extraInitrd: [overlay, await shellOverlay()] })
  try {
    await qemu.console.waitFor(SHELL_PROMPT, PATIENCE)
    await qemu.waitForAgent(PATIENCE)
    const start = await measureAgentStartOnBoard(qemu, runs)
    const idle = await agentMiB(qemu, 'VmRSS')

    const client = new BoardClient(new URL(qemu.url), { token: 'bench' })
    const ramdisk = await targetRamdisk({ sizeMiB: ARTIFACTS_MIB })
    const target = { kernel: image.kernel, ramdisk, dtb, cmdline: 'console=ttyS0', options: {} }
    const { body } = await uploadTarget(client, target, UNWATCHED)
    const { id } = await client.submit(body)
    let peak = Number.NaN
    for await (const event of client.events(id)) {
      if (event.type === 'state' && event.state === 'loaded') peak = await agentMiB(qemu, 'VmHWM')
    }
    return [
      start,
      {
        what: `idle memory (RSS), ${image.board.name}`,
        peer: `${IDLE_MIB} MiB, the limit we set`,
        unit: 'MiB',
        ours: [idle],
        theirs: [IDLE_MIB],
        target: 1,
        reason: 'Node alone takes most of it; see `node -e 0` on the same board',
      },
      {
        what: `peak memory (RSS) in a job with ${ARTIFACTS_MIB} MiB of artifacts, ${image.board.name}`,
        peer: `artifacts + ${ABOVE_ARTIFACTS_MIB} MiB, the limit we set`,
        unit: 'MiB',
        ours: [peak],
        theirs: [ARTIFACTS_MIB + ABOVE_ARTIFACTS_MIB],
        target: 1,
        reason: 'the artifacts are mapped, and counted as soon as their digests are taken',
      },
    ]
  } finally {
    await qemu.stop()
  }
}
