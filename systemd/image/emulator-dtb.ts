/** The device trees of machines that QEMU invents. */

import { join } from 'node:path'
import { fault } from '../../agent/errors.js'
import type { Board } from '../boards/board.js'
import { cached, contentKey } from '../cache.js'
import { run } from '../run.js'

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
