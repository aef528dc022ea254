/** The body of a response, in few steps: on a small core, a promise for every chunk costs as much as the digest of the chunk. */

import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'

/** Bytes that are gathered before they are stored. */
const BATCH = 256 * 1024

/** Why a body ended before its end. */
export interface BodyFailure {
  readonly reason: unknown
}

/**
 * Read a body to its end. It flows until a batch is gathered, and waits while that is stored.
 *
 * @param take called at once for every chunk; the error that it throws is the body's failure
 * @param store called with all chunks since the last call, in order; also with the last ones of a body that fails
 * @returns null at its end
 * @throws what `store` throws
 */
export async function readBody(
  body: Readable,
  take: (chunk: Buffer) => void,
  store: (chunks: readonly Buffer[]) => Promise<void>,
): Promise<BodyFailure | null> {
  let gathered: Buffer[] = []
  let size = 0
  let over: PromiseSettledResult<void> | undefined
  let wake = (): void => undefined
  void Promise.allSettled([finished(body, { writable: false })]).then(([result]) => {
    over = result
    wake()
  })
  body.on('data', (chunk: Buffer) => {
    try {
      take(chunk)
    } catch (thrown) {
      body.destroy(thrown as Error)
      return
    }
    gathered.push(chunk)
    size += chunk.length
    if (size < BATCH) return
    body.pause()
    wake()
  })
  for (;;) {
    if (over === undefined && size < BATCH) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    const chunks = gathered
    gathered = []
    size = 0
    if (chunks.length > 0) await store(chunks)
    else if (over !== undefined) return over.status === 'rejected' ? { reason: over.reason } : null
    body.resume()
  }
}
