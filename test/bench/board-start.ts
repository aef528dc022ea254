/** From power-on: to the agent's countdown, to its first answer, and to a getty on the same image. */

import { renderStart } from '../../lava/cli/commands/board.js'
import { BoardClient } from '../../lava/client/board-client.js'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { gettyOverlay, LOGIN_PROMPT } from '../../systemd/target/test-overlay.js'
import type { Figure } from './figure.js'
import { PATIENCE, timed } from './timing.js'

const COUNTDOWN = /Hit any key to stop autoboot: +\d/

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
export async function measureBoardStart(image: BoardImage, runs: number): Promise<Figure[]> {
  const { name } = image.board
  const countdown: number[] = []
  const answer: number[] = []
  const theirs: number[] = []
  for (let run = 0; run < runs; run++) {
    const started = performance.now()
    answer.push(
      await powerOn(image, [], async qemu => {
        await qemu.console.waitFor(COUNTDOWN, PATIENCE)
        countdown.push(performance.now() - started)
        await qemu.waitForAgent(PATIENCE)
        console.log(`${name}: ${renderStart(await new BoardClient(new URL(qemu.url), {}).board())}`)
      }),
    )
    theirs.push(await powerOn(image, [gettyOverlay()], qemu => qemu.console.waitFor(LOGIN_PROMPT, PATIENCE)))
  }
  const seconds = (milliseconds: readonly number[]): number[] => milliseconds.map(ms => ms / 1000)
  const peer = 'the same image with a getty instead of the agent'
  const figure = (what: string, ours: readonly number[]): Figure => ({
    what: `power-on to ${what}, ${name}`,
    peer,
    unit: 's',
    ours: seconds(ours),
    theirs: seconds(theirs),
    target: 1.3,
    reason: 'Node has to start on an emulated core, while a getty is a few system calls',
  })
  return [figure('the countdown', countdown), figure('first answer', answer)]
}
