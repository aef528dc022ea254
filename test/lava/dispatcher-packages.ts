/** LAVA's dispatcher from two releases of Debian, unpacked. Nothing is installed on this machine. */

import type { Suite } from '../../systemd/image/debian-mirror.js'
import { debianTree } from '../../systemd/image/debian-tree.js'

/** Each Debian package, and what the dispatcher needs it for. */
const PACKAGES = {
  bash: 'scripts',
  coreutils: 'scripts',
  cpio: 'ramdisks',
  curl: 'the power switch of this lab',
  dash: 'scripts',
  file: 'types of downloads',
  findutils: 'scripts',
  git: 'LAVA asks for its version',
  grep: 'scripts',
  gzip: 'ramdisks',
  iproute2: 'LAVA asks for routes',
  'nfs-ganesha-vfs': 'root file systems over NFS',
  netbase: 'names of ports and protocols',
  'python3-aiohttp': 'python',
  'python3-configobj': 'python',
  'python3-jinja2': 'python',
  'python3-magic': 'python',
  'python3-pexpect': 'python',
  'python3-pyudev': 'python',
  'python3-requests': 'python',
  'python3-setproctitle': 'python',
  'python3-voluptuous': 'python',
  'python3-yaml': 'python',
  sed: 'scripts',
  tar: 'downloads',
  telnet: 'serial lines',
  'tftpd-hpa': 'files for boards',
  'u-boot-tools': 'headers of ramdisks',
  udev: 'validation of jobs',
  'util-linux': 'getopt, for fakeroot',
  'xz-utils': 'downloads',
  zstd: 'downloads',
} as const

/** What only one release needs. The names are those of Debian releases; their LAVA is older or newer. */
const ONLY_IN: Readonly<Record<DispatcherRelease, readonly string[]>> = {
  bookworm: ['python3-guestfs', 'python3-netifaces', 'python3-tz'],
  forky: ['fakeroot', 'python3-sentry-sdk'],
}

/**
 * LAVA's packages, without their dependencies: those are ten times as large and serve other boards and jobs. lava-server
 * contains the device types.
 */
const ALONE = ['lava-common', 'lava-dispatcher', 'lava-dispatcher-host', 'lava-server'] as const

/** Debian's oldest LAVA that the tests run, 2023.01, and the newest. */
export type DispatcherRelease = Extract<Suite, 'bookworm' | 'forky'>

/** @returns a cached folder with `usr`, `etc` and so on, before any package is configured; do not change it */
export function dispatcherPackages(release: DispatcherRelease): Promise<string> {
  return debianTree(release, [...Object.keys(PACKAGES), ...ONLY_IN[release]], { target: 'here', alone: ALONE })
}
