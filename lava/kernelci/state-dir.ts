/**
 * What a pull lab remembers from one run to the next: the polled events, and the claimed jobs. Only one
 * process at a time may use the directory; another one would consider its jobs lost.
 */

import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fault } from '../../agent/errors.js'
import { makeFolder } from '../../agent/make-folder.js'
import { type ClaimedJob, readClaimedJob } from './claimed-job.js'
import { fieldsOf } from './node.js'

const CURSOR = 'cursor.json'
const LOCK = 'lock'
const JOBS = 'jobs'
const WORK = 'work'
const LOGS = 'logs'
const ROOTFS = 'rootfs'
/** Consoles' logs that are kept for the lab's own use. */
const KEPT_LOGS = 200
/** A job with its tests and excerpts is some kilobytes; 2000 cases of long names are 2 MiB, a definition is one. */
const RECORD_LIMIT = 8 * 1024 * 1024

export class StateDir {
  private constructor(readonly path: string) {}

  /**
   * Take the directory; it is made when missing.
   *
   * @throws PULL_STATE when another process has it, or it cannot be written
   */
  static async open(path: string): Promise<StateDir> {
    try {
      for (const part of [JOBS, WORK, LOGS]) await makeFolder(join(path, part), 0o700)
    } catch (thrown) {
      throw unusable(path, thrown)
    }
    await lock(path)
    await removeOldLogs(join(path, LOGS))
    return new StateDir(path)
  }

  /** Give it up. */
  async close(): Promise<void> {
    await rm(join(this.path, LOCK), { force: true })
  }

  /** Timestamp of the last event that is done with; null at the first start. */
  async cursor(): Promise<string | null> {
    const { timestamp } = fieldsOf(await readJson(join(this.path, CURSOR)))
    return typeof timestamp === 'string' ? timestamp : null
  }

  /** @throws PULL_STATE */
  async saveCursor(timestamp: string): Promise<void> {
    await this.#write(CURSOR, { timestamp })
  }

  /** Jobs that an earlier run left, and the names of unreadable files. */
  async jobs(): Promise<{ readonly jobs: ClaimedJob[]; readonly corrupt: string[] }> {
    const jobs: ClaimedJob[] = []
    const corrupt: string[] = []
    for (const name of (await readdir(join(this.path, JOBS))).sort()) {
      if (!name.endsWith('.json')) continue
      const job = readClaimedJob(await readJson(join(this.path, JOBS, name)))
      if (job !== null) jobs.push(job)
      else corrupt.push(name)
    }
    return { jobs, corrupt }
  }

  /** Write a job down; when this resolves it is on the disk, the old or the new one. @throws PULL_STATE */
  async saveJob(job: ClaimedJob): Promise<void> {
    await this.#write(join(JOBS, `${job.nodeId}.json`), job)
  }

  /** Forget a job and its files; its log is kept. */
  async removeJob(nodeId: string): Promise<void> {
    await rm(join(this.path, JOBS, `${nodeId}.json`), { force: true })
    await this.removeFiles(nodeId)
  }

  /** Remove the downloads of a job. */
  async removeFiles(nodeId: string): Promise<void> {
    await rm(this.workDir(nodeId), { recursive: true, force: true })
  }

  /** File for the log of a job's console. */
  logFile(nodeId: string): string {
    return join(this.path, LOGS, `${nodeId}.log`)
  }

  /** Folder for ramdisks of root file systems. */
  get rootfsDir(): string {
    return join(this.path, ROOTFS)
  }

  /** Folder for the files of a job. */
  workDir(nodeId: string): string {
    return join(this.path, WORK, nodeId)
  }

  async #write(name: string, value: unknown): Promise<void> {
    const path = join(this.path, name)
    try {
      const file = await open(`${path}.tmp`, 'w', 0o600)
      try {
        await file.writeFile(JSON.stringify(value, null, 2))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(`${path}.tmp`, path)
    } catch (thrown) {
      throw unusable(this.path, thrown)
    }
  }
}

async function removeOldLogs(directory: string): Promise<void> {
  const logs = await Promise.all(
    (await readdir(directory)).map(async name => {
      const path = join(directory, name)
      return { path, time: (await stat(path)).mtimeMs }
    }),
  )
  logs.sort((a, b) => b.time - a.time)
  for (const { path } of logs.slice(KEPT_LOGS)) await rm(path, { recursive: true, force: true })
}

/** A lock holds the id of its process; if that process is gone, the lock is replaced. */
async function lock(directory: string): Promise<void> {
  const path = join(directory, LOCK)
  for (let attempt = 0; ; attempt++) {
    try {
      const file = await open(path, 'wx', 0o600)
      try {
        await file.writeFile(String(process.pid))
      } finally {
        await file.close()
      }
      return
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(directory, thrown)
    }
    const owner = Number(await readFile(path, 'utf8').catch(() => ''))
    if (attempt > 0 || (owner > 0 && isAlive(owner))) {
      const reason = `the pull lab with process id ${owner} uses it; if no such lab is running, remove ${path}`
      throw fault('PULL_STATE', { directory, reason })
    }
    await rm(path, { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    // Signal 0 is not sent: kill(2) only looks whether it could be.
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** @returns undefined for a file that is not there, too large, or no JSON */
async function readJson(path: string): Promise<unknown> {
  try {
    const file = await open(path, 'r')
    try {
      if ((await file.stat()).size > RECORD_LIMIT) return undefined
      return JSON.parse(await file.readFile('utf8'))
    } finally {
      await file.close()
    }
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (thrown instanceof SyntaxError || code === 'ENOENT' || code === 'EISDIR') return undefined
    throw thrown
  }
}

function unusable(directory: string, thrown: unknown) {
  return fault('PULL_STATE', { directory, reason: thrown instanceof Error ? thrown.message : String(thrown) }, thrown)
}
