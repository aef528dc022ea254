/** Which shared libraries programs need, as their ELF dynamic sections say. */

import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { run } from '../run.js'

/** Where the dynamic linker of Debian armhf looks, and systemd's private folder (its RUNPATH). */
const LIBRARY_DIRS = ['usr/lib/arm-linux-gnueabihf', 'usr/lib/arm-linux-gnueabihf/systemd', 'usr/lib']

/**
 * What `readelf -d` prints, as the names that each file needs.
 *
 * @param text its output for any number of files
 */
function parseNeeded(text: string): string[] {
  return [...text.matchAll(/\(NEEDED\)\s+Shared library: \[([^\]]+)\]/g)].map(([, name]) => name ?? '')
}

/**
 * The libraries that programs need, and what those need in turn.
 *
 * @param tree unpacked Debian packages
 * @param programs paths in the tree of programs, and of libraries that programs open by name (dlopen)
 * @returns paths in the tree as programs name them, links among them
 * @throws BUILD_INPUT when the tree lacks one
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
