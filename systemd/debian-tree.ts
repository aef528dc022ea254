/** Debian's armhf packages unpacked into a folder, as the user who asks: nothing of them is run or installed. */

import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { asFault, type FauxbootError, fault } from '../agent/errors.js'
import { cached, contentKey } from './cache.js'
import { run } from './run.js'

export type Suite = 'trixie' | 'bookworm'

/**
 * Under which names a mirror is asked for a suite. A release's other name is its own folder on a mirror, so that one
 * of them can be whole while the other is being synchronized. What was unpacked is checked to be the suite.
 */
const ATTEMPTS: Readonly<Record<Suite, readonly { readonly name: string; readonly waitSeconds: number }[]>> = {
  trixie: [
    { name: 'trixie', waitSeconds: 0 },
    { name: 'stable', waitSeconds: 2 },
    { name: 'trixie', waitSeconds: 30 },
    { name: 'stable', waitSeconds: 30 },
  ],
  bookworm: [
    { name: 'bookworm', waitSeconds: 0 },
    { name: 'oldstable', waitSeconds: 2 },
    { name: 'bookworm', waitSeconds: 30 },
    { name: 'oldstable', waitSeconds: 30 },
  ],
}

/** Of the packages' files, what no image needs. */
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

/** How the host's apt was told to treat its mirror counts for the same mirror here. */
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
 * Unpack Debian packages and what they depend on. Cached by suite and packages.
 *
 * @param suite Debian's code name
 * @param packages names of armhf packages
 * @returns the folder, with `usr`, `etc`, `boot`
 * @throws BUILD_TOOL when the mirror cannot give them after some tries
 */
export function debianTree(suite: Suite, packages: readonly string[]): Promise<string> {
  const wanted = [...new Set([...packages, 'base-files'])].sort()
  const key = contentKey([suite, ...wanted, ...LEFT_OUT])
  return cached(`debian-${suite}`, key, async dir => {
    const options = await hostAptOptions()
    let last: FauxbootError | null = null
    for (const { name, waitSeconds } of ATTEMPTS[suite]) {
      await delay(waitSeconds * 1000)
      try {
        return await unpack(name, suite, wanted, options, dir)
      } catch (error) {
        last = asFault(error, `unpacking Debian ${suite}`)
        process.stderr.write(`Debian ${name}: ${last.message}\n`)
      }
    }
    throw last ?? fault('BUILD_INPUT', { doing: 'unpacking Debian', reason: `no way to get ${suite} is known` })
  })
}

/**
 * The version of the kernel in an unpacked tree.
 *
 * @throws BUILD_INPUT when there is not exactly one
 */
export async function kernelVersion(tree: string): Promise<string> {
  const versions = await kernelVersions(tree)
  const [version] = versions
  if (version === undefined || versions.length !== 1) {
    throw fault('BUILD_INPUT', { doing: 'looking for the kernel', reason: `${tree} has ${versions.length} of them` })
  }
  return version
}

async function kernelVersions(tree: string): Promise<string[]> {
  const modules = join(tree, 'usr/lib/modules')
  return existsSync(modules) ? await readdir(modules) : []
}

async function unpack(name: string, suite: Suite, packages: string[], options: string[], dir: string): Promise<void> {
  const doing = `unpacking Debian ${suite} (armhf)`
  const tar = join(dir, 'debian.tar')
  const mirror = process.env.FAUXBOOT_DEBIAN_MIRROR
  await run(doing, [
    'mmdebstrap',
    '--quiet',
    '--arch=armhf',
    '--variant=extract',
    '--skip=check/qemu',
    '--format=tar',
    ...options,
    `--include=${packages.join(',')}`,
    name,
    tar,
    ...(mirror === undefined ? [] : [mirror]),
  ])
  const left = LEFT_OUT.map(pattern => `--exclude=${pattern}`)
  await run(doing, ['tar', '-C', dir, '-xf', tar, '--no-same-owner', '--wildcards', ...left])
  await rm(tar)
  for (const version of await kernelVersions(dir)) {
    await run('listing what kernel modules depend on', ['depmod', '-b', join(dir, 'usr'), version])
  }
  const release = await readFile(join(dir, 'usr/lib/os-release'), 'utf8')
  if (!release.includes(`\nVERSION_CODENAME=${suite}\n`)) {
    throw fault('BUILD_INPUT', { doing, reason: `the mirror's ${name} is not ${suite}` })
  }
}
