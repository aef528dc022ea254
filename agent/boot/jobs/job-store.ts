/** Jobs on disk, for the next run of the agent or the next first stage. */

import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
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
   * Read all jobs. Unreadable files are renamed to `NAME.corrupt` and never stop the agent.
   *
   * @param directory made when missing
   * @returns the store, its records with the oldest first, and the names of the files that were moved aside
   */
  static async open(
    directory: string,
  ): Promise<{ readonly store: JobStore; readonly records: JobRecord[]; readonly corrupt: string[] }> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const records: JobRecord[] = []
    const corrupt: string[] = []
    for (const name of (await readdir(directory)).sort()) {
      // Half-written: the agent stopped in between, and the file it was to replace is still there.
      if (name.endsWith(TEMPORARY)) await rm(join(directory, name), { force: true })
      const id = FILE.exec(name)?.[1]
      if (id === undefined) continue
      const record = await read(join(directory, name), id)
      if (record !== null) records.push(record)
      else {
        await rename(join(directory, name), join(directory, name + CORRUPT))
        corrupt.push(name)
      }
    }
    records.sort((a, b) => a.number - b.number)
    return { store: new JobStore(directory), records, corrupt }
  }

  /** Save a job. When this resolves, it is on disk; a crash at any time leaves either the old or the new record. */
  save(record: JobRecord): Promise<void> {
    const text = JSON.stringify(record)
    return this.#follow(async () => {
      const path = this.#path(record.view.id)
      const file = await open(path + TEMPORARY, 'w', 0o600)
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(path + TEMPORARY, path)
      await this.#syncDirectory()
    })
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

/** @returns null for a file that is no record */
async function read(path: string, id: string): Promise<JobRecord | null> {
  try {
    const file = await open(path, 'r')
    try {
      if ((await file.stat()).size > LARGEST) return null
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
