/** The kernel modules that a board needs, with their dependencies, in loading order. */

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { cached, contentKey } from '../cache.js'
import { run } from '../run.js'

/** The tables that depmod writes into the modules' folder (modules.dep(5)); their paths are relative to it. */
export interface ModuleTables {
  /** `path: path path ...`: a module and all its dependencies */
  readonly dep: string
  /** `softdep name pre: name ... post: name ...` */
  readonly softdep: string
  /** `path` of each module that is built into the kernel */
  readonly builtin: string
}

/** `kernel/drivers/net/virtio_net.ko.xz` is `virtio_net`; dashes and underscores are the same to modprobe. */
function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1)
  return file.replace(/\.ko(\.(xz|zst|gz))?$/, '').replaceAll('-', '_')
}

function parseDep(text: string): Map<string, { path: string; needs: string[] }> {
  const modules = new Map<string, { path: string; needs: string[] }>()
  for (const line of text.split('\n')) {
    const [path, needs] = line.split(':')
    if (!path || needs === undefined) continue
    modules.set(moduleName(path), { path, needs: needs.trim().split(' ').filter(Boolean).map(moduleName) })
  }
  return modules
}

function parseSoftdep(text: string): Map<string, string[]> {
  const softdeps = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [word, name, ...rest] = line.split(/\s+/)
    if (word !== 'softdep' || name === undefined) continue
    const names = rest.filter(entry => entry !== 'pre:' && entry !== 'post:' && entry !== '')
    softdeps.set(name.replaceAll('-', '_'), [...(softdeps.get(name) ?? []), ...names])
  }
  return softdeps
}

/**
 * The files of modules and of all their dependencies.
 *
 * @param tables of depmod
 * @param names modules as a board lists them; modules built into the kernel need no file
 * @returns paths relative to the tables, each after its dependencies
 * @throws BUILD_INPUT if the kernel has no module of that name
 */
export function moduleClosure(tables: ModuleTables, names: readonly string[]): string[] {
  const modules = parseDep(tables.dep)
  const softdeps = parseSoftdep(tables.softdep)
  const builtin = new Set(tables.builtin.split('\n').filter(Boolean).map(moduleName))
  const chosen = new Map<string, string>()
  const visited = new Set<string>()
  const add = (name: string, optional: boolean): void => {
    if (visited.has(name) || builtin.has(name)) return
    const module = modules.get(name)
    if (module === undefined) {
      // modprobe ignores a soft dependency that is missing.
      if (optional) return
      throw fault('BUILD_INPUT', { doing: 'choosing kernel modules', reason: `the kernel has no module ${name}` })
    }
    visited.add(name)
    for (const need of module.needs) add(need, false)
    for (const need of softdeps.get(name) ?? []) add(need.replaceAll('-', '_'), true)
    chosen.set(name, module.path)
  }
  for (const name of names) add(name.replaceAll('-', '_'), false)
  return [...chosen.values()]
}

/**
 * A folder with a board's modules, decompressed, and their tables. The initramfs is compressed as a whole, so modules
 * compressed with xz would only delay each start.
 *
 * @param tree unpacked Debian packages
 * @param version of the kernel
 * @param names modules as a board lists them
 * @returns folder with `lib/modules/<version>`
 */
export async function stageModules(tree: string, version: string, names: readonly string[]): Promise<string> {
  const from = join(tree, 'usr/lib/modules', version)
  return cached('modules', contentKey([from, ...names]), async dir => {
    const to = join(dir, 'lib/modules', version)
    const read = (file: string) => readFile(join(from, file), 'utf8')
    const tables = {
      dep: await read('modules.dep'),
      softdep: await read('modules.softdep'),
      builtin: await read('modules.builtin'),
    }
    const unpack = async (path: string): Promise<void> => {
      const file = join(to, path.replace(/\.xz$/, ''))
      await mkdir(dirname(file), { recursive: true })
      if (!path.endsWith('.xz')) return cp(join(from, path), file)
      await writeFile(file, await run('unpacking a kernel module', ['xz', '-dc', join(from, path)]))
    }
    await mkdir(to, { recursive: true })
    for (const path of moduleClosure(tables, names)) await unpack(path)
    for (const file of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
      await cp(join(from, file), join(to, file))
    }
    await run('listing what kernel modules depend on', ['depmod', '-b', dir, version])
    // The board reads only the binary indexes.
    for (const file of ['modules.alias', 'modules.symbols', 'modules.symbols.bin', 'modules.builtin.modinfo']) {
      await rm(join(to, file), { force: true })
    }
  })
}
