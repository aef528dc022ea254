/** Files of a job with its root file system on NFS. Debian's kernel has NFS as modules. */

import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { stageModules } from '../../systemd/image/kernel-modules.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import type { LavaLab } from './lava-lab.js'

const run = promisify(execFile)

/** Modules for the board's network and for the file system. */
const MODULES = ['virtio_mmio', 'virtio_net', 'nfsv4']

/** Serve `nfs-vmlinuz`, `nfs-modules.tar.xz` and `nfsrootfs.tar.xz`. */
export async function serveNfsFiles({ lab, work }: LavaLab): Promise<void> {
  // The unpacked tree of Debian 13 has no modules of file systems.
  const { kernel, version } = await debianKernel('bookworm')
  lab.server.serve('nfs-vmlinuz', kernel)
  const tree = await moduleTree(join(kernel, '../..'), version, join(work, 'tree'))
  const staged = await stageModules(tree, version, MODULES)
  const pack = async (name: string, folder: string, what: string): Promise<void> => {
    const file = join(work, name)
    await run('tar', ['-C', folder, '--owner=root', '--group=root', '-cJf', file, what])
    lab.server.serve(name, file)
  }
  await pack('nfs-modules.tar.xz', staged, 'lib')
  const root = join(work, 'root')
  await mkdir(root)
  const archive = join(work, 'root.cpio')
  await writeFile(archive, await readFile(await targetRamdisk({ compression: 'none' })))
  await run('cpio', ['--extract', '--make-directories', '--quiet', '--file', archive], { cwd: root })
  await pack('nfsrootfs.tar.xz', root, '.')
}

/** A tree for {@link stageModules}, with the tables that installing Debian's package would write. */
async function moduleTree(packages: string, version: string, tree: string): Promise<string> {
  const from = join(packages, 'lib/modules', version)
  const to = join(tree, 'usr/lib/modules', version)
  await mkdir(to, { recursive: true })
  for (const name of ['kernel', 'modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
    await symlink(join(from, name), join(to, name))
  }
  await run('/usr/sbin/depmod', ['-b', join(tree, 'usr'), version])
  return tree
}
