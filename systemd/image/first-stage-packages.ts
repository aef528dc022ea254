/** The Debian packages for the first stage, the SD cards and the tests' tools: one tree for all. */

import { debianTree } from './debian-tree.js'

/** Each Debian package with its purpose. */
const PACKAGES = {
  'linux-image-armmp': 'kernel, modules and device trees',
  systemd: 'PID 1, network, journal',
  'systemd-timesyncd': 'the clock of boards without a battery, from the NTP servers of the DHCP lease',
  udev: 'devices',
  nodejs: 'runs the agent',
  'busybox-static': 'shell and tools for people, and the ramdisk of demonstrations',
  kmod: 'loads modules',
  'ca-certificates': 'trust for https',
  'xz-utils': 'decompresses .xz and .lzma, several times faster than JavaScript',
  zstd: 'likewise, for zstd',
  bzip2: 'likewise, for bzip2',
  lz4: 'likewise, for lz4',
  'u-boot-sunxi': 'the real boot loader on SD cards',
  'kexec-tools': 'a peer in tests and measurements',
  curl: 'likewise',
  atftp: 'likewise',
  'tftp-hpa': 'likewise',
} as const

/** Unpacked Debian 13 with all of {@link PACKAGES}. */
export function firstStageTree(): Promise<string> {
  return debianTree('trixie', Object.keys(PACKAGES))
}
