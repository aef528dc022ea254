/** sha256 of a file while its bytes arrive. */

import { createHash } from 'node:crypto'

/** A sha256 that takes more bytes. Calls must not overlap. */
export interface FileDigest {
  /** nobody may change the chunks until it resolves */
  update(chunks: readonly Uint8Array[]): Promise<void>
  /** @returns lower-case hex; nothing more can be added */
  end(): string
}

/** On the event loop, which waits meanwhile. */
export function blockingDigest(): FileDigest {
  const hash = createHash('sha256')
  return {
    async update(chunks) {
      for (const chunk of chunks) hash.update(chunk)
    },
    end: () => hash.digest('hex'),
  }
}
