/** The log of a console: each line with the time (UTC) at which it was complete. */

import { type FileHandle, open } from 'node:fs/promises'
import { fileError, outputError } from '../client/local-file.js'

export class ConsoleLog {
  readonly #path: string
  readonly #file: FileHandle | null
  readonly #limit: number
  #waiting = ''
  #excerpt = ''

  private constructor(path: string, file: FileHandle | null, limit: number) {
    this.#path = path
    this.#file = file
    this.#limit = limit
  }

  /**
   * Begin a log.
   *
   * @param path of a file, which is replaced; nothing is written without
   * @param limit of the excerpt, characters
   * @throws CLI_FILE
   */
  static async open(path: string | undefined, limit: number): Promise<ConsoleLog> {
    if (path === undefined) return new ConsoleLog('', null, limit)
    try {
      return new ConsoleLog(path, await open(path, 'w'), limit)
    } catch (thrown) {
      throw outputError(path, thrown)
    }
  }

  /** The last lines, without their times. */
  get excerpt(): string {
    return this.#excerpt
  }

  add(line: string): void {
    this.#excerpt = `${this.#excerpt}${line}\n`.slice(-this.#limit)
    if (this.#file !== null) this.#waiting += `${new Date().toISOString()} ${line}\n`
  }

  /**
   * Write the added lines.
   *
   * @throws CLI_FILE
   */
  async write(): Promise<void> {
    const text = this.#waiting
    this.#waiting = ''
    if (this.#file === null || text === '') return
    try {
      await this.#file.writeFile(text)
    } catch (thrown) {
      throw fileError(this.#path, thrown)
    }
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}
