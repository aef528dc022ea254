/** Collects files as entries of a cpio archive. All belong to root, whoever runs this. */

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import type { CpioEntry } from '../../agent/image/cpio/cpio.js'

const DIRECTORY = 0o040000
const REGULAR = 0o100000
const SYMLINK = 0o120000
const CHARACTER = 0o020000

export class FileTree {
  readonly #entries = new Map<string, CpioEntry>()

  /** The entries so far, each folder before its content. */
  entries(): CpioEntry[] {
    return [...this.#entries.values()]
  }

  /** Bytes of all files. */
  get size(): number {
    return this.entries().reduce((sum, { data }) => sum + (data?.byteLength ?? 0), 0)
  }

  directory(name: string, mode = 0o755): this {
    this.#add({ name, mode: DIRECTORY | mode })
    return this
  }

  /** @param mtime seconds since 1970 */
  file(name: string, content: Uint8Array | string, mode = 0o644, mtime = 0): this {
    const data = typeof content === 'string' ? Buffer.from(content) : content
    this.#add({ name, mode: REGULAR | mode, data, mtime })
    return this
  }

  link(name: string, target: string): this {
    this.#add({ name, mode: SYMLINK | 0o777, data: Buffer.from(target) })
    return this
  }

  characterDevice(name: string, major: number, minor: number, mode = 0o600): this {
    this.#add({ name, mode: CHARACTER | mode, rdevMajor: major, rdevMinor: minor })
    return this
  }

  /**
   * Copy a file, or a folder with its content. A symbolic link is copied together with its target.
   *
   * @param root folder that stands for `/`
   * @param name path below it
   * @param as path in this tree
   */
  copy(root: string, name: string, as = name): this {
    const path = join(root, name)
    const stat = lstatSync(path)
    if (stat.isDirectory()) {
      this.directory(as, stat.mode & 0o777)
      for (const child of readdirSync(path).sort()) this.copy(root, posix.join(name, child), posix.join(as, child))
    } else if (stat.isSymbolicLink()) {
      const target = readlinkSync(path)
      this.link(as, target)
      const pointed = target.startsWith('/') ? target.slice(1) : posix.join(dirname(name), target)
      if (!this.#entries.has(pointed)) this.copy(root, pointed)
    } else {
      this.file(as, readFileSync(path), stat.mode & 0o777)
    }
    return this
  }

  #add(entry: CpioEntry): void {
    const parent = posix.dirname(entry.name)
    if (parent !== '.' && !this.#entries.has(parent)) this.directory(parent)
    this.#entries.set(entry.name, entry)
  }
}
