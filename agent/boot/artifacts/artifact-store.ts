/** Artifacts on memory-backed storage: uploads, and files of jobs. */

import { lstat, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FauxbootError, fault } from '../../errors.js'
import { makeFolder } from '../../make-folder.js'
import type { FileRange } from '../jobs/job.js'
import { copyBody, type Interruption, partOf, type ReceiveOptions, type UploadPart } from './artifact-upload.js'
import { fileState } from './file-state.js'
import { digestFile, PartialFile, ROOM_REMEDY } from './partial-file.js'
import {
  checkedDigest,
  checkIdle,
  checkName,
  isArtifactName,
  isJobFile,
  jobFileName,
  newArtifact,
  PARTIAL,
  type StoredArtifact,
} from './stored-artifact.js'

export type { ReceiveOptions } from './artifact-upload.js'
export { parseContentRange } from './content-range.js'

/** An artifact as clients see it. */
export interface ArtifactView {
  readonly name: string
  /** bytes of the whole artifact; null while unknown */
  readonly size: number | null
  /** bytes stored so far; an upload resumes at this offset */
  readonly received: number
  readonly complete: boolean
  /** lower-case hex; null while incomplete */
  readonly sha256: string | null
  /** id of the job that uses it: it cannot be deleted or replaced meanwhile */
  readonly usedBy: string | null
}

export interface ArtifactStoreOptions {
  /** directory on a tmpfs */
  readonly directory: string
  /** bytes of `available()` that artifacts never get */
  readonly reserve: number
  /** `MemAvailable`, bytes */
  available(): Promise<number>
  /** bytes held elsewhere that jobs borrow ({@link ArtifactStore.addFileRange}); none by default */
  lent?(): number
  /** the whole file without `part` */
  mapFile(path: string, part?: Pick<FileRange, 'offset' | 'size'>): Uint8Array | Promise<Uint8Array>
}

export class ArtifactStore {
  readonly #options: ArtifactStoreOptions
  readonly #entries = new Map<string, StoredArtifact>()
  #uploaded = 0

  private constructor(options: ArtifactStoreOptions) {
    this.#options = options
  }

  /**
   * Read what an earlier run of the agent left: complete and partial uploads are kept; files of jobs are removed, because
   * their jobs have failed.
   */
  static async open(options: ArtifactStoreOptions): Promise<ArtifactStore> {
    const store = new ArtifactStore(options)
    await makeFolder(options.directory, 0o700)
    for (const file of await readdir(options.directory)) await store.#find(file)
    return store
  }

  /** Every artifact, by name; files that belong to jobs are not listed. */
  async list(): Promise<ArtifactView[]> {
    const entries = [...this.#entries.values()].filter(({ name }) => !isJobFile(name))
    const views = await Promise.all(entries.map(entry => this.#view(entry)))
    return views.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** @throws ARTIFACT_UNKNOWN, ARTIFACT_NAME */
  async get(name: string): Promise<ArtifactView> {
    checkName(name)
    return this.#view(this.#entry(name))
  }

  /**
   * Store a body. If the source breaks off, the received part is kept, and a later call with `range` resumes
   * there. The source is not destroyed when this throws.
   *
   * @throws ARTIFACT_NAME, ARTIFACT_BUSY, ARTIFACT_RANGE, ARTIFACT_TOO_LARGE, ARTIFACT_INCOMPLETE, VERIFY_SIZE,
   *   VERIFY_SHA256; an error of the table that the source fails with; the reason of `signal`
   */
  async receive(name: string, source: AsyncIterable<Uint8Array>, options: ReceiveOptions = {}): Promise<ArtifactView> {
    checkName(name)
    return this.#receive(name, source, options)
  }

  /**
   * Store a body that belongs to a job about to be submitted: it gets a name of its own, to be put into the request as
   * `artifact`, is not listed, and is removed when the job ends. When the source breaks off, nothing is kept.
   *
   * @param role `kernel`, `ramdisk`, ...: becomes part of the name
   * @throws as `receive`
   */
  async receiveForJob(
    role: string,
    source: AsyncIterable<Uint8Array>,
    options: ReceiveOptions = {},
  ): Promise<ArtifactView> {
    const name = jobFileName(role)
    try {
      return await this.#receive(name, source, options)
    } catch (thrown) {
      await this.discard([name])
      throw thrown
    }
  }

  /** Remove unused files that were received for a job that never started. Other names are ignored. */
  async discard(names: Iterable<string>): Promise<void> {
    for (const name of names) {
      const entry = this.#entries.get(name)
      if (entry !== undefined && isJobFile(name) && entry.users.size === 0) await this.#remove(entry)
    }
  }

  /** @throws ARTIFACT_UNKNOWN, ARTIFACT_NAME, ARTIFACT_BUSY */
  async delete(name: string): Promise<void> {
    checkName(name)
    const entry = this.#entry(name)
    checkIdle(entry)
    await this.#remove(entry)
  }

  /** Remove an artifact that no job uses and no client sends; leave any other alone. */
  async deleteUnused(name: string): Promise<void> {
    const entry = this.#entries.get(name)
    if (entry !== undefined && !entry.busy && entry.users.size === 0) await this.#remove(entry)
  }

  /** The bytes of a complete artifact, mapped. @throws ARTIFACT_UNKNOWN, ARTIFACT_BUSY while incomplete */
  async bytes(name: string): Promise<Uint8Array> {
    const { received, range } = this.#complete(name)
    // A map of nothing is an error of the system call.
    if (received === 0) return new Uint8Array()
    return range === null ? this.#options.mapFile(this.#path(name)) : this.#options.mapFile(range.path, range)
  }

  /**
   * The bytes of a complete artifact, from a new mapping, if its file has not changed since its digest was taken. Null if
   * it may have.
   *
   * @throws ARTIFACT_UNKNOWN, ARTIFACT_BUSY while incomplete
   */
  async unchanged(name: string): Promise<Uint8Array | null> {
    const entry = this.#complete(name)
    return entry.state !== null && entry.state === (await this.#state(entry)) ? this.bytes(name) : null
  }

  /** Size and digest of a complete artifact. @throws ARTIFACT_UNKNOWN, ARTIFACT_BUSY while incomplete */
  async facts(name: string): Promise<{ readonly size: number; readonly sha256: string }> {
    const entry = this.#complete(name)
    return { size: entry.received, sha256: await this.#sha256(entry) }
  }

  /**
   * Bytes that may still be stored. Every byte stored, and every byte lent, is copied once more by `kexec_load(2)`, which
   * keeps its copy in kernel memory. So these copies are subtracted, and the rest is halved.
   */
  async limit(): Promise<number> {
    const free = await this.#measure()
    return Math.max(0, free())
  }

  /** The limit, to be computed when it is used, because files at the same time share it; it may be less than nothing. */
  async #measure(): Promise<() => number> {
    const { available, reserve, lent } = this.#options
    const bytes = await available()
    return () => Math.floor((bytes - reserve - this.stored - (lent?.() ?? 0)) / 2) - this.promised
  }

  /**
   * Refuse what cannot fit.
   *
   * @param what for the message
   * @param size bytes that are known to come
   * @throws ARTIFACT_TOO_LARGE
   */
  async checkRoom(what: string, size: number): Promise<void> {
    const limit = await this.limit()
    if (size > limit) throw fault('ARTIFACT_TOO_LARGE', { what, size, limit, remedy: ROOM_REMEDY })
  }

  /** Bytes promised to files that are still arriving; no other file may take them. */
  get promised(): number {
    let bytes = 0
    for (const { file } of this.#entries.values()) bytes += file?.promised ?? 0
    return bytes
  }

  /** Bytes stored, those of jobs and of incomplete files too; not those that jobs borrow. */
  get stored(): number {
    let bytes = 0
    for (const { file, received, range } of this.#entries.values())
      bytes += range === null ? (file?.received ?? received) : 0
    return bytes
  }

  /** Number of files, those of jobs too. */
  get count(): number {
    return this.#entries.size
  }

  /** Bytes that uploads brought since the agent started. */
  get uploaded(): number {
    return this.#uploaded
  }

  /** A job uses an artifact: it stays as it is until `release`. @throws ARTIFACT_UNKNOWN, ARTIFACT_BUSY while incomplete */
  hold(name: string, job: string): void {
    this.#complete(name).users.add(job)
  }

  /** A job needs one of its files no longer. A file that belongs to jobs goes with its last user. */
  async release(name: string, job: string): Promise<void> {
    this.#entries.get(name)?.users.delete(job)
    await this.discard([name])
  }

  /** A job has ended. */
  async releaseAll(job: string): Promise<void> {
    for (const { name, users } of this.#entries.values()) {
      if (users.has(job)) await this.release(name, job)
    }
  }

  /**
   * Make a file that belongs to a job.
   *
   * @param what for messages: a URL, or `modules as cpio`
   * @param job becomes the file's user
   * @param digest compute the digest while writing; otherwise `fill` must know it
   * @param fill writes the file and returns its digest, lower-case hex. If it throws, no file remains
   * @returns the file's name
   * @throws ARTIFACT_TOO_LARGE
   */
  async makeJobFile(
    { role, what, job, digest }: { role: string; what: string; job: string; digest: boolean },
    fill: (file: PartialFile) => Promise<string>,
  ): Promise<string> {
    const entry = newArtifact(jobFileName(role))
    this.#entries.set(entry.name, entry)
    try {
      const options = { what, measure: () => this.#measure(), digest }
      const file = await PartialFile.create(this.#path(entry.name, PARTIAL), options)
      entry.file = file
      const sha256 = await fill(file)
      await this.#close(entry, file)
      await this.#finish(entry, sha256)
    } catch (thrown) {
      await this.#remove(entry)
      throw thrown
    }
    entry.users.add(job)
    return entry.name
  }

  /**
   * Use part of another file as a file of a job, without a copy.
   *
   * @param part must stay as it is until the job ends
   * @returns the file's name
   */
  addFileRange({ role, job, part }: { role: string; job: string; part: FileRange }): string {
    const entry = newArtifact(jobFileName(role), part)
    Object.assign(entry, { size: part.size, received: part.size, complete: true })
    entry.users.add(job)
    this.#entries.set(entry.name, entry)
    return entry.name
  }

  async #receive(name: string, source: AsyncIterable<Uint8Array>, options: ReceiveOptions): Promise<ArtifactView> {
    const entry = this.#entries.get(name) ?? newArtifact(name)
    checkIdle(entry)
    const part = partOf(name, entry, options)
    // No other call may use it now.
    entry.busy = true
    this.#entries.set(name, entry)
    try {
      await this.#checkFreeSpace(entry, part)
      const interruption = await this.#fill(entry, source, part, options)
      if (interruption !== null) throw this.#interrupted(entry, interruption, options.signal)
      return await this.#view(entry)
    } finally {
      entry.busy = false
      const empty = !entry.complete && entry.received === 0
      if (empty && this.#entries.get(name) === entry) await this.#remove(entry)
    }
  }

  /** Refuse a body that does not fit before the first byte is read and before the file it replaces is removed. */
  async #checkFreeSpace(entry: StoredArtifact, { first, end, total }: UploadPart): Promise<void> {
    const size = total ?? end
    if (size === null) return
    const freed = first === 0 ? entry.received : 0
    const free = (await this.limit()) + freed
    if (size - first <= free) return
    throw fault('ARTIFACT_TOO_LARGE', {
      what: `artifact ${entry.name}`,
      size,
      limit: first + free,
      remedy: ROOM_REMEDY,
    })
  }

  async #fill(
    entry: StoredArtifact,
    source: AsyncIterable<Uint8Array>,
    part: UploadPart,
    { sha256, signal }: ReceiveOptions,
  ): Promise<Interruption | null> {
    try {
      const file = await this.#openPart(entry, part)
      entry.file = file
      if (part.end !== null) await file.expect(part.end - part.first)
      const interruption = await copyBody(entry.name, source, file, part, signal)
      this.#uploaded += file.received - part.first
      entry.digest = file.digest
      await this.#close(entry, file)
      entry.size = part.total
      if (interruption === null && part.whole) await this.#finish(entry, checkedDigest(entry.name, file.digest, sha256))
      return interruption
    } catch (thrown) {
      // The stored bytes are wrong or cannot be kept.
      await this.#remove(entry)
      throw thrown
    }
  }

  async #openPart(entry: StoredArtifact, { first }: UploadPart): Promise<PartialFile> {
    const path = this.#path(entry.name, PARTIAL)
    const options = { what: `artifact ${entry.name}`, measure: () => this.#measure() }
    if (first > 0) return PartialFile.resume(path, options, entry.digest)
    // A complete file may be mapped: it is never written to, a new one takes its name.
    if (entry.complete) await rm(this.#path(entry.name), { force: true })
    Object.assign(entry, { complete: false, received: 0, size: null, sha256: null, state: null })
    return PartialFile.create(path, options)
  }

  #interrupted(entry: StoredArtifact, { reason }: Interruption, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted === true || reason instanceof FauxbootError) return reason
    const text = reason instanceof Error ? reason.message : String(reason)
    return fault('ARTIFACT_INCOMPLETE', { name: entry.name, received: entry.received, reason: text }, reason)
  }

  async #close(entry: StoredArtifact, file: PartialFile): Promise<void> {
    await file.close()
    entry.file = null
    entry.received = file.received
  }

  /** The file is complete: give it its name. */
  async #finish(entry: StoredArtifact, sha256: string): Promise<void> {
    await rename(this.#path(entry.name, PARTIAL), this.#path(entry.name))
    entry.size = entry.received
    entry.complete = true
    entry.sha256 = Promise.resolve(sha256)
    entry.state = await this.#state(entry)
    entry.digest = null
  }

  async #remove(entry: StoredArtifact): Promise<void> {
    entry.busy = true
    await entry.file?.discard()
    await rm(this.#path(entry.name, PARTIAL), { force: true })
    await rm(this.#path(entry.name), { force: true })
    this.#entries.delete(entry.name)
  }

  /** A file that was in the directory when the agent started. */
  async #find(file: string): Promise<void> {
    const path = join(this.#options.directory, file)
    const stats = await lstat(path)
    const { size } = stats
    const name = file.endsWith(PARTIAL) ? file.slice(0, -PARTIAL.length) : file
    if (!stats.isFile() || !isArtifactName(name)) return rm(path, { recursive: true, force: true })
    const entry = newArtifact(name)
    entry.received = size
    entry.complete = file === name
    entry.size = entry.complete ? size : null
    this.#entries.set(name, entry)
  }

  #path(name: string, suffix = ''): string {
    return join(this.#options.directory, name + suffix)
  }

  #entry(name: string): StoredArtifact {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw fault('ARTIFACT_UNKNOWN', { name })
    return entry
  }

  #complete(name: string): StoredArtifact {
    const entry = this.#entry(name)
    if (entry.complete) return entry
    throw fault('ARTIFACT_BUSY', {
      name,
      reason: `incomplete: ${entry.file?.received ?? entry.received} bytes are here`,
    })
  }

  #sha256(entry: StoredArtifact): Promise<string> {
    entry.sha256 ??= this.#digest(entry)
    return entry.sha256
  }

  async #digest(entry: StoredArtifact): Promise<string> {
    const state = await this.#state(entry)
    const hash = await digestFile(entry.range ?? this.#path(entry.name))
    entry.state = state
    return hash.digest('hex')
  }

  #state({ name, range }: StoredArtifact): Promise<string> {
    return fileState(range?.path ?? this.#path(name))
  }

  async #view(entry: StoredArtifact): Promise<ArtifactView> {
    const { name, size, received, complete, file, users } = entry
    const [usedBy = null] = users
    const sha256 = complete ? await this.#sha256(entry) : null
    return { name, size, received: file?.received ?? received, complete, sha256, usedBy }
  }
}
