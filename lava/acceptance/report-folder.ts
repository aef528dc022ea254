/** The files of a report in a folder, which can be packed into one archive. */

import { createWriteStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { pack } from 'tar-stream'
import { makeFolder } from '../../agent/make-folder.js'
import { fileError, outputError, writeText } from '../client/local-file.js'

/** The folder in the archive. */
const ROOT = 'fauxboot-acceptance'

export class ReportFolder {
  readonly #path: string
  readonly #temporary: boolean
  readonly #names: string[] = []

  private constructor(path: string, temporary: boolean) {
    this.#path = path
    this.#temporary = temporary
  }

  /**
   * Use a folder, which is made if it is not there; files of an earlier report in it are replaced.
   *
   * @param path without one, a temporary folder is removed at the end
   * @throws CLI_FILE
   */
  static async open(path: string | undefined): Promise<ReportFolder> {
    if (path === undefined) return new ReportFolder(await mkdtemp(join(tmpdir(), 'fauxboot-acceptance-')), true)
    try {
      await makeFolder(path)
    } catch (thrown) {
      throw fileError(path, thrown)
    }
    return new ReportFolder(path, false)
  }

  /** A file that belongs to the report, for its writer. */
  path(name: string): string {
    if (!this.#names.includes(name)) this.#names.push(name)
    return join(this.#path, name)
  }

  /** @throws CLI_FILE */
  async write(name: string, text: string): Promise<void> {
    await writeText(this.path(name), text)
  }

  /**
   * Pack the files of the report.
   *
   * @param archive a `.tar.gz`, which is replaced
   * @throws CLI_FILE
   */
  async pack(archive: string): Promise<void> {
    const tar = pack()
    const there = new Set(await readdir(this.#path))
    const fill = async (): Promise<void> => {
      for (const name of this.#names) {
        // A board that never had a console has no log of it.
        if (there.has(name)) tar.entry({ name: `${ROOT}/${name}` }, await readFile(join(this.#path, name)))
      }
      tar.finalize()
    }
    try {
      await Promise.all([pipeline(tar, createGzip(), createWriteStream(archive)), fill()])
    } catch (thrown) {
      throw outputError(archive, thrown)
    }
  }

  /** Remove the folder if it is a temporary one. */
  async close(): Promise<void> {
    if (this.#temporary) await rm(this.#path, { recursive: true, force: true })
  }
}
