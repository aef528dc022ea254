/**
 * A ramdisk for demonstrations and tests. It loads modules, prints the kernel's version, the CPUs, the memory, the network
 * links and the job's id, checks its own payload, and asks for a login. With `nfsroot=` on the command line, it continues from that root file system instead.
 */

import { createCipheriv, createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { cached, contentKey } from '../cache.js'
import { FileTree } from '../image/file-tree.js'
import { firstStageTree } from '../image/first-stage-packages.js'
import { joinArchives } from '../image/initramfs.js'
import { run } from '../run.js'
import { targetModules } from './target-modules.js'

/** The start of each line that the ramdisk prints. */
const TARGET_PREFIX = 'fauxboot-target:'

/** Its login prompt; root needs no password. */
export const TARGET_LOGIN = 'fauxboot-target login:'

/** The command for each compression. */
const COMPRESSORS = {
  gzip: ['gzip', '-9nc'],
  xz: ['xz', '-6c', '--check=crc32'],
  zstd: ['zstd', '-19qc'],
  none: ['cat'],
} as const satisfies Record<string, readonly [string, ...string[]]>

export interface TargetRamdiskOptions {
  /** gzip by default */
  readonly compression?: keyof typeof COMPRESSORS
  /**
   * Fill the ramdisk up to this size with incompressible data, MiB. The target prints whether the data's digest matches.
   * Unpacked, it takes the same memory again; Linux gives an initramfs at most half of the memory.
   */
  readonly sizeMiB?: number
  /** kernel modules that the target loads before anything else, in this order; the job sends their files */
  readonly loads?: readonly string[]
  /** include the files of these modules, from Debian 13's kernel */
  readonly withModules?: boolean
  /** a folder with `lib/modules` of another kernel, to be included */
  readonly modules?: string
}

const MIB = 2 ** 20

/** Runs as PID 1 on any board, on the kernel's console. */
const INIT = `#!/bin/sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox --install -s /bin
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
nfs=$(sed -n 's/.*nfsroot=\\([^ ,]*\\).*/\\1/p' /proc/cmdline)
if [ -n "$nfs" ] && [ -z "$ON_NFS" ]; then
  for file in $(find /lib/modules -name '*.ko'); do
    name=\${file##*/}
    modprobe "\${name%.ko}"
  done
  udhcpc -q -n -s /etc/udhcpc
  mount -t nfs4 -o "vers=4.2,addr=\${nfs%%:*}" "$nfs" /root
  export ON_NFS=1
  exec switch_root /root /init
fi
if [ -e /etc/modules ]; then
  while read -r module; do modprobe "$module"; done </etc/modules
  # A UART that waits for a regulator appears a moment after the regulator's driver.
  for try in $(seq 100); do
    [ -z "$(cat /sys/class/tty/console/active)" ] || break
    sleep 0.1
  done
fi
exec </dev/console >/dev/console 2>&1
say() { echo "${TARGET_PREFIX} $*"; }
hostname fauxboot-target
echo
say "kernel $(uname -r)"
say "cmdline $(cat /proc/cmdline)"
say "model $(tr -d '\\0' </proc/device-tree/model)"
say "cpus $(grep -c ^processor /proc/cpuinfo)"
say "memory $(sed -n 's/^MemTotal: *//p' /proc/meminfo)"
job=/proc/device-tree/chosen/fauxboot,job
[ ! -e $job ] || say "job $(tr -d '\\0' <$job)"
for link in /sys/class/net/e*; do
  [ -e "$link" ] || continue
  link=\${link##*/}
  udhcpc -q -n -t 10 -i "$link" -s /etc/udhcpc
  say "link $link $(cat "/sys/class/net/$link/address") $(ip -4 -o address show "$link" | sed 's/.*inet \\([^ ]*\\).*/\\1/')"
done
if [ -e /payload ]; then
  size=$(stat -c %s /payload)
  if [ "$(sha256sum </payload)" = "$(cat /payload.sha256)" ]; then say "payload whole, $size bytes"
  else say "payload CORRUPT, $size bytes"; fi
fi
read -r all </sys/class/tty/console/active
tty=\${all##* }
say "ready on $tty"
while :; do setsid getty -L 0 "$tty" vt100; done
`

/** The script that busybox's DHCP client runs when it has an address. */
const UDHCPC = `#!/bin/sh
ip link set "$interface" up
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev "$interface"
ip route add default via "$router"
`

/**
 * Make the ramdisk. Cached.
 *
 * @returns path of the file
 * @throws BUILD_TOOL, BUILD_INPUT
 */
export async function targetRamdisk(options: TargetRamdiskOptions = {}): Promise<string> {
  const { compression = 'gzip', sizeMiB = 0, loads = [], withModules = false, modules } = options
  const files = await targetFiles()
  if (loads.length > 0) files.file('etc/modules', loads.map(name => `${name}\n`).join(''))
  if (withModules && loads.length > 0) files.copy((await targetModules(loads)).folder, 'lib')
  if (modules !== undefined) files.copy(modules, 'lib')
  const key = contentKey([packCpio(files.entries()), compression, String(sizeMiB)])
  const dir = await cached('target', key, async making => {
    const small = await compress(files, compression)
    const ramdisk = joinArchives([small, ...filling(sizeMiB * MIB - small.byteLength)])
    await writeFile(join(making, 'ramdisk'), ramdisk)
  })
  return join(dir, 'ramdisk')
}

async function targetFiles(): Promise<FileTree> {
  const tree = await firstStageTree()
  const files = new FileTree()
  for (const name of ['dev', 'proc', 'sys', 'root', 'etc']) files.directory(name)
  files.copy(tree, 'usr/bin/busybox', 'bin/busybox')
  files.link('bin/sh', 'busybox')
  files.file('init', INIT, 0o755)
  files.file('etc/udhcpc', UDHCPC, 0o755)
  files.file('etc/passwd', 'root::0:0:root:/root:/bin/sh\n')
  files.file('etc/group', 'root:x:0:\n')
  files.file('etc/issue', '')
  return files.characterDevice('dev/console', 5, 1)
}

function compress(files: FileTree, compression: keyof typeof COMPRESSORS): Promise<Buffer> {
  return run('compressing the target ramdisk', COMPRESSORS[compression], { input: packCpio(files.entries()) })
}

/** An uncompressed archive with a payload and its digest; always the same bytes. */
function filling(size: number): Uint8Array[] {
  if (size <= 0) return []
  const zeros = Buffer.alloc(size)
  const payload = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(zeros)
  const digest = createHash('sha256').update(payload).digest('hex')
  const files = new FileTree().file('payload', payload).file('payload.sha256', `${digest}  -\n`)
  return [packCpio(files.entries())]
}
