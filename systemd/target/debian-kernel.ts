/** Debian's unmodified kernels for armhf, which tests and the demonstration boot. */

import { join } from 'node:path'
import type { Suite } from '../image/debian-mirror.js'
import { debianTree, kernelVersion } from '../image/debian-tree.js'
import { firstStageTree } from '../image/first-stage-packages.js'

export interface DebianKernel {
  /** as `uname -r` prints it */
  readonly version: string
  /** path of vmlinuz, a zImage */
  readonly kernel: string
  /** folder of the device trees: `sun8i-h3-orangepi-pc.dtb` and so on */
  readonly dtbs: string
}

/**
 * A release's `armmp` kernel: `trixie` is Debian 13, `bookworm` is Debian 12. Cached.
 *
 * @throws BUILD_TOOL if the mirror fails
 */
export async function debianKernel(suite: Suite): Promise<DebianKernel> {
  const tree = suite === 'trixie' ? await firstStageTree() : await debianTree(suite, ['linux-image-armmp'])
  const version = await kernelVersion(tree)
  return {
    version,
    kernel: join(tree, 'boot', `vmlinuz-${version}`),
    dtbs: join(tree, 'usr/lib', `linux-image-${version}`),
  }
}
