/** Ramdisks of root file systems, kept from one job to the next: KernelCI runs dozens of jobs on the same one. */

import { link, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../../agent/make-folder.js'
import type { LocalFile } from '../client/local-file.js'

/** Ramdisks that are kept, the ones that were used last. */
const KEPT = 4
/** The digest of the tarball, and the bytes that it unpacks to. */
const NAME = /^([0-9a-f]{64})-(\d+)\.cpio\.gz$/

/** Methods throw errors of the file system. Files are linked, so those of a job stay when the cache drops them. */
export class RamdiskCache {
  /** @param folder on the same file system as the files of jobs; it is made when it is needed */
  constructor(private readonly folder: string) {}

  /**
   * Use the ramdisk of a tarball.
   *
   * @param path that it gets
   * @returns the bytes that the tarball unpacks to; null if there is no ramdisk of it
   */
  async take({ sha256 }: LocalFile, path: string): Promise<number | null> {
    for (const name of await this.#names()) {
      const [, digest, unpacked] = NAME.exec(name) ?? []
      if (digest !== sha256) continue
      await link(join(this.folder, name), path)
      const now = new Date()
      await utimes(path, now, now)
      return Number(unpacked)
    }
    return null
  }

  /** Keep a ramdisk; the ones that were used longest ago go. @param unpacked bytes that the tarball unpacks to */
  async keep({ sha256 }: LocalFile, unpacked: number, path: string): Promise<void> {
    await makeFolder(this.folder, 0o700)
    // Another board's job may have been faster.
    await link(path, join(this.folder, `${sha256}-${unpacked}.cpio.gz`)).catch(otherwise('EEXIST', undefined))
    const names = await this.#names()
    const files = await Promise.all(
      names.map(async name => ({ name, used: (await stat(join(this.folder, name))).mtimeMs })),
    )
    files.sort((a, b) => b.used - a.used)
    for (const { name } of files.slice(KEPT)) await rm(join(this.folder, name), { force: true })
  }

  async #names(): Promise<string[]> {
    const names = await readdir(this.folder).catch(otherwise('ENOENT', []))
    return names.filter(name => NAME.test(name))
  }
}

/** A value in place of one error of the file system. */
const otherwise =
  <T>(code: string, value: T) =>
  (thrown: unknown): T => {
    if ((thrown as NodeJS.ErrnoException).code === code) return value
    throw thrown
  }
