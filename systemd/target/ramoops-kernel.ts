/**
 * A real kernel that leaves last words: Debian 13's armmp with a ramoops driver. Debian does not build that driver, but it
 * can be a module, so it is built here from Debian's own source for Debian's own kernel.
 */

import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { cached, contentKey } from '../cache.js'
import { stageModules } from '../image/kernel-modules.js'
import { aptConfiguration, hostMirrors } from '../qemu/qemu-source.js'
import { run } from '../run.js'

const DOING = 'building a kernel with ramoops'
const SUITE = 'trixie'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const CROSS = 'arm-linux-gnueabihf-'

export interface RamoopsKernel {
  /** as `uname -r` prints it */
  readonly version: string
  /** path of vmlinuz */
  readonly kernel: string
  /** folder with `lib/modules/<version>`: `ramoops` and what it needs */
  readonly modules: string
}

/** Settings that Debian's kernel does not have. Its library cannot encode error correction, which is off here. */
const CONFIGURATION = `#define CONFIG_PSTORE_MODULE 1
#define CONFIG_PSTORE_RAM_MODULE 1
#define CONFIG_PSTORE_COMPRESS 1
#define CONFIG_PSTORE_CONSOLE 1
#define CONFIG_PSTORE_DEFAULT_KMSG_BYTES 10240
#define encode_rs8(...) do { } while (0)
`

/** Debian's modules that ramoops needs, and the tables that depmod reads. */
const FROM_IMAGE = ['kernel/lib/zlib_deflate', 'kernel/lib/reed_solomon', 'modules.order', 'modules.builtin*'] as const

/**
 * Build it. Cached: the network and some ten seconds of a CPU are needed once.
 *
 * @throws BUILD_TOOL, BUILD_INPUT
 */
export async function ramoopsKernel(): Promise<RamoopsKernel> {
  const dir = await cached('ramoops-kernel', contentKey([SUITE, CONFIGURATION, process.arch]), build)
  const [version] = await readdir(join(dir, 'usr/lib/modules'))
  if (version === undefined) throw fault('BUILD_INPUT', { doing: DOING, reason: `${dir} is not whole; delete it` })
  return {
    version,
    kernel: join(dir, 'boot', `vmlinuz-${version}`),
    modules: await stageModules(dir, version, ['ramoops']),
  }
}

async function build(dir: string): Promise<void> {
  const work = join(dir, 'work')
  await mkdir(work)
  const abi = await download(work)
  const version = `${abi}-armmp`
  const sources = join(work, 'pstore')
  await unpackSources(work, sources)
  await makeModules(work, { abi, version, sources })
  const image = await packageFile(work, `linux-image-${version}_`)
  const wanted = [`./boot/vmlinuz-${version}`, ...FROM_IMAGE.map(name => `./usr/lib/modules/${version}/${name}`)]
  await pipeline(`dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards ${quoted(wanted)}`, image, dir)
  const extra = join(dir, 'usr/lib/modules', version, 'extra')
  await mkdir(extra)
  for (const name of ['pstore.ko', 'ramoops.ko']) {
    await run(DOING, [`${CROSS}strip`, '--strip-debug', '-o', join(extra, name), join(sources, name)])
  }
  await run(DOING, ['depmod', '-b', join(dir, 'usr'), version])
  await rm(work, { recursive: true })
}

/** @returns the version in the names of the packages, such as `6.12.117+deb13` */
async function download(work: string): Promise<string> {
  const [mirror] = await hostMirrors()
  const apt = join(work, 'apt')
  await mkdir(join(apt, 'state/lists/partial'), { recursive: true })
  await mkdir(join(apt, 'cache/archives/partial'), { recursive: true })
  const config = join(apt, 'apt.conf')
  const host = (await run(DOING, ['dpkg', '--print-architecture'])).toString().trim()
  await writeFile(config, `${aptConfiguration(apt)}APT::Architectures { "${host}"; "armhf"; };\n`)
  await writeFile(join(apt, 'sources.list'), `deb [signed-by=${KEYRING}] ${mirror} ${SUITE} main\n`)
  const options = { cwd: work, env: { APT_CONFIG: config } }
  await run(DOING, ['apt-get', 'update', '--quiet', '--quiet', '--error-on=any'], options)
  const depends = (await run(DOING, ['apt-cache', 'depends', 'linux-image-armmp:armhf'], options)).toString()
  const abi = /linux-image-([0-9][^\s:]*)-armmp/.exec(depends)?.[1]
  if (abi === undefined) throw fault('BUILD_INPUT', { doing: DOING, reason: `${mirror} has no linux-image-armmp` })
  const release = abi.split('.').slice(0, 2).join('.')
  const packages = [
    ...[`linux-image-${abi}-armmp:armhf`, `linux-headers-${abi}-armmp:armhf`, `linux-headers-${abi}-common`],
    ...[`linux-kbuild-${abi}`, `linux-source-${release}`, 'libc6'],
  ]
  await run(DOING, ['apt-get', 'download', '--quiet', '--quiet', ...packages], options)
  return abi
}

/** The driver's sources, without the table of devices that only loading by device tree needs: see {@link makeModules}. */
async function unpackSources(work: string, sources: string): Promise<void> {
  await mkdir(sources)
  const script = `dpkg-deb --fsys-tarfile "$1" | tar -x -O --wildcards './usr/src/*.tar.xz' | xz -dc |
    tar -x -C "$2" --strip-components=3 --wildcards '*/fs/pstore/*'`
  await pipeline(script, await packageFile(work, 'linux-source-'), sources)
  await writeFile(join(sources, 'configuration.h'), CONFIGURATION)
  const driver = join(sources, 'ram.c')
  await writeFile(driver, (await readFile(driver, 'utf8')).replace(/^MODULE_DEVICE_TABLE\(.*$/m, ''))
}

async function makeModules(
  work: string,
  { abi, version, sources }: { readonly abi: string; readonly version: string; readonly sources: string },
): Promise<void> {
  const root = join(work, 'root')
  for (const name of [`linux-headers-${version}_`, `linux-headers-${abi}-common_`, `linux-kbuild-${abi}_`, 'libc6_']) {
    await run(DOING, ['dpkg-deb', '--extract', await packageFile(work, name), root])
  }
  const headers = join(root, 'usr/src', `linux-headers-${version}`)
  await writeFile(
    join(headers, 'Makefile'),
    `include ${join(root, 'usr/src', `linux-headers-${abi}-common`)}/Makefile\n`,
  )
  await useOwnLibrary(root, join(root, 'usr/lib', `linux-kbuild-${abi}`, 'scripts/mod/modpost'))
  const settings = ['CONFIG_PSTORE=m', 'CONFIG_PSTORE_RAM=m', `KCFLAGS=-include ${join(sources, 'configuration.h')}`]
  const place = ['--silent', '-C', headers, `M=${sources}`]
  await run(DOING, ['make', ...place, `CC=${CROSS}gcc`, ...settings, 'modules'])
}

/**
 * Debian 13's modpost needs its own C library on an older host. The variant for 32-bit targets takes the tables of devices
 * for those of a 64-bit one, so the sources here have none.
 */
async function useOwnLibrary(root: string, modpost: string): Promise<void> {
  const libraries = join(root, 'usr/lib')
  const triplet = (await readdir(libraries)).find(name => name.endsWith('-linux-gnu')) ?? ''
  const folder = join(libraries, triplet)
  const loader = (await readdir(folder)).find(name => /^ld-linux-.*\.so\.\d$/.test(name)) ?? ''
  await rm(modpost)
  await writeFile(
    modpost,
    `#!/bin/sh\nexec ${join(folder, loader)} --library-path ${folder} ${modpost}.real-lsb-32 "$@"\n`,
  )
  await chmod(modpost, 0o755)
}

async function packageFile(work: string, prefix: string): Promise<string> {
  const name = (await readdir(work)).find(file => file.startsWith(prefix) && file.endsWith('.deb'))
  if (name === undefined) throw fault('BUILD_INPUT', { doing: DOING, reason: `apt brought no ${prefix}*` })
  return join(work, name)
}

/** Run a pipeline of the shell that fails with any of its parts; the arguments are $1 and so on. */
async function pipeline(script: string, ...args: readonly string[]): Promise<void> {
  await run(DOING, ['bash', '-c', `set -o pipefail; ${script}`, 'bash', ...args])
}

const quoted = (words: readonly string[]): string => words.map(word => `'${word}'`).join(' ')
