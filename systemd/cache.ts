/** Folders that are expensive to make, kept under a name made of everything that goes into them. */

import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { CACHE_DIR } from './paths.js'

/** Entries of one kind that stay beside a new one: another branch's, or another process's that still reads it. */
const KEPT = 7

/** Raised when the meaning of cached folders changes. */
const FORMAT = 1

/**
 * Digest of whatever a cached folder depends on.
 *
 * @param parts text and bytes, in a fixed order; each counts with its length
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
 * The folder `<kind>-<key>` of the cache, made when it is not there yet. A folder appears complete or not at all: it
 * is made under another name, and the first of several makers wins.
 *
 * @param kind what is kept, for people who look into the cache
 * @param key of {@link contentKey}
 * @param make fills the empty folder that it is given
 * @returns path of the folder; its files are not to be changed
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
