/**
 * From a job that is accepted to the first word of the target, with the files on an HTTP server: the agent, with all its checks,
 * against the script that people write.
 */

import { readFile } from 'node:fs/promises'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { BoardClient } from '../../lava/client/board-client.js'
import { agentSettings } from '../../systemd/image/agent-settings.js'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { runOnBoard, SHELL_PROMPT, shellOverlay } from '../../systemd/target/test-overlay.js'
import type { Figure } from './figure.js'
import { startLabServer } from './lab-server.js'
import { asFigure, PATIENCE, type Took, timedProcess } from './timing.js'

const RAMDISK_MIB = 50
const HOST = '10.0.2.2'
const TOKEN = 'bench'
/** From power-on each: a board that has jumped is gone. */
const RUNS = 1
/** The kernel's own line just before the jump. */
const JUMPS = /Starting new kernel|Bye!/

export async function measureJobToJump(image: BoardImage, dtb: string): Promise<Figure> {
  const files = new Map<string, Uint8Array>([
    ['kernel', await readFile(image.kernel)],
    ['ramdisk', await readFile(await targetRamdisk({ sizeMiB: RAMDISK_MIB }))],
    ['dtb', await readFile(dtb)],
  ])
  const web = await startLabServer(name => files.get(name) ?? null)
  const url = (name: string): string => `http://${HOST}:${web.port}/${name}`
  const job = {
    ...Object.fromEntries([...files.keys()].map(role => [role, { url: url(role) }])),
    cmdline: 'console=ttyAMA0',
  }
  const script = [
    ...[...files.keys()].map(role => `wget -q -O /run/${role} ${url(role)}`),
    'kexec -l /run/kernel --initrd=/run/ramdisk --dtb=/run/dtb --command-line=console=ttyAMA0',
    'kexec -e',
  ].join(' && ')
  const ours: Took[] = []
  const theirs: Took[] = []
  try {
    for (let run = 0; run < RUNS; run++) {
      ours.push(
        await onBoard(image, async qemu => {
          const client = new BoardClient(new URL(qemu.url), { token: TOKEN })
          await client.submit({ content: JSON.stringify(job), type: 'application/json' })
        }),
      )
      theirs.push(await onBoard(image, async qemu => qemu.console.send(`${script}\n`)))
    }
  } finally {
    web.stop()
  }
  return {
    ...asFigure({ ours, theirs }),
    what: `job to jump, files over HTTP, ramdisk of ${RAMDISK_MIB} MiB, ${image.board.name}`,
    peer: 'busybox wget three times, kexec -l, kexec -e',
    target: 1,
    reason:
      'most of it is the download: the digest takes 15 ms of CPU for each MiB, and Node to read it 30, where wget takes 20 in all; then come plan and checks',
  }
}

/** From what starts it to the jump; the CPU time is QEMU's. */
async function onBoard(image: BoardImage, start: (qemu: QemuBoard) => Promise<void>): Promise<Took> {
  const overlay = packCpio(agentSettings(image.board, { token: TOKEN }).entries())
  const qemu = await QemuBoard.start({ board: image.board, image, extraInitrd: [overlay, await shellOverlay()] })
  try {
    await qemu.console.waitFor(SHELL_PROMPT, PATIENCE)
    await qemu.waitForAgent(PATIENCE)
    // The kernel keeps that line to itself otherwise.
    await runOnBoard(qemu.console, 'dmesg -n 8', PATIENCE)
    return await timedProcess(qemu.pid, async () => {
      await start(qemu)
      await qemu.console.waitFor(JUMPS, PATIENCE)
    })
  } finally {
    await qemu.stop()
  }
}
