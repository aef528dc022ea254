/** QEMU with the machine `cubieboard4`: built from Debian's source and the files of `cubieboard4/`, once per version. */

import { spawn } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fault } from '../../agent/errors.js'
import { cached, contentKey } from '../cache.js'
import { PROJECT_DIR } from '../paths.js'
import { run } from '../run.js'
import { type QemuSource, qemuSource } from './qemu-source.js'

/** Our machine: the C files, and what QEMU's build system has to know of them. */
const MACHINE_DIR = join(PROJECT_DIR, 'systemd', 'qemu', 'cubieboard4')

/** Where they go in QEMU's tree. */
const PLACE_IN_QEMU = 'hw/arm/cubieboard4'

/** Files of the machine that are not part of QEMU's tree. */
const DOCUMENTS = ['README.md', 'LICENSE']

/** What changes in files that QEMU has: `systemd/qemu/cubieboard4/README.md` says why. */
const isPatch = (file: string): boolean => file.endsWith('.patch')

/** The devices to build: named by `--with-devices-arm`. */
const DEVICES = 'cubieboard4'

/** Debian packages that the build needs on this machine, and what for. */
export const QEMU_BUILD_PACKAGES: Readonly<Record<string, string>> = {
  bison: "QEMU's build",
  flex: "QEMU's build",
  gcc: "QEMU's build",
  'libc6-dev': "QEMU's build",
  'libfdt-dev': 'device trees in QEMU',
  'libglib2.0-dev': "QEMU's library of everything",
  'libslirp-dev': "QEMU's user network",
  'ninja-build': "QEMU's build",
  patch: "Debian's changes to QEMU",
  'pkg-config': "QEMU's build",
  'python3-venv': "QEMU's build",
  'zlib1g-dev': "QEMU's build",
}

/** Nothing that an emulated Cubieboard4 does without. */
const CONFIGURE = [
  '--target-list=arm-softmmu',
  '--without-default-features',
  '--without-default-devices',
  `--with-devices-arm=${DEVICES}`,
  '--enable-tcg',
  '--enable-fdt=system',
  '--enable-slirp',
  '--disable-docs',
  '--disable-tools',
  '--disable-guest-agent',
  '--disable-werror',
  '--disable-install-blobs',
]

const PROGRAM = 'qemu-system-arm'

/** Called with the steps of the build that are done, and how many there are. */
export type BuildProgress = (done: number, total: number) => void

/**
 * Those of {@link QEMU_BUILD_PACKAGES} that are not installed.
 *
 * @param statuses dpkg's answer: a package and its status a line, without those that it does not know
 */
export function lackingPackages(statuses: string): string[] {
  const lines = statuses.split('\n')
  return Object.keys(QEMU_BUILD_PACKAGES).filter(name => !lines.includes(`${name} installed`))
}

/** @throws BUILD_INPUT with the line that installs what is missing: the build would fail one program at a time */
async function checkPackages(): Promise<void> {
  const doing = 'building QEMU for a Cubieboard4'
  // It fails when it does not know one of them.
  const ask = `dpkg-query --show --showformat '\${Package} \${db:Status-Status}\\n' "$@" 2>/dev/null || true`
  const statuses = await run(doing, ['sh', '-c', ask, 'sh', ...Object.keys(QEMU_BUILD_PACKAGES)])
  const lacking = lackingPackages(statuses.toString())
  if (lacking.length === 0) return
  const reason = `Debian packages are missing (${lacking.join(', ')}); run \`npm run setup -- cubieboard4\`, then try again`
  throw fault('BUILD_INPUT', { doing, reason })
}

/**
 * Path of a `qemu-system-arm` that has the machine `cubieboard4`. The first call builds it: four CPU-minutes.
 *
 * @param progress hears how far the build is; not called when there is nothing to build
 * @throws BUILD_INPUT when packages for the build are missing or the source cannot be fetched, BUILD_TOOL with the compiler's words
 */
export async function cubieboard4Qemu(progress: BuildProgress = () => undefined): Promise<string> {
  const source = await qemuSource(checkPackages)
  const files = await machineFiles()
  const contents = await Promise.all(files.map(file => readFile(join(MACHINE_DIR, file))))
  const key = contentKey([source.version, ...CONFIGURE, ...files, ...contents])
  const dir = await cached('qemu', key, folder => build(source, files, folder, progress))
  return join(dir, PROGRAM)
}

async function machineFiles(): Promise<string[]> {
  const files = await readdir(MACHINE_DIR)
  return files.filter(file => !DOCUMENTS.includes(file)).sort()
}

async function build(
  source: QemuSource,
  files: readonly string[],
  dir: string,
  progress: BuildProgress,
): Promise<void> {
  await checkPackages()
  const tree = join(dir, 'source')
  const objects = join(tree, 'build')
  await unpack(source, tree)
  await addMachine(files, tree)
  await mkdir(objects)
  const env = toolEnvironment(source)
  await run('configuring QEMU', ['../configure', ...CONFIGURE], { cwd: objects, env })
  await ninja(objects, env, progress)
  await run('stripping QEMU', ['strip', '-o', join(dir, PROGRAM), join(objects, PROGRAM)])
  await rm(tree, { recursive: true })
}

/** Debian's tree: the original with all of its patches. */
async function unpack({ archives }: QemuSource, tree: string): Promise<void> {
  const doing = "unpacking QEMU's source"
  await mkdir(tree)
  await run(doing, ['tar', '-C', tree, '--strip-components=1', '-xf', archives.upstream])
  await run(doing, ['tar', '-C', tree, '-xf', archives.debian])
  const series = await readFile(join(tree, 'debian/patches/series'), 'utf8')
  for (const patch of patchesOf(series)) await applyPatch(join(tree, 'debian/patches', patch), tree)
  await addMissingFirmware(tree)
}

/**
 * Names of patches in the order in which they apply.
 *
 * @param series text of `debian/patches/series`: a name a line, comments after `#`
 */
export function patchesOf(series: string): string[] {
  return series
    .split('\n')
    .map(line => line.replace(/(^|\s)#.*/, '').trim())
    .filter(line => line !== '')
}

async function applyPatch(patch: string, tree: string): Promise<void> {
  await run("patching QEMU's source", ['patch', '--strip=1', '--force', '--silent', '--input', patch], { cwd: tree })
}

/** Debian leaves out firmware without source; the build wants the files, and this machine uses none of them. */
async function addMissingFirmware(tree: string): Promise<void> {
  const firmware = join(tree, 'pc-bios')
  for (const name of firmwareNames(await readFile(join(firmware, 'meson.build'), 'utf8'))) {
    await writeFile(join(firmware, name), '', { flag: 'a' })
  }
}

/**
 * Names of the firmware files that the build expects.
 *
 * @param mesonBuild text of QEMU's `pc-bios/meson.build`
 */
export function firmwareNames(mesonBuild: string): string[] {
  const list = /^blobs = \[$(.*?)^\]$/ms.exec(mesonBuild)?.[1] ?? ''
  return [...list.matchAll(/'([^']+)'/g)].map(([, name = '']) => name)
}

async function addMachine(files: readonly string[], tree: string): Promise<void> {
  const place = join(tree, PLACE_IN_QEMU)
  await mkdir(place)
  for (const file of files) await copyFile(join(MACHINE_DIR, file), join(place, file))
  for (const file of files.filter(isPatch)) await applyPatch(join(place, file), tree)
  await copyFile(join(place, `${DEVICES}.mak`), join(tree, 'configs/devices/arm-softmmu', `${DEVICES}.mak`))
}

/** Meson is run from where it was unpacked to: its modules lie in one folder, the record of its version in another. */
function toolEnvironment({ tools }: QemuSource): Record<string, string> {
  const modules = ['usr/share/meson', 'usr/lib/python3/dist-packages'].map(path => join(tools, path))
  return {
    PATH: `${join(tools, 'usr/bin')}:${process.env.PATH ?? '/usr/bin:/bin'}`,
    PYTHONPATH: modules.join(':'),
  }
}

/** Its lines begin `[done/total]`; the last ones say what failed. */
const STEP = /^\[(\d+)\/(\d+)\] /

/** Lines of a failed build that an error quotes. */
const QUOTED_LINES = 30

async function ninja(cwd: string, env: Record<string, string>, progress: BuildProgress): Promise<void> {
  const jobs = String(availableParallelism())
  const child = spawn('nice', ['-n', '15', 'ninja', '-j', jobs, PROGRAM], {
    cwd,
    env: { ...process.env, ...env, LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(signal ?? code ?? 1))
  })
  const last: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const step = STEP.exec(line)
    if (step) progress(Number(step[1]), Number(step[2]))
    last.push(line)
    if (last.length > QUOTED_LINES) last.shift()
  }
  const status = await ended
  if (status !== 0) {
    throw fault('BUILD_TOOL', {
      doing: 'building QEMU',
      tool: 'ninja',
      status: String(status),
      reason: last.join('\n'),
    })
  }
}
