/** One HTTP request to a board, streaming both ways; every error names the board. */

import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { FauxbootError, fault } from '../../agent/errors.js'
import { remoteFault } from './remote-error.js'

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  /** a string or bytes at once, or a stream: then say `content-length` in the headers */
  readonly body?: string | Uint8Array | Readable
  /** neither a byte sent nor received for so long ends the request */
  readonly idleSeconds: number
  /** the same until the answer begins, connecting included; default `idleSeconds` */
  readonly answerSeconds?: number
  readonly signal?: AbortSignal
}

/** An answer of this size is no JSON of the agent. */
const ANSWER_LIMIT = 64 * 1024 * 1024

/**
 * Send a request. A GET whose connection is reset before the answer begins is sent once more, because it changes nothing:
 * the link of a board that is just coming up loses connections.
 *
 * @returns the answer with its body still to be read; its status is below 400
 * @throws BOARD_UNREACHABLE when there is no answer, the error that the board sent with a status from 400 on,
 *   BOARD_ANSWER if that error is not in the table, and the signal's reason
 */
export async function sendRequest(request: HttpRequest): Promise<http.IncomingMessage> {
  request.signal?.throwIfAborted()
  const response = await exchange(request).catch((thrown: unknown) => {
    if (request.method !== 'GET' || !wasReset(thrown)) throw thrown
    return exchange(request)
  })
  if ((response.statusCode ?? 0) < 400) return response
  throw errorOfAnswer(request, response, await readText(request, response))
}

/**
 * Read the body of a response as text.
 *
 * @param limit bytes; more are not kept
 * @throws BOARD_UNREACHABLE when it breaks off, BOARD_ANSWER when it is larger than the limit
 */
export async function readText(
  request: HttpRequest,
  response: http.IncomingMessage,
  limit = ANSWER_LIMIT,
): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of readChunks(request, response)) {
    size += chunk.length
    if (size > limit) throw wrongAnswer(request.url, `it is larger than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * Read the body of an answer as it arrives.
 *
 * @throws BOARD_UNREACHABLE when it breaks off
 */
export async function* readChunks(
  request: HttpRequest,
  response: http.IncomingMessage,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* response as AsyncIterable<Uint8Array>
  } catch (thrown) {
    throw networkError(request, thrown)
  }
}

/** An answer that is not what the API promises. */
export function wrongAnswer(url: URL, reason: string): FauxbootError {
  return fault('BOARD_ANSWER', { url: url.href, reason })
}

/**
 * Send a request, and take the answer whatever its status is.
 *
 * @throws BOARD_UNREACHABLE when there is no answer, and the signal's reason when it is aborted
 */
export function exchange(request: HttpRequest): Promise<http.IncomingMessage> {
  const { url, method, headers, body, signal, idleSeconds, answerSeconds = idleSeconds } = request
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? https.request : http.request
    let answer: http.IncomingMessage | null = null
    // A kept connection may be one that died when the board was reset: each request opens its own. Still it asks to
    // keep it: else the server closes it right after a refusal that comes before the body has gone out, and the reset
    // that answers the rest of the body takes the refusal with it.
    const kept = { connection: 'keep-alive', ...headers }
    const options = { method, headers: kept, signal, agent: false, timeout: answerSeconds * 1000 }
    const sent = open(url, options, response => {
      sent.setTimeout(idleSeconds * 1000)
      if (isStream(body)) body.unpipe(sent)
      answer = response
      response.once('close', () => sent.destroy())
      resolve(response)
    })
    sent.on('timeout', () => {
      const waited = answer ? idleSeconds : answerSeconds
      const silent = unreachable(request, `no answer to ${method} ${url.pathname} for ${waited} s`)
      if (answer) answer.destroy(silent)
      else sent.destroy(silent)
    })
    sent.on('error', error => reject(networkError(request, error)))
    if (!isStream(body)) {
      sent.end(body)
      return
    }
    body.on('error', error => sent.destroy(error))
    body.pipe(sent)
  })
}

function isStream(body: HttpRequest['body']): body is Readable {
  return body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)
}

/** Why a connection failed, by the error's code. */
const NETWORK_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: no agent listens at this port',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'no route to the board',
  ENETUNREACH: 'no route to the network of the board',
  ETIMEDOUT: 'the board does not answer',
  ECONNRESET: 'the board closed the connection',
  EPIPE: 'the board closed the connection',
}

function networkError(request: HttpRequest, thrown: unknown): unknown {
  if (request.signal?.aborted) return request.signal.reason
  if (thrown instanceof FauxbootError) return thrown
  const { code = '', message } = thrown instanceof Error ? (thrown as NodeJS.ErrnoException) : { message: `${thrown}` }
  return unreachable(request, NETWORK_REASONS[code] ?? message, thrown)
}

/** Whether the connection broke off before an answer, rather than never being there or being given up. */
function wasReset(thrown: unknown): boolean {
  const cause = thrown instanceof FauxbootError ? thrown.cause : null
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNRESET'
}

function unreachable({ url }: HttpRequest, reason: string, cause?: unknown): FauxbootError {
  return fault('BOARD_UNREACHABLE', { url: url.href, reason }, cause)
}

function errorOfAnswer({ url }: HttpRequest, response: http.IncomingMessage, text: string): FauxbootError {
  const json = parseObject(text)
  const { message = response.statusMessage ?? '' } = json
  return remoteFault(json) ?? wrongAnswer(url, `${response.statusCode} ${message}`.trim())
}

function parseObject(text: string): { readonly message?: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch (error) {
    // A proxy between here and the board answers in HTML.
    if (error instanceof SyntaxError) return {}
    throw error
  }
}
