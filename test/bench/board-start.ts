/** From power-on: to the agent's countdown, to its first answer, and to a getty on the same image. */

import { renderStart } from '../../lava/cli/commands/board.js'
import { BoardClient } from '../../lava/client/board-client.js'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { buildSdImage } from '../../systemd/image/sd-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { gettyOverlay, LOGIN_PROMPT } from '../../systemd/target/test-overlay.js'
import type { Figure } from './figure.js'
import { alternate, asSeconds, cpuMsOf, PATIENCE, type Took, timedProcess } from './timing.js'

const COUNTDOWN = /Hit any key to stop autoboot: +\d/

/** Switch a board on, wait for something, switch it off: until it came, and QEMU's CPU time. */
async function powerOn(
  image: BoardImage,
  extraInitrd: readonly Uint8Array[],
  until: (qemu: QemuBoard) => Promise<unknown>,
  then: (qemu: QemuBoard) => Promise<unknown> = async () => undefined,
): Promise<Took> {
  const started = performance.now()
  const qemu = await QemuBoard.start({ board: image.board, image, extraInitrd })
  try {
    await until(qemu)
    const took = { ms: performance.now() - started, cpuMs: cpuMsOf(qemu.pid) }
    await then(qemu)
    return took
  } finally {
    await qemu.stop()
  }
}

/** @param runs of each, in turn */
export async function measureBoardStart(image: BoardImage, runs: number): Promise<Figure[]> {
  const { name } = image.board
  const answers: Took[] = []
  let timeline: string | null = null
  const toCountdown = (): Promise<Took> => {
    const started = performance.now()
    return powerOn(
      image,
      [],
      qemu => qemu.console.waitFor(COUNTDOWN, PATIENCE),
      async qemu => {
        await qemu.waitForAgent(PATIENCE)
        answers.push({ ms: performance.now() - started, cpuMs: cpuMsOf(qemu.pid) })
        timeline = await timelineOf(qemu)
      },
    )
  }
  const toGetty = () => powerOn(image, [gettyOverlay()], qemu => qemu.console.waitFor(LOGIN_PROMPT, PATIENCE))
  const { ours: countdowns, theirs } = await alternate(runs, toCountdown, toGetty)
  const figure = (what: string, ours: readonly Took[]): Figure => ({
    ...asSeconds({ ours, theirs }),
    what: `power-on to ${what}, ${name}`,
    peer: 'the same image with a getty instead of the agent',
    target: 1.3,
    reason:
      'Node has to start on an emulated core, while a getty is a few system calls; meanwhile the modules of the network driver load, and QEMU is slow at the TLB flushes that follow (README.md)',
  })
  return [
    { ...figure('the countdown', countdowns), detail: `the last run was ${timeline}` },
    figure('first answer', answers),
  ]
}

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
    const ours = [await timedProcess(qemu.pid, () => qemu.console.waitFor(COUNTDOWN, PATIENCE))]
    await qemu.waitForAgent(PATIENCE)
    return {
      ...asSeconds({ ours, theirs: ours }),
      what: `U-Boot SPL to the countdown, from the SD card, ${board.name}`,
      peer: 'itself',
      target: null,
      reason: '',
      detail: `its first-stage Linux took ${await timelineOf(qemu)}; the rest is SPL, U-Boot and the loading from the card`,
    }
  } finally {
    await qemu.stop()
  }
}
