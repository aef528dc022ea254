/** QEMU as Debian 13 has it in source form, and the build tool that Debian 12 is too old for. */

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asFault, fault } from '../../agent/errors.js'
import { cached, contentKey } from '../cache.js'
import { run } from '../run.js'

/** Debian 12's QEMU lacks the Ethernet controller and the watchdog that the Cubieboard4 needs. */
const SUITE = 'trixie'

/** Build tools as Debian packages that run without being installed: QEMU 10 needs a newer meson than Debian 12 has. */
const TOOL_PACKAGES = ['meson'] as const

/** Used where the host's apt knows no mirror of Debian. */
const DEFAULT_MIRROR = 'http://deb.debian.org/debian'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

export interface QemuSource {
  /** Debian's version, such as `1:10.0.13+ds-0+deb13u1` */
  readonly version: string
  /** the `.orig.tar.*` and `.debian.tar.*` of the package */
  readonly archives: { readonly upstream: string; readonly debian: string }
  /** folder with `usr`, in which the tools lie */
  readonly tools: string
}

/**
 * Get QEMU's source package from the mirror that the host's apt uses, without touching the host's configuration.
 * Cached: the network is needed once.
 *
 * @param check called before anything is fetched; what it throws ends this
 * @throws BUILD_INPUT that says what to do, when the mirror cannot give it
 */
export async function qemuSource(check: () => Promise<void>): Promise<QemuSource> {
  const dir = await cached('qemu-source', contentKey([SUITE, ...TOOL_PACKAGES]), async folder => {
    await check()
    const mirrors = await hostMirrors()
    const failures: string[] = []
    for (const mirror of mirrors) {
      try {
        return await download(mirror, folder)
      } catch (error) {
        failures.push(`${mirror}: ${asFault(error, 'fetching').message}`)
      }
    }
    throw fault('BUILD_INPUT', {
      doing: "fetching QEMU's source",
      reason: `${failures.join('\n')}\n${ADVICE}`,
    })
  })
  return describe(dir)
}

const ADVICE = `It comes from Debian's mirror (suite ${SUITE}, deb-src), as other packages of the board images do. Check that the mirror
can be reached, or copy the folder .cache/qemu-source-* from a checkout that has it.`

/**
 * Mirrors of Debian that the host's apt uses.
 *
 * @param targets output of `apt-get indextargets` with `$(REPO_URI) $(ORIGIN)` a line
 * @returns addresses without a slash at their end, the first one used first; never none
 */
export function mirrorsOf(targets: string): string[] {
  const mirrors = targets
    .split('\n')
    .map(line => line.trim().split(' '))
    .filter(([uri = '', origin]) => origin === 'Debian' && /^https?:/.test(uri) && !/security|backports/.test(uri))
    .map(([uri = '']) => uri.replace(/\/+$/, ''))
  return [...new Set([...mirrors, DEFAULT_MIRROR])]
}

/** Mirrors of Debian that the host's apt uses, the first one first. */
export async function hostMirrors(): Promise<string[]> {
  const argv = ['apt-get', 'indextargets', '--format', '$(REPO_URI) $(ORIGIN)'] as const
  return mirrorsOf((await run("asking apt for Debian's mirror", [...argv])).toString())
}

/**
 * What apt needs to work in a folder of its own: its state, its lists and its sources lie there, and it takes no
 * package for installed. The host's other settings, such as a proxy, count.
 *
 * @param dir the folder
 */
export function aptConfiguration(dir: string): string {
  const settings: Readonly<Record<string, string>> = {
    'Dir::State': join(dir, 'state'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(dir, 'cache'),
    'Dir::Etc::sourcelist': join(dir, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Acquire::Retries': '3',
    // The user who asks can write here, the user _apt of a root's apt cannot.
    'APT::Sandbox::User': 'root',
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name} "${value}";\n`)
    .join('')
}

async function download(mirror: string, dir: string): Promise<void> {
  const doing = "fetching QEMU's source"
  const apt = join(dir, 'apt')
  await mkdir(join(apt, 'state/lists/partial'), { recursive: true })
  await mkdir(join(apt, 'cache/archives/partial'), { recursive: true })
  const config = join(apt, 'apt.conf')
  await writeFile(config, aptConfiguration(apt))
  const lines = ['deb', 'deb-src'].map(type => `${type} [signed-by=${KEYRING}] ${mirror} ${SUITE} main\n`)
  await writeFile(join(apt, 'sources.list'), lines.join(''))
  const options = { cwd: dir, env: { APT_CONFIG: config } }
  await run(doing, ['apt-get', 'update', '--quiet', '--quiet', '--error-on=any'], options)
  await run(doing, ['apt-get', 'source', '--quiet', '--quiet', '--download-only', 'qemu'], options)
  await run(doing, ['apt-get', 'download', '--quiet', '--quiet', ...TOOL_PACKAGES], options)
  await rm(apt, { recursive: true })
  const tools = join(dir, 'tools')
  for (const file of await readdir(dir)) {
    if (!file.endsWith('.deb')) continue
    await run('unpacking meson', ['dpkg-deb', '--extract', join(dir, file), tools])
    await rm(join(dir, file))
  }
}

/**
 * Debian's version in a source package's description.
 *
 * @param dsc text of the `.dsc`
 * @throws BUILD_INPUT when it names none
 */
export function versionOf(dsc: string): string {
  const version = /^Version: (\S+)$/m.exec(dsc)?.[1]
  if (version === undefined) {
    throw fault('BUILD_INPUT', { doing: "reading the description of QEMU's source", reason: 'it names no version' })
  }
  return version
}

async function describe(dir: string): Promise<QemuSource> {
  const files = await readdir(dir)
  const find = (pattern: RegExp): string => {
    const file = files.find(name => pattern.test(name))
    if (file === undefined) {
      throw fault('BUILD_INPUT', { doing: "looking for QEMU's source", reason: `${dir} is not whole; delete it` })
    }
    return join(dir, file)
  }
  return {
    version: versionOf(await readFile(find(/\.dsc$/), 'utf8')),
    archives: { upstream: find(/\.orig\.tar\.\w+$/), debian: find(/\.debian\.tar\.\w+$/) },
    tools: join(dir, 'tools'),
  }
}
