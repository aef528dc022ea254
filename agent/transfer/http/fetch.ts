/** A file over http(s): in as many attempts as it takes, each going on where the last one broke off. */

import { createHash, type Hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { LookupFunction } from 'node:net'
import { FauxbootError, fault } from '../../errors.js'
import { pause, unlessAborted } from '../abort.js'
import { networkFailure, TransientFailure } from '../failure.js'
import type { Sink } from '../sink.js'
import { StallTimer } from '../stall.js'
import { parseFetchUrl, shownUrl } from '../url.js'
import { readBody } from './body.js'
import { parseByteRange, parseLength, retryAfter, validatorOf } from './headers.js'
import { openUrl } from './request.js'
import { serverDate } from './server-date.js'

export interface FetchOptions {
  /** ends the transfer at once in any phase; the promise rejects with its reason */
  readonly signal?: AbortSignal
  /** bytes that are taken at most */
  readonly limit: number
  /** called for every chunk; `size` is null if the server does not say */
  onProgress?(received: number, size: number | null): void
  /** called before each further attempt */
  onRetry?(attempt: number, error: FauxbootError): void
  /** seconds without a byte after which an attempt is given up; default 30 */
  readonly stallSeconds?: number
  /** further attempts after the first; default 5 */
  readonly retries?: number
  /** redirects that an attempt follows; default 5 */
  readonly maxRedirects?: number
  /** milliseconds before the further attempt of this number, from 1; default doubles from 0.5 s up to 10 s */
  backoff?(attempt: number): number
  /** PEM of further certificate authorities */
  readonly ca?: string
  /**
   * Called when a certificate is not yet valid, with the unconfirmed time of its server. Without this, no
   * server is asked for its time.
   *
   * @returns whether the clock is set: the file is then requested once more, and the certificate is verified again
   */
  advanceClock?(to: Date, server: string): Promise<boolean>
  /** how names become addresses; the system's way unless given */
  readonly lookup?: LookupFunction
}

export interface Fetched {
  readonly size: number
  /** lower-case hex */
  readonly sha256: string
  /** where the bytes came from, after redirects */
  readonly url: string
}

/** A server may ask for a pause with `Retry-After`, but only up to this. */
const LONGEST_PAUSE = 30_000

const doublingBackoff = (attempt: number): number => Math.min(10_000, 500 * 2 ** (attempt - 1))

/** Statuses that may be better next time: too early, too many, a timeout, and the server's own faults. */
const isTransient = (status: number): boolean => status >= 500 || [408, 425, 429].includes(status)

/** Facts about a file that last from one attempt to the next. */
class Download {
  readonly #url: URL
  readonly #sink: Sink
  readonly #options: FetchOptions
  #hash: Hash = createHash('sha256')
  #received = 0
  #size: number | null = null
  #validator: string | null = null

  constructor(url: URL, sink: Sink, options: FetchOptions) {
    this.#url = url
    this.#sink = sink
    this.#options = options
  }

  /** One attempt. @throws TransientFailure when another one may help */
  async attempt(): Promise<Fetched> {
    const { signal, stallSeconds = 30, maxRedirects = 5, ca, lookup } = this.#options
    const abort = new AbortController()
    const onAbort = (): void => abort.abort(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    const stall = new StallTimer(stallSeconds, () => abort.abort(this.#stalled(stallSeconds)))
    try {
      const headers = this.#rangeHeaders()
      const settings = { headers, signal: abort.signal, maxRedirects, ca, lookup }
      const { response, url } = await this.#network(abort.signal, openUrl(this.#url, settings))
      try {
        await this.#start(response)
        await this.#receive(response, stall, abort.signal)
      } finally {
        response.destroy()
      }
      return { size: this.#received, sha256: this.#hash.digest('hex'), url: shownUrl(url) }
    } finally {
      stall.stop()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Request the rest if the file is unchanged; otherwise `If-Range` makes the server send all of it. */
  #rangeHeaders(): Record<string, string> {
    if (this.#received === 0 || this.#validator === null) return {}
    return { range: `bytes=${this.#received}-`, 'if-range': this.#validator }
  }

  /** Await the network, and turn its error into one of ours. */
  async #network<T>(signal: AbortSignal, step: Promise<T>): Promise<T> {
    try {
      return await step
    } catch (thrown) {
      signal.throwIfAborted()
      if (thrown instanceof FauxbootError) throw thrown
      throw networkFailure(thrown, shownUrl(this.#url), this.#received)
    }
  }

  #stalled(seconds: number): TransientFailure {
    return new TransientFailure(fault('FETCH_STALLED', { url: shownUrl(this.#url), seconds, received: this.#received }))
  }

  /** Check the response's header, and start over if it does not continue the received part. */
  async #start(response: IncomingMessage): Promise<void> {
    const status = response.statusCode ?? 0
    const range = parseByteRange(response.headers['content-range'])
    if (status === 206 && this.#received > 0) {
      if (!this.#continues(response, range)) {
        await this.#startOver()
        throw new TransientFailure(
          fault('FETCH_RANGE', { url: shownUrl(this.#url), reason: 'its parts do not fit together' }),
        )
      }
    } else if (status === 200) {
      if (this.#received > 0) await this.#startOver()
      this.#size = parseLength(response.headers)
      this.#validator = validatorOf(response.headers)
    } else {
      throw await this.#refusal(response, status)
    }
    this.#checkLimit(this.#size ?? 0)
    if (this.#size !== null) await this.#sink.expect?.(this.#size - this.#received)
  }

  /** Whether a partial response continues exactly at our offset, in a file of the same size and version. */
  #continues(response: IncomingMessage, range: ReturnType<typeof parseByteRange>): boolean {
    if (range === null || range.first !== this.#received) return false
    if (range.total !== null) {
      if (this.#size !== null && this.#size !== range.total) return false
      this.#size = range.total
    }
    const validator = validatorOf(response.headers)
    return validator === null || validator === this.#validator
  }

  async #refusal(response: IncomingMessage, status: number): Promise<FauxbootError | TransientFailure> {
    const reason = response.statusMessage ?? ''
    const error = fault('FETCH_STATUS', { url: shownUrl(this.#url), status, reason })
    // 416: the file is now shorter than the received part.
    if (status === 416 && this.#received > 0) {
      await this.#startOver()
      return new TransientFailure(error)
    }
    return isTransient(status) ? new TransientFailure(error, retryAfter(response.headers)) : error
  }

  async #startOver(): Promise<void> {
    await this.#sink.reset()
    this.#hash = createHash('sha256')
    this.#received = 0
    this.#size = null
    this.#validator = null
  }

  #checkLimit(size: number): void {
    const { limit } = this.#options
    if (size <= limit) return
    throw fault('ARTIFACT_TOO_LARGE', {
      what: shownUrl(this.#url),
      size,
      limit,
      remedy: 'delete artifacts or send a smaller file',
    })
  }

  async #receive(response: IncomingMessage, stall: StallTimer, signal: AbortSignal): Promise<void> {
    stall.wait()
    const take = (chunk: Buffer): void => {
      stall.wait()
      this.#checkLimit(this.#received + chunk.length)
      this.#hash.update(chunk)
      this.#received += chunk.length
      this.#options.onProgress?.(this.#received, this.#size)
    }
    const store = async (chunks: readonly Buffer[]): Promise<void> => {
      stall.heard()
      for (const chunk of chunks) await this.#sink.write(chunk)
      stall.wait()
    }
    const failure = await readBody(response, take, chunks => unlessAborted(store(chunks), signal))
    if (failure !== null) await this.#network(signal, Promise.reject(failure.reason))
    if (this.#size === null || this.#received === this.#size) return
    // Node reports a body that is too short; this catches a part that claims more than it holds.
    throw new TransientFailure(
      fault('FETCH_NETWORK', {
        url: shownUrl(this.#url),
        reason: `the server sent ${this.#received} of ${this.#size} bytes`,
      }),
    )
  }
}

/** One attempt; and another one if the certificate was not yet valid, and the clock could be set. */
async function attemptInTime(download: Download, { signal, lookup, advanceClock }: FetchOptions): Promise<Fetched> {
  try {
    return await download.attempt()
  } catch (thrown) {
    const isEarly = thrown instanceof FauxbootError && thrown.code === 'FETCH_CLOCK'
    if (!isEarly || advanceClock === undefined) throw thrown
    const server = String(thrown.details.host)
    const date = await serverDate(server, { signal, lookup })
    if (date === null || !(await advanceClock(date, server))) throw thrown
  }
  return download.attempt()
}

/**
 * Fetch a file into a sink. Network errors, stalls, 5xx and 429 are retried, each time only for the missing part.
 *
 * @param source http or https URL; its user and password, if any, are sent as basic authentication
 * @param sink takes the bytes in order; its errors end the transfer
 * @throws FETCH_PROTOCOL, FETCH_STATUS, FETCH_NETWORK, FETCH_CLOCK, FETCH_STALLED, FETCH_REDIRECTS, FETCH_RANGE,
 *   ARTIFACT_TOO_LARGE
 */
export async function fetchHttp(source: string, sink: Sink, options: FetchOptions): Promise<Fetched> {
  const { signal, retries = 5, backoff = doublingBackoff } = options
  const download = new Download(parseFetchUrl(source), sink, options)
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    try {
      return await attemptInTime(download, options)
    } catch (thrown) {
      signal?.throwIfAborted()
      if (!(thrown instanceof TransientFailure)) throw thrown
      if (attempt > retries) throw thrown.error
      options.onRetry?.(attempt, thrown.error)
      await pause(Math.min(LONGEST_PAUSE, Math.max(thrown.notBefore, backoff(attempt))), signal)
    }
  }
}
