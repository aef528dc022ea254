/** A cache of folders that take long to build, each named by a digest of its inputs. */

import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { CACHE_DIR } from './paths.js'

/** Older entries of a kind to keep: another branch may need them, or another process may be reading them. */
const KEPT = 7

/** Increase it when the content of cached folders changes for the same inputs. */
const FORMAT = 1

/**
 * Digest of everything that a cached folder depends on.
 *
 * @param parts text and bytes in a fixed order; the digest covers the length of each
 */
export function contentKey(parts: Iterable<Uint8Array | string>): string {
  const hash = createHash('sha256').update(`fauxboot ${FORMAT}\n`)
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part
    hash.update(`${bytes.byteLength}\n`).update(bytes)
  }
  return hash.digest('hex').slice(0, 16)
}

/**
 * The folder `<kind>-<key>` of the cache, built if it does not exist. It is built under another name and then renamed, so
 * it appears complete or not at all. When several processes build the same folder, the first one wins.
 *
 * @param kind what the folder holds, for people who look into the cache
 * @param key of {@link contentKey}
 * @param make fills the empty folder that it is given
 * @returns path of the folder; do not change its files
 */
export async function cached(kind: string, key: string, make: (dir: string) => Promise<void>): Promise<string> {
  const dir = join(CACHE_DIR, `${kind}-${key}`)
  if (await isDirectory(dir)) {
    const now = new Date()
    await utimes(dir, now, now)
    return dir
  }
  const making = join(CACHE_DIR, `making-${kind}-${randomUUID()}`)
  await mkdir(making, { recursive: true })
  try {
    await make(making)
    await rename(making, dir)
  } catch (error) {
    await rm(making, { recursive: true, force: true })
    if (!(await isDirectory(dir))) throw error
  }
  await prune(kind, dir)
  return dir
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null)
  return found?.isDirectory() ?? false
}

async function prune(kind: string, current: string): Promise<void> {
  const pattern = new RegExp(`^${kind}-[0-9a-f]{16}$`)
  const names = (await readdir(CACHE_DIR)).filter(name => pattern.test(name)).map(name => join(CACHE_DIR, name))
  const others = names.filter(name => name !== current)
  const aged = await Promise.all(others.map(async path => ({ path, time: (await stat(path)).mtimeMs })))
  aged.sort((a, b) => b.time - a.time)
  for (const { path } of aged.slice(KEPT)) await rm(path, { recursive: true, force: true })
}
