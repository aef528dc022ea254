/** `node dist/test/board/prepare.js`: build the QEMU that has a Cubieboard4, and save the states from which tests start boards. */

import { buildProgress } from '../../systemd/qemu/build-progress.js'
import { cubieboard4Qemu } from '../../systemd/qemu/cubieboard4-qemu.js'
import type { QemuBoardOptions } from '../../systemd/qemu/qemu.js'
import { labBoard, testBoard } from './lab.js'
import { startAtCountdown } from './saved-board.js'

// While QEMU is built, the images' files are downloaded.
const [images] = await Promise.all([allImages(), cubieboard4Qemu(buildProgress(process.stderr))])
await Promise.all(images.map(saveState))

/** Images share most of their parts: the second one takes these from the cache. */
async function allImages(): Promise<QemuBoardOptions[]> {
  const images: QemuBoardOptions[] = []
  for (const name of ['virt', 'orangepi-pc', 'cubieboard4']) images.push(await testBoard(await labBoard(name)))
  return images
}

async function saveState(options: QemuBoardOptions): Promise<void> {
  const started = performance.now()
  await (await startAtCountdown(options)).stop()
  console.log(`${options.board.name}: at its countdown after ${Math.round((performance.now() - started) / 1000)} s`)
}
