/** A file on its way from a client into the artifact store. */

import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { ArtifactStore, ArtifactView } from '../boot/artifacts/artifact-store.js'
import type { TftpIncoming } from '../transfer/tftp/server/server.js'

/** Bytes that wait for the store. */
const WAITING = 256 * 1024

export interface FilePushHooks {
  /** the file is stored; the last ACK waits for this */
  ended(view: ArtifactView): void | Promise<void>
  /** the push failed; part of the file may be in the store */
  aborted(error: unknown): void
}

/** A push into the store. The store's error goes to the client. */
export class FilePush implements TftpIncoming {
  readonly #body = new PassThrough({ highWaterMark: WAITING })
  readonly #stored: Promise<ArtifactView>
  readonly #hooks: FilePushHooks

  private constructor(
    receive: (body: AsyncIterable<Uint8Array>) => Promise<ArtifactView>,
    onAccepted: () => void,
    hooks: FilePushHooks,
  ) {
    const body = this.#body
    // The reader of the body and the client both receive the error.
    body.on('error', () => undefined)
    // The store asks for the first bytes when it has decided to take the file.
    async function* source() {
      onAccepted()
      yield* body
    }
    this.#stored = receive(source())
    this.#stored.catch(() => body.destroy())
    this.#hooks = hooks
  }

  /**
   * Begin; resolves when the store takes the file.
   *
   * @param size bytes, as the client announces them; null when it does not
   * @throws what `ArtifactStore.receive` refuses a file with
   */
  static async begin(
    artifacts: ArtifactStore,
    name: string,
    size: number | null,
    hooks: FilePushHooks,
  ): Promise<FilePush> {
    let accept = (): void => undefined
    const accepted = new Promise<void>(resolve => {
      accept = resolve
    })
    const push = new FilePush(body => artifacts.receive(name, body, { length: size }), accept, hooks)
    await Promise.race([accepted, push.#stored])
    return push
  }

  write(chunk: Uint8Array): void | Promise<void> {
    // The store has given up: its error is the answer.
    if (this.#body.destroyed) return this.#stored.then(() => undefined)
    if (this.#body.write(chunk)) return
    return Promise.race([once(this.#body, 'drain'), this.#stored]).then(() => undefined)
  }

  async end(): Promise<void> {
    this.#body.end()
    try {
      await this.#hooks.ended(await this.#stored)
    } catch (thrown) {
      this.#hooks.aborted(thrown)
      throw thrown
    }
  }

  abort(error: unknown): void {
    this.#body.destroy(error instanceof Error ? error : new Error(String(error)))
    const aborted = (): void => this.#hooks.aborted(error)
    // Only when the store has let go of the file can it be removed.
    this.#stored.then(aborted, aborted)
  }
}
