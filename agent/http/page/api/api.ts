/** The board's API as the page uses it. */

import type { JobEvent } from '../../../boot/jobs/job.js'
import { EventLines } from './event-lines.js'

/** Where the token is kept: until the tab is closed, and never in a URL. */
const TOKEN = 'fauxboot-token'
/** A board under load answers within seconds. */
const TIMEOUT_MS = 20_000

/** The board refused a request, or did not answer it. */
export class ApiError extends Error {
  /** of the table of errors; `NO_ANSWER` if there is none */
  readonly code: string
  /** HTTP status; 0 if there is none */
  readonly status: number

  constructor(message: string, code: string, status: number) {
    super(message)
    this.code = code
    this.status = status
  }

  /** The request would succeed with the right token. */
  get needsToken(): boolean {
    return this.status === 401
  }
}

/** Asks for a token; null if the user does not give one. */
export type TokenPrompt = (reason: string) => Promise<string | null>

export class Api {
  readonly #askToken: TokenPrompt
  readonly #storage: Storage
  readonly #listeners: (() => void)[] = []

  constructor(askToken: TokenPrompt, storage: Storage = sessionStorage) {
    this.#askToken = askToken
    this.#storage = storage
  }

  get token(): string | null {
    return this.#storage.getItem(TOKEN)
  }

  set token(token: string | null) {
    if (token === null) this.#storage.removeItem(TOKEN)
    else this.#storage.setItem(TOKEN, token)
    for (const listener of this.#listeners) listener()
  }

  /** @param listener is called when there is another token, or none any more */
  onToken(listener: () => void): void {
    this.#listeners.push(listener)
  }

  get headers(): Record<string, string> {
    return this.token === null ? {} : { authorization: `Bearer ${this.token}` }
  }

  /** @throws ApiError */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const { signal = AbortSignal.timeout(TIMEOUT_MS), ...rest } = init
    const request = { ...rest, signal, headers: { ...this.headers, ...init.headers } }
    const response = await fetch(path, request).catch((thrown: unknown) => {
      if (init.signal?.aborted) throw thrown
      throw new ApiError('the board does not answer', 'NO_ANSWER', 0)
    })
    if (!response.ok) throw errorOf(response.status, await response.text())
    return response
  }

  /** @throws ApiError */
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return (await this.fetch(path, signal === undefined ? {} : { signal })).json()
  }

  /**
   * Do what needs the token. While the board wants another one, the user is asked for it.
   *
   * @throws ApiError of AUTH_REQUIRED or AUTH_TOKEN when the user gives none
   */
  async withToken<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (thrown) {
        if (!(thrown instanceof ApiError) || !thrown.needsToken) throw thrown
        const token = await this.#askToken(
          thrown.code === 'AUTH_TOKEN'
            ? 'This is not the token that this board knows.'
            : 'This needs the board’s token.',
        )
        if (token === null) throw thrown
        this.token = token
      }
    }
  }

  /**
   * The events of a job after one of them, until the stream ends or breaks.
   *
   * @throws ApiError; the reason of the signal
   */
  async *events(id: string, after: number, signal: AbortSignal): AsyncGenerator<JobEvent> {
    const { status, body } = await this.fetch(`/v1/jobs/${id}/events?after=${after}`, { signal })
    if (status === 204 || body === null) return
    const lines = new EventLines()
    const reader = body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      for (const data of lines.take(value)) yield JSON.parse(data) as JobEvent
    }
  }
}

/** An answer that is an error of the table, or anything else that a proxy sends. */
export function errorOf(status: number, body: string): ApiError {
  try {
    const { code, message } = JSON.parse(body) as { code?: unknown; message?: unknown }
    if (typeof code === 'string' && typeof message === 'string') return new ApiError(message, code, status)
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown
  }
  return new ApiError(`the answer has the status ${status}`, 'HTTP_STATUS', status)
}

/** What to tell the user about anything that was thrown. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
