/** LAVA's dispatcher as Debian 12 has it, unpacked: none of it is installed on this machine. */

import { debianTree } from '../../systemd/image/debian-tree.js'

/** Debian package and what the dispatcher needs it for. */
const PACKAGES = {
  bash: 'scripts',
  coreutils: 'scripts',
  cpio: 'ramdisks',
  curl: 'the power switch of this lab',
  file: 'what a download is',
  findutils: 'scripts',
  git: 'asked for its version',
  grep: 'scripts',
  gzip: 'ramdisks',
  iproute2: 'asked for routes',
  'nfs-ganesha-vfs': 'root file systems over NFS',
  netbase: 'names of ports and protocols',
  'python3-aiohttp': 'python',
  'python3-configobj': 'python',
  'python3-guestfs': 'python',
  'python3-jinja2': 'python',
  'python3-magic': 'python',
  'python3-netifaces': 'python',
  'python3-pexpect': 'python',
  'python3-pyudev': 'python',
  'python3-requests': 'python',
  'python3-setproctitle': 'python',
  'python3-tz': 'python',
  'python3-voluptuous': 'python',
  'python3-yaml': 'python',
  telnet: 'serial lines',
  'tftpd-hpa': 'what boards fetch',
  'u-boot-tools': 'headers of ramdisks',
  udev: 'validation of jobs',
  'xz-utils': 'downloads',
  zstd: 'downloads',
} as const

/**
 * What LAVA's own packages depend on is for other boards and other jobs, and ten times as large. lava-server has the
 * device types.
 */
const ALONE = ['lava-common', 'lava-dispatcher', 'lava-dispatcher-host', 'lava-server'] as const

/** @returns folder with `usr`, `etc` and so on, as they are before any package is set up; cached, not to be changed */
export function dispatcherPackages(): Promise<string> {
  return debianTree('bookworm', Object.keys(PACKAGES), { target: 'here', alone: ALONE })
}
