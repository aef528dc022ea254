/** A file on memory-backed storage while it grows. */

import { createHash, type Hash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { fault } from '../../errors.js'
import type { Sink } from '../../transfer/sink.js'
import type { FileRange } from '../jobs/job.js'

/** Chunks are gathered up to this many bytes before they are written: one call into the kernel for many. */
const BATCH = 1024 * 1024
/** Bytes after which the free memory is checked again, because other processes use it too. */
const STEP = 8 * 1024 * 1024
const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'ENOMEM']

/** Whether a write failed because a tmpfs is full, or its memory is. */
export function isFull(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && FULL.includes(thrown.code)
}

export const ROOM_REMEDY = 'delete artifacts that are not needed, or send a smaller file'

export interface PartialFileOptions {
  /** what the file is, for messages */
  readonly what: string
  /**
   * Look at the memory. The function says how many bytes are free now, beyond what is promised to this and to other files;
   * less than none are, when others took what was promised.
   */
  measure(): Promise<() => number>
  /** compute the digest while writing; default true */
  readonly digest?: boolean
}

/** sha256 of a file or of a part of one, open for more. */
export async function digestFile(file: string | FileRange): Promise<Hash> {
  const hash = createHash('sha256')
  // A stream has no range without bytes.
  if (typeof file !== 'string' && file.size === 0) return hash
  const { path, ...range } = typeof file === 'string' ? { path: file } : streamRange(file)
  for await (const chunk of createReadStream(path, { highWaterMark: BATCH, ...range })) hash.update(chunk)
  return hash
}

/** Streams count with the last byte. */
const streamRange = ({ path, offset, size }: FileRange) => ({ path, start: offset, end: offset + size - 1 })

/**
 * A file that is being written. Calls must not overlap.
 */
export class PartialFile implements Sink {
  readonly path: string
  readonly #options: PartialFileOptions
  #handle: FileHandle
  #hash: Hash
  #received: number
  /** bytes that need no further look at the memory */
  #allowed: number
  /** bytes of the whole file, as far as they are known */
  #expected = 0
  #batch: Uint8Array[] = []
  #batched = 0
  /** the batch on its way to the file while the next one is gathered */
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, options: PartialFileOptions, handle: FileHandle, hash: Hash, received: number) {
    this.path = path
    this.#options = options
    this.#handle = handle
    this.#hash = hash
    this.#received = received
    this.#allowed = received
  }

  /** Create an empty file; it replaces an existing one. */
  static async create(path: string, options: PartialFileOptions): Promise<PartialFile> {
    await rm(path, { force: true })
    return new PartialFile(path, options, await open(path, 'wx', 0o600), createHash('sha256'), 0)
  }

  /**
   * Go on with a file that was closed before it was complete.
   *
   * @param digest of its bytes; computed from the file if an earlier run of the agent wrote it
   */
  static async resume(path: string, options: PartialFileOptions, digest: Hash | null): Promise<PartialFile> {
    const hash = digest ?? (await digestFile(path))
    const handle = await open(path, constants.O_WRONLY | constants.O_APPEND)
    const { size } = await handle.stat()
    return new PartialFile(path, options, handle, hash, size)
  }

  /** Bytes taken so far. */
  get received(): number {
    return this.#received
  }

  /** Bytes that may still come without a further look at the memory, or that were announced: no other file gets them. */
  get promised(): number {
    return Math.max(0, this.#allowed - this.#received, this.#expected - this.#received)
  }

  /** @throws ARTIFACT_TOO_LARGE unless they all fit; otherwise they are promised to this file */
  async expect(bytes: number): Promise<void> {
    const free = await this.#options.measure()
    // From here to the promise, nothing else may run: all files share the memory.
    const room = free() + this.promised
    const size = this.#received + bytes
    if (bytes > room) throw this.#tooLarge(size, this.#received + Math.max(0, room))
    this.#expected = size
  }

  /** sha256 of the bytes so far, open for more; of nothing with `digest: false`. */
  get digest(): Hash {
    return this.#hash
  }

  /** @throws ARTIFACT_TOO_LARGE when memory runs out */
  async write(chunk: Uint8Array): Promise<void> {
    const size = this.#received + chunk.length
    if (size > this.#allowed) await this.#allow(size)
    if (this.#options.digest !== false) this.#hash.update(chunk)
    this.#batch.push(chunk)
    this.#batched += chunk.length
    this.#received = size
    if (this.#batched >= BATCH) await this.#send()
  }

  /** Forget everything. */
  async reset(): Promise<void> {
    await this.discard()
    this.#handle = await open(this.path, 'wx', 0o600)
    this.#hash = createHash('sha256')
    this.#received = 0
    this.#writing = Promise.resolve()
  }

  /** Write the buffered bytes and close the file. @throws ARTIFACT_TOO_LARGE */
  async close(): Promise<void> {
    try {
      await this.#send()
      await this.#writing
    } finally {
      await this.#handle.close()
    }
  }

  /** Close and remove the file. */
  async discard(): Promise<void> {
    this.#batch = []
    this.#batched = 0
    this.#allowed = 0
    this.#expected = 0
    // A batch that could not be written goes with the rest.
    await Promise.allSettled([this.#writing])
    await this.#handle.close()
    await rm(this.path, { force: true })
  }

  async #allow(size: number): Promise<void> {
    const free = await this.#options.measure()
    // As in `expect`.
    const room = free() + this.promised
    const missing = size - this.#received
    if (missing > room) throw this.#tooLarge(size, this.#received + Math.max(0, room))
    this.#allowed = this.#received + Math.min(room, Math.max(missing, STEP))
  }

  /** Start to write the gathered batch, when the one before is written. */
  async #send(): Promise<void> {
    await this.#writing
    if (this.#batched === 0) return
    const batch = this.#batch
    this.#batch = []
    this.#batched = 0
    this.#writing = this.#append(batch)
    // Awaited by the next call; until then a failure waits there instead of ending the process.
    Promise.allSettled([this.#writing])
  }

  async #append(chunks: Uint8Array[]): Promise<void> {
    try {
      let rest = chunks
      while (rest.length > 0) {
        const { bytesWritten } = await this.#handle.writev(rest)
        rest = after(rest, bytesWritten)
      }
    } catch (thrown) {
      throw isFull(thrown) ? this.#tooLarge(this.#received, this.#received - this.#batched, thrown) : thrown
    }
  }

  #tooLarge(size: number, limit: number, cause?: unknown) {
    return fault('ARTIFACT_TOO_LARGE', { what: this.#options.what, size, limit, remedy: ROOM_REMEDY }, cause)
  }
}

/** The chunks without their first bytes. */
export function after(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skipped = bytes
  const rest: Uint8Array[] = []
  for (const chunk of chunks) {
    if (skipped < chunk.length) rest.push(chunk.subarray(skipped))
    skipped = Math.max(0, skipped - chunk.length)
  }
  return rest
}
