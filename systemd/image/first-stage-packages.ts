/** The packages of which the first stage, the tests' tools and the SD cards are made: one tree for all. */

import { debianTree } from './debian-tree.js'

/** Debian package and what it is for. */
const PACKAGES = {
  'linux-image-armmp': 'kernel, modules and device trees',
  systemd: 'PID 1, network, journal',
  udev: 'devices',
  nodejs: 'runs the agent',
  'busybox-static': 'shell and tools for people, and the ramdisk of demonstrations',
  kmod: 'loads modules',
  'ca-certificates': 'trust for https',
  'xz-utils': 'unpacks kernels and ramdisks, several times quicker than JavaScript',
  zstd: 'likewise',
  'u-boot-sunxi': 'the real boot loader on SD cards',
  'kexec-tools': 'the peer in tests and measurements',
  curl: 'likewise',
  atftp: 'likewise',
  'tftp-hpa': 'likewise',
} as const

/** Unpacked Debian 13 with all of {@link PACKAGES}. */
export function firstStageTree(): Promise<string> {
  return debianTree('trixie', Object.keys(PACKAGES))
}
