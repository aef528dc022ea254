/** Making the folders that people name. */

import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Of Node's errors of the file system. */
const isCode = (thrown: unknown, code: string): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === code

/**
 * Make a folder, and those above it that are missing. Node's own way to do that (`recursive`) never ends where a file
 * system has no place for a folder, and so answers that a parent is missing which is there: /proc does.
 *
 * @param mode of the folders that are made
 * @throws the error of the file system: EEXIST if a file has that name
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, mode)
  } catch (thrown) {
    if (isCode(thrown, 'EEXIST') && (await stat(path)).isDirectory()) return
    if (!isCode(thrown, 'ENOENT') || (await isThere(dirname(path)))) throw thrown
    await makeFolder(dirname(path), mode)
    await makeFolder(path, mode)
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (thrown) {
    if (isCode(thrown, 'ENOENT')) return false
    throw thrown
  }
}
