/** Unpacks Debian packages into a folder, as the current user. Nothing in them is run or installed. */

import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { cached, contentKey } from '../cache.js'
import { run } from '../run.js'
import { fromMirror, type Suite } from './debian-mirror.js'

/** Files in the packages that no image needs. */
const LEFT_OUT = [
  './dev',
  './usr/share/doc',
  './usr/share/man',
  './usr/share/locale',
  './usr/share/perl*',
  './usr/lib/*/gconv',
  './usr/lib/*/perl*',
  './usr/lib/modules/*/kernel/sound',
  './usr/lib/modules/*/kernel/drivers/gpu',
  './usr/lib/modules/*/kernel/drivers/iio',
  './usr/lib/modules/*/kernel/drivers/media',
  './usr/lib/modules/*/kernel/drivers/net/wireless',
  './usr/lib/modules/*/kernel/drivers/staging',
  './usr/lib/modules/*/kernel/fs',
  './usr/lib/modules/*/kernel/net/netfilter',
]

export interface DebianTreeOptions {
  /** packages for the boards (the default) or for this machine */
  readonly target?: 'armhf' | 'here'
  /** more packages, to be unpacked without their dependencies */
  readonly alone?: readonly string[]
}

/** A hook that mmdebstrap runs after its own unpacking, while its apt can still download. */
function unpackAlone(packages: readonly string[]): string {
  const download = `APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get download --quiet --quiet ${packages.join(' ')}`
  const each = 'for package in *.deb; do dpkg-deb --extract "$package" . && rm "$package"; done'
  return `--extract-hook=cd "$1" && ${download} && ${each}`
}

const KERNEL_PREFIX = 'vmlinuz-'

/**
 * Unpack Debian packages and their dependencies. Cached by suite and packages.
 *
 * @param suite Debian's code name
 * @param packages names of packages
 * @returns the folder, with `usr`, `etc`, `boot`
 * @throws BUILD_TOOL if the mirror fails again and again
 */
export function debianTree(
  suite: Suite,
  packages: readonly string[],
  { target = 'armhf', alone = [] }: DebianTreeOptions = {},
): Promise<string> {
  const wanted = [...new Set([...packages, 'base-files'])].sort()
  const chosen = [
    ...(target === 'here' ? [] : ['--arch=armhf']),
    ...(alone.length === 0 ? [] : [unpackAlone(alone)]),
    `--include=${wanted.join(',')}`,
  ]
  const machine = target === 'here' ? [process.arch, ...alone] : alone
  const key = contentKey([suite, ...wanted, ...LEFT_OUT, ...machine])
  return cached(`debian-${suite}`, key, dir =>
    fromMirror(suite, (options, name) => unpack(suite, [...options, ...chosen], name, dir)),
  )
}

/**
 * The version of the kernel in an unpacked tree, as `uname -r` prints it.
 *
 * @throws BUILD_INPUT unless there is exactly one
 */
export async function kernelVersion(tree: string): Promise<string> {
  const files = await readdir(join(tree, 'boot'))
  const versions = files.filter(file => file.startsWith(KERNEL_PREFIX)).map(file => file.slice(KERNEL_PREFIX.length))
  const [version] = versions
  if (version === undefined || versions.length !== 1) {
    throw fault('BUILD_INPUT', { doing: 'looking for the kernel', reason: `${tree} has ${versions.length} of them` })
  }
  return version
}

async function unpack(suite: Suite, options: readonly string[], name: string, dir: string): Promise<void> {
  const doing = `unpacking Debian ${suite}`
  const tar = join(dir, 'debian.tar')
  await run(doing, ['mmdebstrap', '--variant=extract', '--skip=check/qemu', '--format=tar', ...options, name, tar])
  const left = LEFT_OUT.map(pattern => `--exclude=${pattern}`)
  await run(doing, ['tar', '-C', dir, '-xf', tar, '--no-same-owner', '--wildcards', ...left])
  await rm(tar)
  const modules = join(dir, 'usr/lib/modules')
  // Debian 12 keeps its modules elsewhere; no image uses them.
  for (const version of existsSync(modules) ? await readdir(modules) : []) {
    await run('listing what kernel modules depend on', ['depmod', '-b', join(dir, 'usr'), version])
  }
  const release = await readFile(join(dir, 'usr/lib/os-release'), 'utf8')
  if (!release.includes(`\nVERSION_CODENAME=${suite}\n`)) {
    throw fault('BUILD_INPUT', { doing, reason: `the mirror's ${name} is not ${suite}` })
  }
}
