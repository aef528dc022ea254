/** `node dist/test/board/prepare.js`: save the states from which tests start boards. */

import { loadBoard } from '../../systemd/boards/board.js'
import type { QemuBoardOptions } from '../../systemd/qemu/qemu.js'
import { testBoard } from './lab.js'
import { startAtCountdown } from './saved-board.js'

// Images share most of their parts: the second one takes these from the cache.
const boards: QemuBoardOptions[] = []
for (const name of ['virt', 'orangepi-pc', 'cubieboard4']) boards.push(await testBoard(await loadBoard(name)))
await Promise.all(boards.map(saveState))

async function saveState(options: QemuBoardOptions): Promise<void> {
  const started = performance.now()
  await (await startAtCountdown(options)).stop()
  console.log(`${options.board.name}: at its countdown after ${Math.round((performance.now() - started) / 1000)} s`)
}
