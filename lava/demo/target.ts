/** What the demonstration boots: Debian's kernel as Debian ships it, a small ramdisk, and the board's device tree. */

import type { BoardImage } from '../../systemd/image/board-image.js'
import { emulatorDtb } from '../../systemd/image/emulator-dtb.js'
import { targetModules } from '../../systemd/target/target-modules.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import type { Target } from '../client/boot-job.js'

/**
 * Files and command line for a board.
 *
 * @param image the board's own; its kernel is the target's too
 * @param ramdiskMiB size that the ramdisk is filled up to; as small as it is without it
 * @throws BUILD_TOOL, BUILD_INPUT
 */
export async function demoTarget(image: BoardImage, ramdiskMiB?: number): Promise<Target> {
  const { board, kernel, dtb } = image
  const { tty, baud } = board.console
  // The machine that QEMU invents needs none.
  const loads = board.dtb === undefined ? [] : board.modules
  return {
    name: `demo on ${board.name}`,
    kernel,
    ramdisk: await targetRamdisk({ sizeMiB: ramdiskMiB, loads }),
    dtb: dtb ?? (await emulatorDtb(board)),
    ...(loads.length > 0 && { modules: (await targetModules(loads)).archive }),
    cmdline: `console=${tty},${baud}`,
    options: {},
  }
}
