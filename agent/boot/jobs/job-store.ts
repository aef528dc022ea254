/** Jobs on disk, for the next run of the agent or the next first stage. */

import { constants } from 'node:fs'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../../make-folder.js'
import { JOB_STATES } from './job.js'
import type { JobRecord } from './job-record.js'

/** More than any record has: one with all its events is below 2 MiB. */
const LARGEST = 16 * 1024 * 1024
const FILE = /^([0-9a-z-]{1,64})\.json$/
const TEMPORARY = '.tmp'
const CORRUPT = '.corrupt'

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isEvent = (value: unknown): boolean =>
  isObject(value) &&
  Number.isSafeInteger(value.seq) &&
  typeof value.time === 'string' &&
  ['state', 'finding', 'log'].includes(String(value.type))

/** What {@link JobStore.open} found. */
interface Opened {
  readonly store: JobStore
  /** the oldest first */
  readonly records: JobRecord[]
  /** names of the files that were moved aside */
  readonly corrupt: string[]
  /** what could not be read, or cleaned up */
  readonly problems: string[]
}

/** Whether a parsed file has everything that is looked at before a client sees it. */
function isRecord(value: unknown, id: string): value is JobRecord {
  if (!isObject(value) || value.version !== 1 || !Number.isSafeInteger(value.number)) return false
  const { view, events, plan } = value
  return (
    isObject(view) &&
    view.id === id &&
    JOB_STATES.some(state => state === view.state) &&
    typeof view.created === 'string' &&
    typeof view.updated === 'string' &&
    isObject(view.request) &&
    isObject(view.durations) &&
    Array.isArray(view.artifacts) &&
    view.artifacts.every(isObject) &&
    (plan === null || isObject(plan)) &&
    Array.isArray(events) &&
    events.every(isEvent)
  )
}

export class JobStore {
  readonly #directory: string
  /** saves follow one another: two of the same job must not meet in one file */
  #last: Promise<void> = Promise.resolve()

  private constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * Read all jobs. Unreadable files are renamed to `NAME.corrupt`. The agent starts whatever is in the
   * directory, and without a directory: a board that remembers no jobs still boots them.
   *
   * @param directory made when missing
   */
  static async open(directory: string): Promise<Opened> {
    const opened: Opened = { store: new JobStore(directory), records: [], corrupt: [], problems: [] }
    const attempt = async (step: () => Promise<void>): Promise<void> => {
      try {
        await step()
      } catch (thrown) {
        opened.problems.push(thrown instanceof Error ? thrown.message : String(thrown))
      }
    }
    await attempt(async () => {
      await makeFolder(directory, 0o700)
      for (const name of (await readdir(directory)).sort()) await attempt(() => restore(directory, name, opened))
    })
    opened.records.sort((a, b) => a.number - b.number)
    return opened
  }

  /**
   * Save a job. When this resolves, it is on disk; a crash at any time leaves either the old or the new record. If it cannot
   * be written, the old record goes as well: it would show a state that the job has left.
   */
  save(record: JobRecord): Promise<void> {
    const text = JSON.stringify(record)
    const path = this.#path(record.view.id)
    return this.#follow(async () => {
      try {
        await this.#write(path, text)
      } catch {
        // The second attempt reports what is wrong; without the old record there may be room for it.
        await rm(path, { force: true, recursive: true })
        await this.#write(path, text)
      }
    })
  }

  async #write(path: string, text: string): Promise<void> {
    const partial = path + TEMPORARY
    await rm(partial, { force: true, recursive: true })
    try {
      const file = await open(partial, 'wx', 0o600)
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(partial, path)
    } catch (thrown) {
      await rm(partial, { force: true })
      throw thrown
    }
    await this.#syncDirectory()
  }

  /** Forget a job. */
  remove(id: string): Promise<void> {
    return this.#follow(() => rm(this.#path(id), { force: true }))
  }

  /** Resolves when all requested writes have finished. */
  settled(): Promise<void> {
    return this.#last
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`)
  }

  /** A rename is on the disk only when its directory is. */
  async #syncDirectory(): Promise<void> {
    const directory = await open(this.#directory, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  }

  #follow(step: () => Promise<void>): Promise<void> {
    const done = this.#last.then(step)
    // A failed save concerns only its caller; the next one is tried regardless.
    this.#last = Promise.allSettled([done]).then(() => undefined)
    return done
  }
}

/** Read one file of the directory, or move it out of the way. */
async function restore(directory: string, name: string, { records, corrupt }: Opened): Promise<void> {
  const path = join(directory, name)
  // Half-written: the agent stopped in between, and the file it was to replace is still there.
  if (name.endsWith(TEMPORARY)) await rm(path, { force: true, recursive: true })
  const id = FILE.exec(name)?.[1]
  if (id === undefined) return
  const record = await read(path, id)
  if (record !== null) records.push(record)
  else {
    await rename(path, path + CORRUPT)
    corrupt.push(name)
  }
}

/** @returns null for a file that is no record */
async function read(path: string, id: string): Promise<JobRecord | null> {
  try {
    // Opening a FIFO would wait for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = await file.stat()
      if (!stats.isFile() || stats.size > LARGEST) return null
      const value: unknown = JSON.parse(await file.readFile('utf8'))
      return isRecord(value, id) ? value : null
    } finally {
      await file.close()
    }
  } catch {
    // Unreadable, a directory, not JSON: whatever it is, it is not a job.
    return null
  }
}
