/** A plain Debian 13 for armhf on a disk: what somebody has on a board before the agent comes. */

import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { cached, contentKey } from '../../systemd/cache.js'
import { fromMirror } from '../../systemd/image/debian-mirror.js'
import { debianTree, kernelVersion } from '../../systemd/image/debian-tree.js'
import { FileTree } from '../../systemd/image/file-tree.js'
import { firstStageTree } from '../../systemd/image/first-stage-packages.js'
import { stageModules } from '../../systemd/image/kernel-modules.js'
import { run } from '../../systemd/run.js'

const DOING = 'installing Debian onto a disk'

/** Beside apt and what is essential: each Debian package with its purpose. */
const PACKAGES = {
  dbus: 'logind',
  'dhcpcd-base': "the network, as Debian's installer sets it up",
  ifupdown: 'likewise',
  iproute2: 'likewise',
  netbase: 'likewise',
  kmod: 'modules',
  udev: 'modules',
  'libpam-systemd': 'logins',
  login: 'logins',
  'man-db': 'manual pages',
  procps: 'sysctl',
  'systemd-sysv': 'PID 1',
  'systemd-timesyncd': 'the clock',
  wget: 'fetches the package of the agent',
} as const

/** Packages on which the agent's depends: they and what they recommend wait in apt's cache, so that the board needs no mirror. */
const DEPENDENCIES = ['busybox', 'bzip2', 'ca-certificates', 'nodejs', 'xz-utils', 'zstd']

const INTERFACES = 'auto lo\\niface lo inet loopback\\n\\nallow-hotplug eth0\\niface eth0 inet dhcp\\n'

/** Shell commands of mmdebstrap's last step; `$1` is the root file system. The host's apt works for it. */
const CUSTOMIZE = [
  // Unpacked only: the scripts of the kernel's package would make an initramfs, which takes longer than all the rest.
  `cd "$1" && export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" &&
    apt-get download --quiet --quiet "$(apt-cache depends linux-image-armmp | sed -n 's/.*Depends: //p')" &&
    dpkg-deb --extract linux-image-*.deb . && rm linux-image-*.deb && depmod -b usr "$(ls usr/lib/modules)"`,
  `APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --download-only install ${DEPENDENCIES.join(' ')}`,
  'chroot "$1" passwd --delete root',
  'echo debian >"$1/etc/hostname"',
  `printf '${INTERFACES}' >"$1/etc/network/interfaces"`,
  'echo "/dev/vda / ext4 errors=remount-ro 0 1" >"$1/etc/fstab"',
]

/** Where its root is found: in this order. ext4 asks for the checksum by its name. */
const ROOT_MODULES = ['virtio_mmio', 'virtio_blk', 'crc32c_generic', 'ext4']

const INIT = `#!/bin/sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox --install -s /bin
mount -t devtmpfs dev /dev
for module in ${ROOT_MODULES.join(' ')}; do modprobe $module; done
while [ ! -b /dev/vda ]; do sleep 1; done
mount -t ext4 /dev/vda /root
mount --move /dev /root/dev
umount /proc
exec switch_root /root /sbin/init
`

/** Paths of a cached folder: do not change the files. */
interface DebianDisk {
  /** its root has no password; it gets its address over DHCP */
  readonly disk: string
  readonly kernel: string
  readonly initramfs: string
}

/**
 * Install it. Cached.
 *
 * @throws BUILD_TOOL
 */
export async function debianDisk(): Promise<DebianDisk> {
  const scripts = ['in-own-ids.sh', 'install-debian.sh'].map(name => join('test/slow', name))
  const key = contentKey([...Object.keys(PACKAGES), ...CUSTOMIZE, ...scripts.map(path => readFileSync(path))])
  const dir = await cached('debian-disk', key, async making => {
    const emulator = join(await debianTree('bookworm', [], { target: 'here', alone: ['qemu-user-static'] }), 'usr/bin')
    const chosen = ['--arch=armhf', '--variant=apt', `--include=${Object.keys(PACKAGES).join(',')}`]
    const hooks = CUSTOMIZE.map(command => `--customize-hook=${command}`)
    await fromMirror('trixie', async (options, name) => {
      const [ids, install] = scripts as [string, string]
      const own = ['sh', ids, 'sh', install, join(emulator, 'qemu-arm-static'), making] as const
      await run(DOING, [...own, ...options, ...chosen, ...hooks, name])
    })
  })
  const version = await kernelVersion(dir)
  const initramfs = await diskInitramfs(await stageModules(dir, version, ROOT_MODULES))
  return { disk: join(dir, 'disk.img'), kernel: join(dir, 'boot', `vmlinuz-${version}`), initramfs }
}

/** @param modules folder with `lib/modules` */
async function diskInitramfs(modules: string): Promise<string> {
  const files = new FileTree()
  for (const name of ['dev', 'proc', 'root']) files.directory(name)
  files.copy(await firstStageTree(), 'usr/bin/busybox', 'bin/busybox').link('bin/sh', 'busybox')
  files.copy(modules, 'lib').file('init', INIT, 0o755).characterDevice('dev/console', 5, 1)
  const archive = packCpio(files.entries())
  const dir = await cached('disk-initramfs', contentKey([archive]), making => writeFile(join(making, 'cpio'), archive))
  return join(dir, 'cpio')
}
