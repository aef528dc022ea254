/** The environment saved in one or two copies, in the files or devices that `fw_env.config` names. */

import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fault } from '../../errors.js'
import type { EnvironmentStore, Variables } from './environment.js'
import {
  type EnvironmentImage,
  imageHeaderBytes,
  newerCopy,
  readEnvironmentImage,
  writeEnvironmentImage,
} from './environment-image.js'

/** A line of `fw_env.config`. */
export interface EnvironmentPlace {
  readonly path: string
  /** bytes from the start of the file */
  readonly offset: number
  /** bytes of the image */
  readonly size: number
}

/** Larger than any known environment; it bounds one read. */
const MOST_BYTES = 0x100_0000

/**
 * Read the text of a `fw_env.config`: a line for each copy, with path, offset and size; `#` starts a comment.
 *
 * @throws UBOOT_ENVIRONMENT when it has not one or two copies of the same size
 */
export function parseEnvironmentConfig(text: string, what: string): readonly EnvironmentPlace[] {
  const lines = text.split('\n').map(line => line.replace(/#.*/, '').trim())
  const places = lines
    .filter(line => line !== '')
    .map(line => {
      const [path = '', offset = '', size = ''] = line.split(/\s+/)
      return { path, offset: Number(offset), size: Number(size) }
    })
  const [first] = places
  const sound = places.every(
    ({ offset, size }) =>
      Number.isSafeInteger(offset) &&
      offset >= 0 &&
      Number.isSafeInteger(size) &&
      size <= MOST_BYTES &&
      size === first?.size,
  )
  if (!sound || first === undefined || places.length > 2 || first.size <= imageHeaderBytes(true)) {
    const reason = `expected one or two lines with path, offset and the same size up to ${MOST_BYTES} bytes`
    throw fault('UBOOT_ENVIRONMENT', { what, reason })
  }
  return places
}

const isMissing = (thrown: unknown) => thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'

const failure = (path: string, thrown: unknown) =>
  fault('UBOOT_ENVIRONMENT', { what: path, reason: thrown instanceof Error ? thrown.message : String(thrown) }, thrown)

/** Opening a FIFO would wait for its writer. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK

async function using<T>(path: string, flags: string | number, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags)
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

/** @returns null if the file is missing or too short */
async function readPlace({ path, offset, size }: EnvironmentPlace): Promise<Buffer | null> {
  try {
    return await using(path, READ, async file => {
      const bytes = Buffer.alloc(size)
      const { bytesRead } = await file.read(bytes, 0, size, offset)
      return bytesRead === size ? bytes : null
    })
  } catch (thrown) {
    if (isMissing(thrown)) return null
    throw failure(path, thrown)
  }
}

async function writeAt(path: string, flags: string, bytes: Uint8Array, offset: number): Promise<void> {
  await using(path, flags, async file => {
    // A disk that becomes full takes a part, and refuses only the next one.
    for (let done = 0; done < bytes.length; )
      done += (await file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten
    await file.sync()
  })
}

/** Whether the copy is a file of its own, which can be replaced atomically. */
async function isWholeFile({ path, offset, size }: EnvironmentPlace): Promise<boolean> {
  if (offset !== 0) return false
  try {
    const stats = await using(path, READ, file => file.stat())
    return stats.isFile() && stats.size <= size
  } catch (thrown) {
    // Writing will report any other error.
    return isMissing(thrown)
  }
}

async function writePlace(place: EnvironmentPlace, bytes: Uint8Array): Promise<void> {
  const { path, offset } = place
  try {
    if (!(await isWholeFile(place))) return await writeAt(path, 'r+', bytes, offset)
    const partial = `${path}.new`
    await rm(partial, { force: true, recursive: true })
    try {
      await writeAt(partial, 'wx', bytes, 0)
      await rename(partial, path)
    } finally {
      await rm(partial, { force: true })
    }
    await using(dirname(path), 'r', directory => directory.sync())
  } catch (thrown) {
    throw failure(path, thrown)
  }
}

/**
 * Saves the environment. With two copies the older one is written and the newer one stays as it is, so that a save that is
 * cut short loses nothing. A single copy is replaced at once when it is a file of its own.
 */
export class EnvironmentFile implements EnvironmentStore {
  /**
   * @param name as U-Boot names the kind of storage: `FAT`
   * @param places of one copy or two
   */
  constructor(
    readonly name: string,
    readonly places: readonly EnvironmentPlace[],
  ) {}

  get #redundant(): boolean {
    return this.places.length > 1
  }

  /** bytes that the variables may take, the end of their list included */
  get capacity(): number {
    return Math.min(...this.places.map(({ size }) => size)) - imageHeaderBytes(this.#redundant)
  }

  async load(): Promise<Variables | null> {
    const copies = await this.#copies()
    return copies[this.#newest(copies)]?.variables ?? null
  }

  async save(variables: Variables): Promise<void> {
    const copies = await this.#copies()
    const newest = this.#newest(copies)
    const current = copies[newest] ?? null
    const target = this.places[this.#redundant && current !== null ? 1 - newest : 0]
    if (target === undefined)
      throw fault('UBOOT_ENVIRONMENT', { what: this.name, reason: 'no location is configured for it' })
    const flags = this.#redundant ? ((current?.flags ?? 0) + 1) % 256 : null
    await writePlace(target, writeEnvironmentImage(variables, target.size, flags))
  }

  /** The copies, null for those that are not intact. */
  async #copies(): Promise<readonly (EnvironmentImage | null)[]> {
    const images = await Promise.all(this.places.map(readPlace))
    return images.map(image => (image === null ? null : readEnvironmentImage(image, this.#redundant)))
  }

  /** Index of the copy that counts. */
  #newest([first = null, second = null]: readonly (EnvironmentImage | null)[]): number {
    if (first === null || second === null) return first === null && second !== null ? 1 : 0
    return newerCopy(first.flags, second.flags)
  }
}
