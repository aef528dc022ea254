/** Which QEMU emulates a board: Debian's, or one with a machine of our own. */

import type { Board } from '../boards/board.js'
import { type BuildProgress, cubieboard4Qemu } from './cubieboard4-qemu.js'

/**
 * The `qemu-system-arm` that has a board's machine, built when it is one of ours and not in the cache.
 *
 * @param progress hears how far a build is
 * @returns a path, or the name of Debian's program
 * @throws BUILD_INPUT, BUILD_TOOL
 */
export async function qemuProgram(board: Board, progress?: BuildProgress): Promise<string> {
  return board.qemu?.build === undefined ? 'qemu-system-arm' : cubieboard4Qemu(progress)
}
