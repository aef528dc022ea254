/**
 * Builds what the demonstration needs. A program of its own: it runs tools for minutes, and whoever started it ends them
 * all at once by ending its process group.
 */

import { asFault } from '../../agent/errors.js'
import { loadBoard } from '../../systemd/boards/board.js'
import { buildBoardImage } from '../../systemd/image/board-image.js'
import { buildSdImage } from '../../systemd/image/sd-image.js'
import { buildProgress } from '../../systemd/qemu/build-progress.js'
import { qemuProgram } from '../../systemd/qemu/qemu-program.js'
import type { Answer, Wanted } from './preparation.js'
import { demoTarget } from './target.js'

async function prepare({ board: name, ramdiskMiB, token }: Wanted): Promise<Answer> {
  try {
    const board = await loadBoard(name)
    await qemuProgram(board, buildProgress(process.stderr))
    const image = await buildBoardImage(board, { token })
    const card = board.qemu?.sdOnly ? await buildSdImage(image) : undefined
    return { image, card, target: await demoTarget(image, ramdiskMiB) }
  } catch (thrown) {
    return { error: asFault(thrown, `preparing ${name}`).toJSON() }
  }
}

process.once('message', async (wanted: Wanted) => {
  const answer = await prepare(wanted)
  process.send?.(answer, () => process.disconnect())
})
