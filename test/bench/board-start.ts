/** From power-on: to the agent's first answer, and to a getty on the same image. */

import type { BoardImage } from '../../systemd/image/board-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { gettyOverlay, LOGIN_PROMPT } from '../../systemd/target/test-overlay.js'
import type { Figure } from './figure.js'
import { PATIENCE, timed } from './timing.js'

/** Switch a board on, wait for something, switch it off; milliseconds until it came. */
async function powerOn(
  image: BoardImage,
  extraInitrd: readonly Uint8Array[],
  until: (qemu: QemuBoard) => Promise<unknown>,
): Promise<number> {
  let qemu: QemuBoard | undefined
  try {
    return await timed(async () => {
      qemu = await QemuBoard.start({ board: image.board, image, extraInitrd })
      await until(qemu)
    })
  } finally {
    await qemu?.stop()
  }
}

/** @param runs of each, in turn */
export async function measureBoardStart(image: BoardImage, runs: number): Promise<Figure> {
  const ours: number[] = []
  const theirs: number[] = []
  for (let run = 0; run < runs; run++) {
    ours.push(await powerOn(image, [], qemu => qemu.waitForAgent(PATIENCE)))
    theirs.push(await powerOn(image, [gettyOverlay()], qemu => qemu.console.waitFor(LOGIN_PROMPT, PATIENCE)))
  }
  return {
    what: `power-on to first answer, ${image.board.name}`,
    peer: 'the same image with a getty instead of the agent',
    unit: 's',
    ours: ours.map(ms => ms / 1000),
    theirs: theirs.map(ms => ms / 1000),
    target: 1.3,
    reason: 'Node has to start on an emulated core, while a getty is a few system calls',
  }
}
