/** Uploads a file to the board: once, completely, and resuming after a broken attempt. */

import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { FauxbootError, fault } from '../../agent/errors.js'
import { type BoardClient, isOutage } from './board-client.js'
import { fileChunks, type LocalFile } from './local-file.js'

/** What became of an upload. */
export interface Upload {
  /** name of the artifact on the board */
  readonly artifact: string
  /** bytes that went over the wire: 0 when the board had the file already */
  readonly sent: number
}

export interface UploadOptions {
  /** called with the bytes that the board has, or that are on their way to it */
  readonly onProgress?: (received: number) => void
  readonly signal?: AbortSignal
  /** connections in a row that may break before the upload is given up; default 5 */
  readonly attempts?: number
  /** seconds between two of them; default 1 */
  readonly retrySeconds?: number
}

/**
 * Bring a file to the board. Its name there holds its digest: the board is never asked to change an artifact, and a file
 * that it has, or has a part of, is recognised, even when an earlier `fauxboot` sent it.
 *
 * @throws what `BoardClient.putArtifact` throws; CLI_FILE when the file cannot be read or changes meanwhile
 */
export async function uploadFile(client: BoardClient, file: LocalFile, options: UploadOptions = {}): Promise<Upload> {
  const { onProgress = () => undefined, signal, attempts = 5, retrySeconds = 1 } = options
  const artifact = artifactName(file)
  let sent = 0
  let reached = 0
  for (let failures = 0; ; ) {
    try {
      const held = (await client.artifacts(signal)).find(({ name }) => name === artifact)
      const offset = held?.received ?? 0
      if (held?.complete) return { artifact, sent }
      onProgress(offset)
      // Only what the board has counts as gained: bytes given to a dying connection are lost.
      if (offset > reached) failures = 0
      reached = offset
      let position = offset
      const onBytes = (bytes: number) => {
        sent += bytes
        position += bytes
        onProgress(position)
      }
      const body = Readable.from(measuredChunks(file, offset, onBytes))
      try {
        await client.putArtifact({ name: artifact, body, offset, size: file.size, sha256: file.sha256 }, signal)
      } finally {
        body.destroy()
      }
      return { artifact, sent }
    } catch (thrown) {
      // ARTIFACT_RANGE: bytes of the broken connection were still arriving when the board reported its offset.
      const again = isOutage(thrown) || (thrown instanceof FauxbootError && thrown.code === 'ARTIFACT_RANGE')
      failures += 1
      if (!again || failures >= attempts) throw thrown
      await delay(retrySeconds * 1000, undefined, { signal })
    }
  }
}

/** Name of a file on the board: its own, plus enough of its digest to make it unique. */
export function artifactName(file: LocalFile): string {
  const own = basename(file.path)
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^\.+/, '')
  return `${own.slice(0, 80)}-${file.sha256.slice(0, 16)}`
}

/** The file's bytes from an offset, as many as were measured: more or fewer would end the connection without a reason. */
async function* measuredChunks(
  file: LocalFile,
  offset: number,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let position = offset
  for await (const chunk of fileChunks(file.path, offset)) {
    position += chunk.length
    if (position > file.size) break
    onBytes(chunk.length)
    yield chunk
  }
  if (position === file.size) return
  throw fault('CLI_FILE', { file: file.path, reason: `changed while it was uploaded: it had ${file.size} bytes` })
}
