/** Unpacks Debian packages into a folder, as the current user. Nothing in them is run or installed. */

import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { asFault, type FauxbootError, fault } from '../../agent/errors.js'
import { cached, contentKey } from '../cache.js'
import { run } from '../run.js'

export type Suite = 'forky' | 'trixie' | 'bookworm'

/** A release's other name. On a mirror it is a separate folder, which can be complete while the first is synchronized. */
const OTHER_NAME: Readonly<Record<Suite, string>> = {
  forky: 'testing',
  trixie: 'stable',
  bookworm: 'oldstable',
}

interface Attempt {
  /** use the release's own name, not its other one */
  readonly own: boolean
  /** include security and stable updates; without them, the tree is the last point release */
  readonly updates: boolean
  readonly waitSeconds: number
}

/** What to try, in this order, because a mirror answers with errors while it is synchronized. */
const ATTEMPTS: readonly Attempt[] = [
  { own: true, updates: true, waitSeconds: 0 },
  { own: false, updates: true, waitSeconds: 1 },
  { own: true, updates: true, waitSeconds: 15 },
  { own: true, updates: false, waitSeconds: 1 },
  { own: false, updates: false, waitSeconds: 1 },
  { own: true, updates: false, waitSeconds: 60 },
]

/** A hook that mmdebstrap runs before apt reads the list of sources. */
const ONLY_THE_RELEASE = `--setup-hook=sed -i -e '/-updates/d' -e '/security/d' "$1"/etc/apt/sources.list`

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

/** Settings of the host's apt that mmdebstrap's apt needs for the same mirror. */
const HOST_APT_SETTINGS = ['Acquire::Check-Valid-Until', 'Acquire::Check-Date']

async function hostAptOptions(): Promise<string[]> {
  const dump = await run('reading the settings of apt', ['apt-config', 'dump', ...HOST_APT_SETTINGS])
  return dump
    .toString()
    .split('\n')
    .filter(line => HOST_APT_SETTINGS.some(name => line.startsWith(`${name} `)))
    .map(line => `--aptopt=${line.replace(/;$/, '')}`)
}

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
 * Have mmdebstrap read a release from the mirror, in one way after another until it works.
 *
 * @param use gets mmdebstrap's options and its name of the release; it may be called again after it failed
 * @throws what the last attempt threw
 */
export async function fromMirror(
  suite: Suite,
  use: (options: readonly string[], name: string) => Promise<void>,
): Promise<void> {
  const options = await hostAptOptions()
  let last: FauxbootError | null = null
  for (const [index, attempt] of ATTEMPTS.entries()) {
    await delay(attempt.waitSeconds * 1000)
    try {
      return await use([...options, ...(attempt.updates ? [] : [ONLY_THE_RELEASE])], nameOf(suite, attempt))
    } catch (error) {
      last = asFault(error, `unpacking Debian ${suite}`)
      const reason = /^E: .*$/m.exec(last.message)?.[0] ?? last.message
      const next = ATTEMPTS[index + 1]
      const then = next === undefined ? 'giving up' : `trying again in ${next.waitSeconds} s`
      process.stderr.write(`Debian ${nameOf(suite, attempt)}: the mirror failed, ${then}: ${reason}\n`)
    }
  }
  throw last ?? fault('BUILD_INPUT', { doing: 'unpacking Debian', reason: 'no way to get it is known' })
}

function nameOf(suite: Suite, attempt: Attempt): string {
  return attempt.own ? suite : OTHER_NAME[suite]
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
