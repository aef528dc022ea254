/** What the demonstration boots: Debian's kernel as Debian ships it, a small ramdisk, and the board's device tree. */

import { join } from 'node:path'
import { fault } from '../../agent/errors.js'
import type { Board } from '../../systemd/boards/board.js'
import { cached, contentKey } from '../../systemd/cache.js'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { run } from '../../systemd/run.js'
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
  const loads = dtb === null ? [] : board.modules
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

/**
 * The device tree that QEMU makes for a machine of its own invention, as it would hand it to a kernel.
 *
 * @throws BUILD_TOOL; BOARD_DATA for a board that is not emulated
 */
export async function emulatorDtb({ name, qemu }: Board): Promise<string> {
  if (qemu === undefined) throw fault('BOARD_DATA', { file: `${name}.json`, where: '/qemu', reason: 'is missing' })
  const { machine, cpu, cpus, memoryMiB } = qemu
  const args = [
    ...(cpu === undefined ? [] : ['-cpu', cpu]),
    ...['-smp', String(cpus), '-m', String(memoryMiB), '-nodefaults', '-display', 'none'],
  ]
  const version = await run('asking QEMU for its version', ['qemu-system-arm', '--version'])
  const dir = await cached('dtb', contentKey([machine, ...args, version]), async making => {
    const dump = ['-M', `${machine},dumpdtb=${join(making, 'board.dtb').replaceAll(',', ',,')}`]
    await run(`making the device tree of ${name}`, ['qemu-system-arm', ...dump, ...args])
  })
  return join(dir, 'board.dtb')
}
