/** Ramdisks of root file systems, kept from one job to the next: KernelCI runs dozens of jobs on the same one. */

import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { fileError, type LocalFile } from '../client/local-file.js'
import { writeRootfsRamdisk } from './rootfs-ramdisk.js'
import type { Survey } from './tarball.js'

/** Ramdisks that are kept, the ones that were used last. */
const KEPT = 4
/** The digest of the tarball, and the bytes that it unpacks to. */
const NAME = /^([0-9a-f]{64})-(\d+)\.cpio\.gz$/

export interface CachedRamdisk {
  readonly path: string
  /** that it takes in the memory of a target */
  readonly unpacked: number
}

export class RamdiskCache {
  /** @param folder is made when it is needed */
  constructor(private readonly folder: string) {}

  /** The ramdisk of a tarball; null if there is none. */
  async find({ sha256 }: LocalFile): Promise<CachedRamdisk | null> {
    for (const name of await this.#names()) {
      const [, digest, unpacked] = NAME.exec(name) ?? []
      if (digest === sha256) return { path: join(this.folder, name), unpacked: Number(unpacked) }
    }
    return null
  }

  /**
   * Convert a tarball, and keep the ramdisk.
   *
   * @param workDir folder for a ramdisk that is not complete yet, on the same file system
   * @throws as `writeRootfsRamdisk`; errors of the file system
   */
  async make(
    { path, sha256 }: LocalFile,
    survey: Survey,
    workDir: string,
    signal: AbortSignal,
  ): Promise<CachedRamdisk> {
    const ramdisk = { path: join(this.folder, `${sha256}-${survey.bytes}.cpio.gz`), unpacked: survey.bytes }
    const part = join(workDir, 'converting.cpio.gz')
    await writeRootfsRamdisk(path, survey, part, signal)
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    await rename(part, ramdisk.path)
    return ramdisk
  }

  /** Say that a ramdisk is used; the ones that were used longest ago go. */
  async used({ path }: CachedRamdisk): Promise<void> {
    const now = new Date()
    await utimes(path, now, now)
    const files = await Promise.all(
      (await this.#names()).map(async name => ({ name, used: (await stat(join(this.folder, name))).mtimeMs })),
    )
    files.sort((a, b) => b.used - a.used)
    for (const { name } of files.slice(KEPT)) await rm(join(this.folder, name), { force: true })
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.folder)).filter(name => NAME.test(name))
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw fault('PULL_STATE', { directory: this.folder, reason: fileError(this.folder, thrown).message }, thrown)
    }
  }
}
