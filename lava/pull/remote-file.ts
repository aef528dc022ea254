/** Files of KernelCI's storage, brought to the lab: resumed where a connection broke, bounded, checked by digest. */

import { createHash } from 'node:crypto'
import { open, rm, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { FauxbootError, fault } from '../../agent/errors.js'
import { pause } from '../../agent/transfer/abort.js'
import { parseFetchUrl, shownUrl } from '../../agent/transfer/url.js'
import { exchange, type HttpRequest, readChunks, readText } from '../http-request.js'
import { fileChunks } from '../local-file.js'
import { serverFault } from './kernelci-api.js'

const REDIRECTS: readonly (number | undefined)[] = [301, 302, 303, 307, 308]
const MOST_REDIRECTS = 5
/** Answers after which the same request may succeed. */
const TRANSIENT: readonly unknown[] = [408, 425, 429, 500, 502, 503, 504]

export interface RemoteFile {
  readonly url: string
  /** lower-case hex */
  readonly sha256?: string
}

export interface DownloadOptions {
  /** most bytes */
  readonly limit: number
  /** seconds without a byte after which a connection is given up */
  readonly idleSeconds: number
  /** connections for one file; default 5 */
  readonly attempts?: number
  /** seconds before the second attempt, doubled for each further one; default 2 */
  readonly retrySeconds?: number
  readonly signal?: AbortSignal
}

/**
 * Fetch a file.
 *
 * @param path where it is put
 * @returns its size in bytes
 * @throws FETCH_*, ARTIFACT_TOO_LARGE, VERIFY_SHA256, the signal's reason
 */
export async function downloadFile(source: RemoteFile, path: string, options: DownloadOptions): Promise<number> {
  const resumed = await transfer(source.url, path, options)
  const { size, sha256 } = await digestOf(path, options.signal)
  if (source.sha256 === undefined || sha256 === source.sha256) return size
  await rm(path, { force: true })
  const wrong = fault('VERIFY_SHA256', { what: source.url, expected: source.sha256, found: sha256 })
  // A file that was replaced on the server between two parts of it is worth another try; a wrong one is not.
  if (!resumed) throw wrong
  return downloadFile(source, path, options)
}

/** Fetch a small text. @throws FETCH_*, the signal's reason */
export async function downloadText(url: string, options: DownloadOptions): Promise<string> {
  return retried(options, async () => {
    const { request, response } = await openUrl(parseFetchUrl(url), {}, options)
    try {
      return await readText(request, response, options.limit)
    } catch (thrown) {
      throw serverFault(thrown)
    }
  })
}

/** @returns whether it came in more than one part */
async function transfer(url: string, path: string, options: DownloadOptions): Promise<boolean> {
  await rm(path, { force: true })
  let validator: string | null = null
  let parts = 0
  await retried(options, async () => {
    const held = await sizeOf(path)
    // RFC 9110 section 13.1.5: without a strong validator nobody knows that the rest belongs to what is here.
    const range = held > 0 && validator !== null
    const headers = range ? { range: `bytes=${held}-`, 'if-range': validator ?? '' } : undefined
    const { request, response } = await openUrl(parseFetchUrl(url), headers ?? {}, options)
    validator = strongValidator(response)
    const offset = range && response.statusCode === 206 && startOf(response) === held ? held : 0
    if (response.statusCode === 206 && offset === 0) {
      response.destroy()
      validator = null
      throw fault('FETCH_NETWORK', {
        url: shownUrl(request.url),
        reason: 'the server sent another part than asked for',
      })
    }
    parts = offset > 0 ? parts + 1 : 1
    await store(request, response, { path, offset, limit: options.limit })
  })
  return parts > 1
}

async function store(
  request: HttpRequest,
  response: IncomingMessage,
  { path, offset, limit }: { readonly path: string; readonly offset: number; readonly limit: number },
): Promise<void> {
  const url = shownUrl(request.url)
  const remedy = 'raise artifactMiB'
  const announced = offset + Number(response.headers['content-length'] ?? 0)
  if (announced > limit) {
    response.destroy()
    throw fault('ARTIFACT_TOO_LARGE', { what: url, size: announced, limit, remedy })
  }
  const file = await open(path, offset > 0 ? 'r+' : 'w', 0o600)
  try {
    await file.truncate(offset)
    let position = offset
    for await (const chunk of readChunks(request, response)) {
      if (position + chunk.length > limit) {
        throw fault('ARTIFACT_TOO_LARGE', { what: url, size: position + chunk.length, limit, remedy })
      }
      await file.write(chunk, 0, chunk.length, position)
      position += chunk.length
    }
  } catch (thrown) {
    throw serverFault(thrown)
  } finally {
    response.destroy()
    await file.close()
  }
}

/** Open a URL, following redirects. @returns an answer with status 200 or 206 */
async function openUrl(
  first: URL,
  headers: Readonly<Record<string, string>>,
  { idleSeconds, signal }: Pick<DownloadOptions, 'idleSeconds' | 'signal'>,
): Promise<{ readonly request: HttpRequest; readonly response: IncomingMessage }> {
  let url = first
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const request: HttpRequest = { method: 'GET', url, headers, idleSeconds, signal }
    const response = await exchange(request).catch((thrown: unknown) => {
      throw serverFault(thrown)
    })
    const { statusCode: status = 0, statusMessage: reason = '' } = response
    if (status === 200 || status === 206) return { request, response }
    response.destroy()
    const { location } = response.headers
    if (!REDIRECTS.includes(status) || location === undefined) {
      throw fault('FETCH_STATUS', { url: shownUrl(url), status, reason })
    }
    url = parseFetchUrl(location, url)
  }
  throw fault('FETCH_REDIRECTS', { url: shownUrl(first), limit: MOST_REDIRECTS })
}

async function retried<T>(
  { attempts = 5, retrySeconds = 2, signal }: DownloadOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      return await attempt()
    } catch (thrown) {
      failures += 1
      if (!isTransient(thrown) || failures >= attempts) throw thrown
      await pause(retrySeconds * 1000 * 2 ** (failures - 1), signal)
    }
  }
}

const isTransient = (thrown: unknown): boolean =>
  thrown instanceof FauxbootError &&
  (thrown.code === 'FETCH_NETWORK' || (thrown.code === 'FETCH_STATUS' && TRANSIENT.includes(thrown.details.status)))

/** RFC 9110 section 8.8.3: a weak one begins with `W/`. */
function strongValidator({ headers: { etag } }: IncomingMessage): string | null {
  return etag?.startsWith('"') ? etag : null
}

/** First byte of a part: `bytes 1000-1999/2000`. */
function startOf({ headers }: IncomingMessage): number | null {
  const first = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]
  return first === undefined ? null : Number(first)
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw thrown
  }
}

async function digestOf(path: string, signal: AbortSignal | undefined) {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of fileChunks(path, 0)) {
    signal?.throwIfAborted()
    hash.update(chunk)
    size += chunk.length
  }
  return { size, sha256: hash.digest('hex') }
}
