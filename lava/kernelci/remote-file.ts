/** Files of KernelCI's storage, brought to the lab: bounded, and checked by digest. */

import { type FileHandle, open, rm } from 'node:fs/promises'
import { fault } from '../../agent/errors.js'
import { fetchHttp } from '../../agent/transfer/http/fetch.js'
import type { Sink } from '../../agent/transfer/sink.js'
import { shownUrl } from '../../agent/transfer/url.js'

export interface RemoteFile {
  readonly url: string
  /** lower-case hex */
  readonly sha256?: string
}

export interface DownloadOptions {
  /** most bytes */
  readonly limit: number
  /** seconds without a byte after which a connection is given up */
  readonly stallSeconds: number
  readonly signal?: AbortSignal
  /** milliseconds before the further attempt of this number; default as `fetchHttp` has it */
  backoff?(attempt: number): number
}

/** Writes the download into a file, from its beginning. */
class FileSink implements Sink {
  readonly #file: FileHandle
  #position = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0; ) {
      const { bytesWritten } = await this.#file.write(rest, 0, rest.length, this.#position)
      this.#position += bytesWritten
      rest = rest.subarray(bytesWritten)
    }
  }

  async reset(): Promise<void> {
    await this.#file.truncate()
    this.#position = 0
  }
}

/**
 * Fetch a file.
 *
 * @param path of the new file; an incomplete download leaves no file
 * @returns its size in bytes
 * @throws FETCH_*, ARTIFACT_TOO_LARGE, VERIFY_SHA256, the signal's reason
 */
export async function downloadFile(source: RemoteFile, path: string, options: DownloadOptions): Promise<number> {
  const file = await open(path, 'w', 0o600)
  try {
    const { size, sha256 } = await fetchHttp(source.url, new FileSink(file), options)
    if (source.sha256 === undefined || sha256 === source.sha256) return size
    throw fault('VERIFY_SHA256', { what: shownUrl(new URL(source.url)), expected: source.sha256, found: sha256 })
  } catch (thrown) {
    await rm(path, { force: true })
    throw thrown
  } finally {
    await file.close()
  }
}

/** Fetch a small text. @throws FETCH_*, ARTIFACT_TOO_LARGE, the signal's reason */
export async function downloadText(url: string, options: DownloadOptions): Promise<string> {
  let chunks: Uint8Array[] = []
  await fetchHttp(
    url,
    {
      write: async chunk => void chunks.push(Uint8Array.from(chunk)),
      reset: async () => {
        chunks = []
      },
    },
    options,
  )
  return Buffer.concat(chunks).toString()
}
