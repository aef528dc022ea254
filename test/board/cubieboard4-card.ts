/** A Cubieboard4 that starts from its card, with the first instruction of Debian's SPL. */

import type { Test } from 'tap'
import { loadBoard } from '../../systemd/boards/board.js'
import { buildBoardImage } from '../../systemd/image/board-image.js'
import { buildSdImage } from '../../systemd/image/sd-image.js'
import { QemuBoard, type QemuBoardOptions } from '../../systemd/qemu/qemu.js'
import { FEW_CPUS, TOKEN } from './lab.js'

/**
 * The SD card of the emulated Cubieboard4, for power-on from its SPL.
 *
 * @param words more of them for the first stage's kernel
 * @returns the card's image, in the cache: do not change it
 */
export async function cubieboard4Card(words: readonly string[] = []): Promise<string> {
  const image = await buildBoardImage(await loadBoard('cubieboard4'), { token: TOKEN })
  const cmdline = [image.cmdline, `maxcpus=${FEW_CPUS}`, ...words].join(' ')
  return buildSdImage({ ...image, cmdline })
}

/** It is switched off with the test. */
export async function powerOnCubieboard4(t: Test, options: Omit<QemuBoardOptions, 'board'>): Promise<QemuBoard> {
  const qemu = await QemuBoard.start({ board: await loadBoard('cubieboard4'), ...options })
  t.teardown(() => qemu.stop())
  return qemu
}
