/** From power-on: to the agent's countdown, to its first answer, and to a getty on the same image. */

import { renderStart } from '../../lava/cli/commands/board.js'
import { BoardClient } from '../../lava/client/board-client.js'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { buildSdImage } from '../../systemd/image/sd-image.js'
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
  let timeline: string | null = null
  for (let run = 0; run < runs; run++) {
    const started = performance.now()
    answer.push(
      await powerOn(image, [], async qemu => {
        await qemu.console.waitFor(COUNTDOWN, PATIENCE)
        countdown.push(performance.now() - started)
        await qemu.waitForAgent(PATIENCE)
        timeline = await timelineOf(qemu)
      }),
    )
    theirs.push(await powerOn(image, [gettyOverlay()], qemu => qemu.console.waitFor(LOGIN_PROMPT, PATIENCE)))
  }
  const peer = 'the same image with a getty instead of the agent'
  const figure = (what: string, ours: readonly number[]): Figure => ({
    what: `power-on to ${what}, ${name}`,
    peer,
    unit: 's',
    ours: ours.map(seconds),
    theirs: theirs.map(seconds),
    target: 1.3,
    reason:
      'Node has to start on an emulated core, while a getty is a few system calls; meanwhile the modules of the network driver load, and QEMU is slow at the TLB flushes that follow (README.md)',
  })
  return [
    { ...figure('the countdown', countdown), detail: `the last run was ${timeline}` },
    figure('first answer', answer),
  ]
}

const seconds = (milliseconds: number): number => milliseconds / 1000

/** Where the start of a board went, by its own clock. */
const timelineOf = async (qemu: QemuBoard): Promise<string | null> =>
  renderStart(await new BoardClient(new URL(qemu.url), {}).board())

/** A start from the card, through the real SPL and U-Boot, once: it takes minutes. An emulated A80 starts two of its CPUs. */
export async function measureCardStart(image: BoardImage): Promise<Figure> {
  const { board } = image
  const sd = await buildSdImage({ ...image, cmdline: `${image.cmdline} maxcpus=2` })
  const qemu = await QemuBoard.start({ board, sd })
  try {
    await qemu.console.waitFor('U-Boot SPL', PATIENCE)
    const ours = [seconds(await timed(() => qemu.console.waitFor(COUNTDOWN, PATIENCE)))]
    await qemu.waitForAgent(PATIENCE)
    return {
      what: `U-Boot SPL to the countdown, from the SD card, ${board.name}`,
      peer: 'itself',
      unit: 's',
      ours,
      theirs: ours,
      target: null,
      reason: '',
      detail: `its first-stage Linux took ${await timelineOf(qemu)}; the rest is SPL, U-Boot and the loading from the card`,
    }
  } finally {
    await qemu.stop()
  }
}
