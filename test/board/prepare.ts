/** `node dist/test/board/prepare.js`: save the states from which tests start boards. */

import { loadBoard } from '../../systemd/boards/board.js'
import { type BoardImage, buildBoardImage } from '../../systemd/image/board-image.js'
import { testBoard } from './lab.js'
import { startAtCountdown } from './saved-board.js'

// Images share most of their parts: the second one takes these from the cache.
const images: BoardImage[] = []
for (const name of ['virt', 'orangepi-pc']) images.push(await buildBoardImage(await loadBoard(name)))
await Promise.all(images.map(saveState))

async function saveState(image: BoardImage): Promise<void> {
  const started = performance.now()
  await (await startAtCountdown(testBoard(image))).stop()
  console.log(`${image.board.name}: at its countdown after ${Math.round((performance.now() - started) / 1000)} s`)
}
