/** The root file system of a job on its way to a board: as a ramdisk if the board has the memory, otherwise over NFS. */

import { copyFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BoardView } from '../../agent/boot/board/board.js'
import { fault } from '../../agent/errors.js'
import { fileError, type LocalFile, measureFile } from '../client/local-file.js'
import { formatBytes } from '../terminal/quantities.js'
import { type Layer, type NfsSettings, nfsCommandLine, unpackNfsRoot } from './nfs-root.js'
import type { RamdiskCache } from './ramdisk-cache.js'
import { appendTarball, writeRootfsRamdisk } from './rootfs-ramdisk.js'
import { type Survey, surveyTarball } from './tarball.js'

/** Paths of the files that a root file system is made of. */
export interface RootfsFiles {
  readonly rootfs: string
  readonly modules?: string
  /** further tarballs, each with the folder of the target that it goes into */
  readonly extras: readonly Layer[]
}

export interface RootfsBootOptions {
  readonly cache: RamdiskCache
  /** null: the machine serves none */
  readonly nfs: NfsSettings | null
  /** name of the board */
  readonly board: string
  /** folder for the job's files */
  readonly workDir: string
  readonly note: (line: string) => void
}

/** What differs in the target. */
export interface RootfsTarget {
  readonly ramdisk?: string
  readonly modules?: string
  readonly cmdline: string
}

/** Memory of a board that a decision takes, bytes. */
export type BoardMemory = Pick<BoardView, 'memory' | 'artifacts'>

/** For the agent and its kernel while a ramdisk is loaded, bytes. */
const AGENT_BYTES = 64 * 1024 ** 2
/** The root file system as a ramdisk, in the job's folder. */
const CONVERTED = 'rootfs.cpio.gz'

/**
 * Whether a ramdisk is too large for a board.
 *
 * @param unpacked bytes in the target's memory
 * @param packed bytes of the files that the agent stores; 0 when they are not known yet
 * @returns why; null if it fits
 */
function whyTooLarge({ memory, artifacts }: BoardMemory, unpacked: number, packed: number): string | null {
  const { total, available } = memory
  // Linux gives an initramfs half of the memory (tmpfs(5)), and the tests need the rest.
  if (unpacked > total / 2) {
    return `takes ${formatBytes(unpacked)} in memory, and a ramdisk may take ${formatBytes(total / 2)} of the board's ${formatBytes(total)}`
  }
  // The agent keeps the file until the kernel has its copy of it.
  const room = Math.min(artifacts.limit, (available - AGENT_BYTES) / 2)
  if (packed <= room) return null
  return `makes a ramdisk of ${formatBytes(packed)}, and the board has room for ${formatBytes(Math.max(0, room))}`
}

export class RootfsBoot {
  readonly #files: RootfsFiles
  readonly #options: RootfsBootOptions
  readonly #tarball: LocalFile
  /** null if the ramdisk is there already */
  readonly #survey: Survey | null
  readonly #unpacked: number
  #nfsRoot: string | null = null

  private constructor(
    files: RootfsFiles,
    options: RootfsBootOptions,
    sizes: { readonly tarball: LocalFile; readonly survey: Survey | null; readonly unpacked: number },
  ) {
    this.#files = files
    this.#options = options
    this.#tarball = sizes.tarball
    this.#survey = sizes.survey
    this.#unpacked = sizes.unpacked
  }

  /**
   * Look at the files before the board is switched on.
   *
   * @throws CLI_FILE, FORMAT_*, DECOMPRESS_FAILED, PROGRAM_MISSING, the signal's reason
   */
  static async prepare(files: RootfsFiles, options: RootfsBootOptions, signal: AbortSignal): Promise<RootfsBoot> {
    const { cache, workDir, note } = options
    const tarball = await measureFile(files.rootfs, signal)
    const kept = await cache.take(tarball, join(workDir, CONVERTED))
    const survey = kept === null ? await surveyTarball(files.rootfs, 'rootfs', signal) : null
    let unpacked = kept ?? survey?.bytes ?? 0
    for (const { file, folder } of layersOver(files)) unpacked += (await surveyTarball(file, folder, signal)).bytes
    note(`rootfs: takes ${formatBytes(unpacked)}${kept === null ? '' : '; its ramdisk is there from an earlier job'}`)
    return new RootfsBoot(files, options, { tarball, survey, unpacked })
  }

  /**
   * Make what a board boots.
   *
   * @param board what it says of its memory
   * @throws PULL_UNSUPPORTED when it does not fit and the lab serves no NFS; CLI_FILE, PULL_NFS, BUILD_TOOL, the signal's reason
   */
  async target(board: BoardMemory, cmdline: string, signal: AbortSignal): Promise<RootfsTarget> {
    const { nfs, note } = this.#options
    const { modules } = this.#files
    let reason = whyTooLarge(board, this.#unpacked, 0)
    if (reason === null) {
      const ramdisk = await this.#ramdisk(signal).catch(thrown => this.#refuse(thrown, signal))
      const packed = await sizeOf([ramdisk, ...(modules === undefined ? [] : [modules])])
      reason = whyTooLarge(board, this.#unpacked, packed)
      if (reason === null) return { ramdisk, modules, cmdline }
    }
    if (nfs === null) {
      throw fault('PULL_UNSUPPORTED', {
        where: 'artifacts.rootfs',
        reason: `${reason}; to serve it over NFS, add nfs to the settings`,
      })
    }
    note(`rootfs: ${reason}; it is served over NFS`)
    return this.#overNfs(nfs, cmdline, signal)
  }

  /** Remove what is served. The files in the job's folder go with it. */
  async remove(): Promise<void> {
    if (this.#nfsRoot !== null) await rm(this.#nfsRoot, { recursive: true, force: true })
  }

  async #ramdisk(signal: AbortSignal): Promise<string> {
    const { cache, workDir, note } = this.#options
    const { extras } = this.#files
    const converted = join(workDir, CONVERTED)
    if (this.#survey !== null) {
      note('rootfs: converting it into a ramdisk')
      await writeRootfsRamdisk(this.#tarball.path, this.#survey, converted, signal)
      await cache.keep(this.#tarball, this.#survey.bytes, converted)
    }
    if (extras.length === 0) return converted
    // What is kept is the same file.
    const whole = join(workDir, 'ramdisk.cpio.gz')
    await copyFile(converted, whole)
    for (const { file, folder } of extras) await appendTarball(file, folder, whole, signal)
    return whole
  }

  /** A tree that cannot be converted is no fault of the kernel under test. */
  #refuse(thrown: unknown, signal: AbortSignal): never {
    const { workDir } = this.#options
    signal.throwIfAborted()
    const error = fileError(workDir, thrown)
    if (error.code === 'CLI_FILE') throw error
    const reason = `cannot become a ramdisk: ${error.message}`
    throw fault('PULL_UNSUPPORTED', { where: 'artifacts.rootfs', reason }, error)
  }

  async #overNfs(nfs: NfsSettings, cmdline: string, signal: AbortSignal): Promise<RootfsTarget> {
    const { board } = this.#options
    const layers = [{ file: this.#files.rootfs, folder: '' }, ...layersOver(this.#files)]
    this.#nfsRoot = join(nfs.root, board)
    await unpackNfsRoot(layers, nfs, board, signal)
    return { cmdline: nfsCommandLine(cmdline, this.#nfsRoot, nfs) }
  }
}

/** What is unpacked over the root file system. */
const layersOver = ({ modules, extras }: RootfsFiles): Layer[] => [
  ...(modules === undefined ? [] : [{ file: modules, folder: '' }]),
  ...extras,
]

async function sizeOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async file => (await stat(file)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
