/** The content of the first stage: files of Debian's packages, and the few files that configure them. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Board } from '../boards/board.js'
import { UNITS_DIR } from '../paths.js'
import { FileTree } from './file-tree.js'
import { smallIcuData } from './icu-data.js'
import { sharedLibraries } from './shared-libraries.js'

/** Programs, and libraries that programs open by name. The libraries that these are linked with are added. */
const PROGRAMS = [
  'usr/bin/node',
  'usr/bin/busybox',
  'usr/bin/journalctl',
  'usr/bin/kmod',
  'usr/bin/networkctl',
  'usr/bin/systemctl',
  'usr/bin/udevadm',
  'usr/bin/xz',
  'usr/bin/zstd',
  'usr/bin/bunzip2',
  'usr/bin/lz4',
  'usr/lib/systemd/systemd',
  'usr/lib/systemd/systemd-executor',
  'usr/lib/systemd/systemd-journald',
  'usr/lib/systemd/systemd-networkd',
  'usr/lib/systemd/systemd-shutdown',
  'usr/lib/systemd/systemd-timesyncd',
  'usr/lib/systemd/systemd-udevd',
  'usr/lib/arm-linux-gnueabihf/libkmod.so.2',
]

/** The library that a smaller one replaces. */
const ICU_DATA = /\/libicudata\.so\.\d+$/

/** Files that programs read by name at run time. */
const FILES = [
  // Debian's Node loads these of its own modules from files.
  'usr/share/nodejs/acorn/dist/acorn.js',
  'usr/share/nodejs/acorn-walk/dist/walk.js',
  'usr/share/nodejs/cjs-module-lexer/lexer.js',
  'usr/share/nodejs/cjs-module-lexer/dist/lexer.js',
  'usr/share/nodejs/minimatch/dist/cjs/index.bundle.js',
  'usr/share/nodejs/undici/undici-fetch.js',
  'usr/lib/os-release',
  'usr/lib/systemd/network/99-default.link',
  'usr/lib/udev/rules.d/50-udev-default.rules',
  'usr/lib/udev/rules.d/75-net-description.rules',
  'usr/lib/udev/rules.d/80-drivers.rules',
  'usr/lib/udev/rules.d/80-net-setup-link.rules',
]

/** The units of Debian that the first stage needs. It has no others, so none has to be masked. */
const SYSTEM_UNITS = [
  'basic.target',
  'final.target',
  'local-fs-pre.target',
  'local-fs.target',
  'multi-user.target',
  'network-pre.target',
  'network.target',
  'paths.target',
  'poweroff.target',
  'reboot.target',
  'shutdown.target',
  'slices.target',
  'sockets.target',
  'swap.target',
  'sysinit.target',
  'systemd-journald-dev-log.socket',
  'systemd-journald.service',
  'systemd-journald.socket',
  'systemd-networkd.service',
  'systemd-networkd.socket',
  'systemd-poweroff.service',
  'systemd-reboot.service',
  'systemd-udevd-control.socket',
  'systemd-udevd-kernel.socket',
  'systemd-udevd.service',
  'timers.target',
  'umount.target',
]

/** Each unit to be started, and the unit that wants it. */
const WANTED: readonly (readonly [unit: string, by: string])[] = [
  ['systemd-journald.socket', 'sockets.target'],
  ['systemd-journald-dev-log.socket', 'sockets.target'],
  ['systemd-udevd-control.socket', 'sockets.target'],
  ['systemd-udevd-kernel.socket', 'sockets.target'],
  ['systemd-networkd.socket', 'sockets.target'],
  ['fauxboot-set-clock.socket', 'sockets.target'],
  ['fauxboot-card.socket', 'sockets.target'],
  ['systemd-journald.service', 'sysinit.target'],
  ['systemd-udevd.service', 'sysinit.target'],
  ['fauxboot-devices.service', 'sysinit.target'],
  ['systemd-networkd.service', 'sysinit.target'],
  ['fauxboot-agent.service', 'sysinit.target'],
  ['fauxboot-resolv.path', 'sysinit.target'],
  ['fauxboot-clock.service', 'multi-user.target'],
  ['fauxboot-trial.timer', 'multi-user.target'],
  ['fauxboot-start-time.service', 'multi-user.target'],
]

/** Accounts that installing Debian's packages would create. */
const ACCOUNTS: readonly (readonly [name: string, id: number])[] = [
  ['root', 0],
  ['systemd-journal', 998],
  ['systemd-network', 997],
  ['systemd-timesync', 996],
  ['nobody', 65534],
]

/** Groups in udev's rules. */
const DEVICE_GROUPS = [
  'tty',
  'disk',
  'dialout',
  'kmem',
  'input',
  'video',
  'render',
  'audio',
  'lp',
  'sgx',
  'kvm',
  'cdrom',
  'tape',
]

/** Names of busybox's applets that systemd and people use. */
const BUSYBOX_NAMES =
  'sh cat cp date dd df dmesg env find free grep head hexdump ifconfig ip kill less ln ls md5sum mkdir mknod mount mv ping ps pwd reset rm rmdir route sed sha256sum sleep stty tail tar top touch tr umount uname vi wc wget'

const EXTRA_FILES: Readonly<Record<string, string>> = {
  'etc/hostname': 'fauxboot\n',
  'etc/hosts': '127.0.0.1 localhost fauxboot\n::1 localhost\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  // The same at every start, so that the journal and DHCP see the same board.
  'etc/machine-id': `${'fa0b007'.padEnd(32, '0')}\n`,
  'etc/fstab': '',
  'etc/systemd/journald.conf': '[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\nForwardToConsole=no\nAudit=no\n',
  'etc/systemd/system.conf':
    '[Manager]\nShowStatus=no\nDefaultTimeoutStopSec=10s\nDefaultLimitCORE=0\nDefaultMemoryPressureWatch=no\n',
  'etc/systemd/networkd.conf': '[DHCPv4]\nDUIDType=link-layer\n',
  'etc/profile': 'export PATH=/usr/bin:/usr/lib/systemd\n',
}

/** A merged /usr, as in Debian. */
const TOP_LINKS: Readonly<Record<string, string>> = {
  bin: 'usr/bin',
  sbin: 'usr/bin',
  lib: 'usr/lib',
  'usr/sbin': 'bin',
  init: 'usr/lib/systemd/systemd',
  'usr/bin/init': '../lib/systemd/systemd',
  'usr/bin/modprobe': 'kmod',
  'usr/bin/lsmod': 'kmod',
  'usr/bin/reboot': 'systemctl',
  'usr/bin/poweroff': 'systemctl',
  'etc/os-release': '../usr/lib/os-release',
  'etc/resolv.conf': '../run/resolv.conf',
  'etc/mtab': '../proc/self/mounts',
  'var/run': '../run',
}

/**
 * The files of a board's first stage, without the agent.
 *
 * @param board its modules are added
 * @param tree unpacked Debian packages
 * @param modules folder with `lib/modules`
 */
export async function firstStageFiles(board: Board, tree: string, modules: string): Promise<FileTree> {
  const files = new FileTree()
  for (const name of ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'var/tmp', 'var/log']) files.directory(name)
  for (const [name, target] of Object.entries(TOP_LINKS)) files.link(name, target)
  const libraries = await sharedLibraries(tree, PROGRAMS)
  for (const name of [...PROGRAMS, ...libraries]) {
    if (!ICU_DATA.test(name)) files.copy(tree, name)
    else files.file(name, await readFile(await smallIcuData(tree, name, basename(name))))
  }
  for (const name of FILES) files.copy(tree, name)
  // Every program names the dynamic linker.
  files.copy(tree, 'usr/lib/ld-linux-armhf.so.3')
  for (const name of BUSYBOX_NAMES.split(' ')) files.link(`usr/bin/${name}`, 'busybox')
  for (const [name, text] of Object.entries(EXTRA_FILES)) files.file(name, text)
  addAccounts(files)
  addUnits(files, tree)
  files.copy(modules, 'lib/modules', 'usr/lib/modules')
  files.file('etc/fauxboot/board.env', boardEnvironment(board))
  files.file('usr/lib/clock-epoch', '', 0o644, buildTime(tree))
  files.file('etc/ssl/certs/ca-certificates.crt', trustedCertificates(tree))
  files.link('usr/lib/ssl/cert.pem', '/etc/ssl/certs/ca-certificates.crt')
  files.characterDevice('dev/console', 5, 1)
  return files
}

/** Variables for units. */
function boardEnvironment({ modules, sd }: Board): string {
  return `MODULES=${modules.join(' ')}\nCARD_MODULES=${(sd?.modules ?? []).join(' ')}\n`
}

function addAccounts(files: FileTree): void {
  const shell = (name: string) => (name === 'root' ? '/bin/sh' : '/usr/sbin/nologin')
  const home = (name: string) => (name === 'root' ? '/root' : '/')
  const passwd = ACCOUNTS.map(([name, id]) => `${name}:x:${id}:${id}:${name}:${home(name)}:${shell(name)}\n`)
  const groups = DEVICE_GROUPS.map((name, index) => [name, index + 5] as const)
  files.file('etc/passwd', passwd.join(''))
  files.file('etc/group', [...ACCOUNTS, ...groups].map(([name, id]) => `${name}:x:${id}:\n`).join(''))
  // No account has a password; a test's overlay starts its shell without a login.
  files.file('etc/shadow', ACCOUNTS.map(([name]) => `${name}:!::::::\n`).join(''), 0o600)
}

function addUnits(files: FileTree, tree: string): void {
  const dir = 'usr/lib/systemd/system'
  for (const name of SYSTEM_UNITS) files.copy(tree, `${dir}/${name}`)
  for (const name of readdirSync(UNITS_DIR).sort()) {
    const folder = name.endsWith('.network') ? 'usr/lib/systemd/network' : dir
    files.file(`${folder}/${name}`, readFileSync(join(UNITS_DIR, name)))
  }
  for (const [unit, by] of WANTED) files.link(`etc/systemd/system/${by}.wants/${unit}`, `/${dir}/${unit}`)
  files.link('etc/systemd/system/default.target', `/${dir}/multi-user.target`)
}

/**
 * When the packages were unpacked, seconds since 1970. systemd never lets the clock fall below the time of
 * `/usr/lib/clock-epoch`: on a board without a battery, certificates would not be valid yet in 1970.
 */
function buildTime(tree: string): number {
  return Math.floor(statSync(join(tree, 'var/lib/apt/lists')).mtimeMs / 1000)
}

function trustedCertificates(tree: string): string {
  const dir = join(tree, 'usr/share/ca-certificates/mozilla')
  const names = existsSync(dir) ? readdirSync(dir).sort() : []
  return names.map(name => readFileSync(join(dir, name), 'utf8')).join('\n')
}
