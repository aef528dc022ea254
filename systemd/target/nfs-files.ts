/** Files of a job with its root file system on NFS. Debian's kernel has NFS as modules. */

import { cp, mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Board } from '../boards/board.js'
import { cached, contentKey } from '../cache.js'
import { stageModules } from '../image/kernel-modules.js'
import { run } from '../run.js'
import { debianKernel } from './debian-kernel.js'
import { targetRamdisk } from './target-ramdisk.js'

/**
 * Make `nfs-vmlinuz`, `nfs-modules.tar.xz` and `nfsrootfs.tar.xz`. Cached.
 *
 * @returns their paths, by name
 * @throws BUILD_TOOL, BUILD_INPUT
 */
export async function nfsFiles({ modules }: Board): Promise<Readonly<Record<string, string>>> {
  // The unpacked tree of Debian 13 has no modules of file systems.
  const { kernel, version } = await debianKernel('bookworm')
  const tree = await moduleTree(join(kernel, '../..'), version)
  const staged = await stageModules(tree, version, [...modules, 'nfsv4'])
  const ramdisk = await targetRamdisk({ compression: 'none' })
  const dir = await cached('nfs-files', contentKey([staged, ramdisk]), async making => {
    const pack = (name: string, folder: string, what: string): Promise<Buffer> => {
      const archive = join(making, name)
      return run(`packing ${name}`, ['tar', '-C', folder, '--owner=root', '--group=root', '-cJf', archive, what])
    }
    await pack('nfs-modules.tar.xz', staged, 'lib')
    const root = join(making, 'root')
    await mkdir(root)
    const unpack = ['cpio', '--extract', '--make-directories', '--quiet', '--file', ramdisk] as const
    await run('unpacking a root file system', unpack, { cwd: root })
    await pack('nfsrootfs.tar.xz', root, '.')
    await rm(root, { recursive: true })
    await cp(kernel, join(making, 'nfs-vmlinuz'))
  })
  const names = ['nfs-vmlinuz', 'nfs-modules.tar.xz', 'nfsrootfs.tar.xz']
  return Object.fromEntries(names.map(name => [name, join(dir, name)]))
}

/** A tree for {@link stageModules}, with the tables that installing Debian's package would write. */
function moduleTree(packages: string, version: string): Promise<string> {
  const from = join(packages, 'lib/modules', version)
  return cached('module-tree', contentKey([from]), async dir => {
    const to = join(dir, 'usr/lib/modules', version)
    await mkdir(to, { recursive: true })
    for (const name of ['kernel', 'modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
      await symlink(join(from, name), join(to, name))
    }
    await run('listing what kernel modules depend on', ['depmod', '-b', join(dir, 'usr'), version])
  })
}
