/** Kernel modules for targets, as a kernel's build delivers them: `modules.tar.xz` with `lib/modules`. */

import { join } from 'node:path'
import { cached, contentKey } from '../cache.js'
import { firstStageTree } from '../image/first-stage-packages.js'
import { stageModules } from '../image/kernel-modules.js'
import { run } from '../run.js'
import { debianKernel } from './debian-kernel.js'

export interface TargetModules {
  /** folder with `lib/modules/<version>` */
  readonly folder: string
  /** the same as a tar archive, compressed with xz */
  readonly archive: string
}

/**
 * Modules of Debian 13's kernel, with their dependencies. Cached.
 *
 * @param names such as `axp20x_regulator`
 * @throws BUILD_TOOL; BUILD_INPUT if the kernel has no such module
 */
export async function targetModules(names: readonly string[]): Promise<TargetModules> {
  const { version } = await debianKernel('trixie')
  const folder = await stageModules(await firstStageTree(), version, names)
  const dir = await cached('target-modules', contentKey([folder]), async making => {
    const archive = join(making, 'modules.tar.xz')
    await run('packing kernel modules', ['tar', '-C', folder, '--owner=root', '--group=root', '-cJf', archive, 'lib'])
  })
  return { folder, archive: join(dir, 'modules.tar.xz') }
}
