/** A pushed job description: small, and kept in memory until it is complete. */

import { fault } from '../errors.js'
import type { TftpIncoming } from '../transfer/tftp/server/server.js'

export interface DescriptionPushOptions {
  /** for messages */
  readonly name: string
  /** bytes, as the client announces them; null when it does not */
  readonly size: number | null
  /** bytes that are taken at most */
  readonly limit: number
  /** Called with the complete description; its error goes to the client. */
  start(bytes: Uint8Array): Promise<void>
  /** the push failed */
  failed(thrown: unknown): void
}

export class DescriptionPush implements TftpIncoming {
  readonly #options: DescriptionPushOptions
  readonly #chunks: Uint8Array[] = []
  #received = 0

  /** @throws ARTIFACT_TOO_LARGE when it is announced as too long */
  constructor(options: DescriptionPushOptions) {
    this.#options = options
    this.#check(options.size ?? 0)
  }

  /** @throws ARTIFACT_TOO_LARGE */
  write(chunk: Uint8Array): void {
    this.#received += chunk.length
    this.#check(this.#received)
    this.#chunks.push(chunk)
  }

  async end(): Promise<void> {
    try {
      await this.#options.start(Buffer.concat(this.#chunks))
    } catch (thrown) {
      this.#options.failed(thrown)
      throw thrown
    }
  }

  abort(error: unknown): void {
    this.#chunks.length = 0
    this.#options.failed(error)
  }

  #check(size: number): void {
    const { name, limit } = this.#options
    if (size <= limit) return
    throw fault('ARTIFACT_TOO_LARGE', { what: name, size, limit, remedy: 'see the setting jobBodyLimit' })
  }
}
