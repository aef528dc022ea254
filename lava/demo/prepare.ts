/**
 * Builds what the demonstration needs. A program of its own: it runs tools for minutes, and whoever started it ends them
 * all at once by ending its process group.
 */

import { asFault } from '../../agent/errors.js'
import { loadBoard } from '../../systemd/boards/board.js'
import { buildBoardImage } from '../../systemd/image/board-image.js'
import type { Answer, Wanted } from './preparation.js'
import { demoTarget } from './target.js'

async function prepare({ board, ramdiskMiB, token }: Wanted): Promise<Answer> {
  try {
    const image = await buildBoardImage(await loadBoard(board), { token })
    return { image, target: await demoTarget(image, ramdiskMiB) }
  } catch (thrown) {
    return { error: asFault(thrown, `preparing ${board}`).toJSON() }
  }
}

process.once('message', async (wanted: Wanted) => {
  const answer = await prepare(wanted)
  process.send?.(answer, () => process.disconnect())
})
