/** Finds the shared libraries that programs need, from their ELF dynamic sections. */

import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { run } from '../run.js'

/** The search path of Debian armhf's dynamic linker, and systemd's private folder (its RUNPATH). */
const LIBRARY_DIRS = ['usr/lib/arm-linux-gnueabihf', 'usr/lib/arm-linux-gnueabihf/systemd', 'usr/lib']

/**
 * The names of needed libraries.
 *
 * @param text output of `readelf -d` for any number of files
 */
function parseNeeded(text: string): string[] {
  return [...text.matchAll(/\(NEEDED\)\s+Shared library: \[([^\]]+)\]/g)].map(([, name]) => name ?? '')
}

/**
 * The libraries that programs need, directly or through other libraries.
 *
 * @param tree unpacked Debian packages
 * @param programs paths in the tree of programs, and of libraries that programs open by name (dlopen)
 * @returns paths in the tree, under the names that programs use, so some are links
 * @throws BUILD_INPUT if the tree lacks one
 */
export async function sharedLibraries(tree: string, programs: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>()
  for (let files = [...programs]; files.length > 0; ) {
    const paths = files.map(file => realpathSync(join(tree, file)))
    const output = await run('reading which libraries programs need', ['readelf', '-dW', ...paths])
    const names = new Set(parseNeeded(output.toString()).filter(name => !found.has(name)))
    files = [...names].map(name => {
      const file = LIBRARY_DIRS.map(dir => join(dir, name)).find(path => existsSync(join(tree, path)))
      if (file === undefined) {
        throw fault('BUILD_INPUT', { doing: 'collecting shared libraries', reason: `${tree} has no ${name}` })
      }
      found.set(name, file)
      return file
    })
  }
  return [...found.values()].sort()
}
