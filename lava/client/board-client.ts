/** The agent's HTTP API, as a client sees it. */

import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { ArtifactView } from '../../agent/boot/artifacts/artifact-store.js'
import type { BoardView } from '../../agent/boot/board/board.js'
import type { FirstStageView, WrittenUpdate } from '../../agent/boot/card/first-stage.js'
import type { JobEvent, JobState, JobView } from '../../agent/boot/jobs/job.js'
import { FauxbootError, fault } from '../../agent/errors.js'
import type { PlanJson } from '../../agent/kexec/render/plan-json.js'
import { parseEventStream } from './event-stream.js'
import { type HttpRequest, readChunks, readText, sendRequest, wrongAnswer } from './http-request.js'

/** States that a job never leaves. A test holds them against `FINAL_STATES` of the agent. */
const FINAL_STATES: readonly JobState[] = ['booting', 'planned', 'failed', 'cancelled']

export function isFinal(state: JobState): boolean {
  return FINAL_STATES.includes(state)
}

export interface BoardClientOptions {
  /** sent as `Authorization: Bearer` */
  readonly token?: string
  /** seconds without a byte either way after which a request is given up; default 60 */
  readonly idleSeconds?: number
  /** seconds between two attempts to take up an event stream again; default 1 */
  readonly retrySeconds?: number
  /** attempts in a row to take up an event stream; default 5 */
  readonly retries?: number
}

/** A job as it is sent: the body of `POST /v1/jobs`, of one of the types that the agent reads. */
export interface JobBody {
  readonly type: string
  readonly content: string | Readable
  /** bytes of the content, where it is a stream */
  readonly size?: number
  /** plan it, but load nothing, whatever the job says */
  readonly dryRun?: boolean
}

/** A part of an artifact on its way to the board. */
export interface ArtifactPart {
  readonly name: string
  readonly body: Readable
  /** first byte of the part in the artifact */
  readonly offset: number
  /** bytes of the whole artifact */
  readonly size: number
  /** of the whole artifact, lower-case hex */
  readonly sha256: string
}

/** The content of a slot on its way to the board. */
export interface ImageBody {
  readonly body: Readable
  /** bytes */
  readonly size: number
  /** lower-case hex */
  readonly sha256: string
}

interface Call {
  readonly method: HttpRequest['method']
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: HttpRequest['body']
  readonly idleSeconds?: number
  readonly answerSeconds?: number
  readonly signal?: AbortSignal
}

/** A card that is read back says nothing for so long, seconds: 120 MiB at 1 MiB/s. */
const CARD_SECONDS = 300

/** For what the agent answers without any work of its own. */
const ANSWER_SECONDS = 5

/** Methods throw BOARD_UNREACHABLE, BOARD_ANSWER, what the agent refuses with, and the signal's reason or its AbortError. */
export class BoardClient {
  readonly #options: Required<Omit<BoardClientOptions, 'token'>>
  readonly #headers: Readonly<Record<string, string>>

  /** @param url of the agent, `http://board:8080`; a path before `/v1` is kept, for proxies */
  constructor(
    readonly url: URL,
    { token, ...options }: BoardClientOptions = {},
  ) {
    this.#options = { idleSeconds: 60, retrySeconds: 1, retries: 5, ...options }
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  }

  /**
   * Wait until the agent is ready.
   *
   * @param seconds how long, for a board that is just being powered on
   * @param since when it was, by `performance.now()`: an agent that was there before is about to go
   * @throws BOARD_UNREACHABLE with the last reason when the time is over
   */
  async waitUntilReady(seconds: number, signal?: AbortSignal, since = Number.NEGATIVE_INFINITY): Promise<void> {
    const deadline = performance.now() + seconds * 1000
    for (;;) {
      try {
        const health = await this.#json({ method: 'GET', path: 'healthz', idleSeconds: ANSWER_SECONDS, signal })
        if (secondsUp(health) * 1000 <= performance.now() - since) return
        throw fault('BOARD_UNREACHABLE', { url: this.url.href, reason: 'the board has not gone down yet' })
      } catch (thrown) {
        if (!isOutage(thrown)) throw thrown
        if (performance.now() >= deadline) {
          const reason = `not ready within ${seconds} s; the last attempt: ${thrown.details.reason}`
          throw fault('BOARD_UNREACHABLE', { url: this.url.href, reason }, thrown)
        }
      }
      await delay(this.#options.retrySeconds * 1000, undefined, { signal })
    }
  }

  async board(signal?: AbortSignal): Promise<BoardView> {
    return (await this.#json({ method: 'GET', path: 'v1/board', signal })) as BoardView
  }

  /** All jobs the board remembers. */
  async jobs(signal?: AbortSignal): Promise<JobView[]> {
    const call = { method: 'GET', path: 'v1/jobs', signal } as const
    return this.#list(call, await this.#json(call), 'jobs', 'id') as JobView[]
  }

  async job(id: string, signal?: AbortSignal): Promise<JobView> {
    return this.#jobView({ method: 'GET', path: jobPath(id), signal })
  }

  async submit(job: JobBody, signal?: AbortSignal): Promise<JobView> {
    const headers = {
      'content-type': job.type,
      ...(job.size !== undefined && { 'content-length': String(job.size) }),
    }
    const path = job.dryRun === true ? 'v1/jobs?dryRun=true' : 'v1/jobs'
    return this.#jobView({ method: 'POST', path, headers, body: job.content, signal })
  }

  async cancel(id: string, signal?: AbortSignal): Promise<JobView> {
    return this.#jobView({ method: 'DELETE', path: jobPath(id), signal })
  }

  /** The job's log so far, lines of text. */
  log(id: string, signal?: AbortSignal): Promise<string> {
    return this.#text({ method: 'GET', path: jobPath(id, '/log'), signal })
  }

  async plan(id: string, signal?: AbortSignal): Promise<PlanJson> {
    return (await this.#json({ method: 'GET', path: jobPath(id, '/plan'), signal })) as PlanJson
  }

  /**
   * What happens to a job, from its first event until its final state. A connection that ends before is taken up again
   * where it ended.
   *
   * @throws BOARD_UNREACHABLE when the board does not come back
   */
  async *events(id: string, signal?: AbortSignal): AsyncGenerator<JobEvent, void, undefined> {
    const path = jobPath(id, '/events')
    let last: number | null = null
    let failures = 0
    for (;;) {
      let outage = fault('BOARD_UNREACHABLE', { url: this.#at(path).href, reason: 'the event stream ended early' })
      try {
        const { request, response } = await this.#openEvents(path, last, signal)
        // WHATWG HTML section 9.2.3: nothing has come since, and nothing will.
        if (response.statusCode === 204) return
        for await (const event of readEvents(request, response)) {
          failures = 0
          last = event.seq
          yield event
          if (event.type === 'state' && isFinal(event.state)) return
        }
      } catch (thrown) {
        if (!isOutage(thrown)) throw thrown
        outage = thrown
      }
      failures += 1
      if (failures > this.#options.retries) throw outage
      await delay(this.#options.retrySeconds * 1000, undefined, { signal })
    }
  }

  async artifacts(signal?: AbortSignal): Promise<ArtifactView[]> {
    const call = { method: 'GET', path: 'v1/artifacts', signal } as const
    return this.#list(call, await this.#json(call), 'artifacts', 'name') as ArtifactView[]
  }

  async removeArtifact(name: string, signal?: AbortSignal): Promise<void> {
    await this.#text({ method: 'DELETE', path: artifactPath(name), signal })
  }

  /** Send an artifact or a part of it: RFC 9110 section 14.5 "Partial PUT". */
  async putArtifact(part: ArtifactPart, signal?: AbortSignal): Promise<void> {
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(part.size - part.offset),
      'x-content-sha256': part.sha256,
      ...(part.offset > 0 && { 'content-range': `bytes ${part.offset}-${part.size - 1}/${part.size}` }),
    }
    await this.#text({ method: 'PUT', path: artifactPath(part.name), headers, body: part.body, signal })
  }

  /** Which first stage runs. */
  async firstStage(signal?: AbortSignal): Promise<FirstStageView> {
    return this.#firstStageView({ method: 'GET', path: 'v1/first-stage', signal })
  }

  /** Send the content of a slot; resolves when the board has it on its SD card and has compared it. */
  async putFirstStage(image: ImageBody, signal?: AbortSignal): Promise<WrittenUpdate> {
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(image.size),
      'x-content-sha256': image.sha256,
    }
    const call = { method: 'PUT', path: 'v1/first-stage', headers, body: image.body, signal } as const
    const value = await this.#json({ ...call, idleSeconds: CARD_SECONDS })
    if (!hasText(value, 'slot')) throw wrongAnswer(this.#at(call.path), 'an update without a slot')
    return value as unknown as WrittenUpdate
  }

  /** Keep the first stage that is being tried. */
  confirmFirstStage(signal?: AbortSignal): Promise<FirstStageView> {
    return this.#firstStageView({ method: 'POST', path: 'v1/first-stage/confirm', idleSeconds: CARD_SECONDS, signal })
  }

  async restart(signal?: AbortSignal): Promise<void> {
    await this.#text({ method: 'POST', path: 'v1/first-stage/restart', signal })
  }

  async #firstStageView(call: Call): Promise<FirstStageView> {
    const value = await this.#json(call)
    if (isObject(value) && typeof value.trial === 'boolean') return value as unknown as FirstStageView
    throw wrongAnswer(this.#at(call.path), 'no first stage')
  }

  #openEvents(path: string, last: number | null, signal?: AbortSignal) {
    const headers = { accept: 'text/event-stream', ...(last !== null && { 'last-event-id': String(last) }) }
    // A stream is quiet for long; that it begins is a matter of moments.
    return this.#send({ method: 'GET', path, headers, answerSeconds: ANSWER_SECONDS, signal })
  }

  async #jobView(call: Call): Promise<JobView> {
    const value = await this.#json(call)
    if (!hasText(value, 'id') || !hasText(value, 'state')) {
      throw wrongAnswer(this.#at(call.path), 'a job without id and state')
    }
    return value as unknown as JobView
  }

  #list(call: Call, value: unknown, field: string, key: string): readonly unknown[] {
    const list = isObject(value) ? value[field] : null
    if (Array.isArray(list) && list.every(item => hasText(item, key))) return list
    throw wrongAnswer(this.#at(call.path), `no list of ${field}`)
  }

  async #json(call: Call): Promise<unknown> {
    return parseJson(this.#at(call.path), await this.#text(call))
  }

  async #text(call: Call): Promise<string> {
    const { request, response } = await this.#send(call)
    return readText(request, response)
  }

  async #send({ path, headers, ...call }: Call): Promise<{ request: HttpRequest; response: IncomingMessage }> {
    const request = {
      idleSeconds: this.#options.idleSeconds,
      ...call,
      url: this.#at(path),
      headers: { ...this.#headers, ...headers },
    }
    return { request, response: await sendRequest(request) }
  }

  #at(path: string): URL {
    return new URL(path, this.url.href.endsWith('/') ? this.url : `${this.url.href}/`)
  }
}

async function* readEvents(request: HttpRequest, response: IncomingMessage): AsyncGenerator<JobEvent> {
  for await (const { data } of parseEventStream(readChunks(request, response), request.url.href)) {
    const event = parseJson(request.url, data)
    if (!isJobEvent(event)) throw wrongAnswer(request.url, `an event without seq and type: ${data.slice(0, 80)}`)
    yield event
  }
}

/** The board is not there or not itself: worth another attempt. */
export function isOutage(thrown: unknown): thrown is FauxbootError {
  return thrown instanceof FauxbootError && (thrown.code === 'BOARD_UNREACHABLE' || thrown.code === 'BOARD_ANSWER')
}

function jobPath(id: string, rest = ''): string {
  return `v1/jobs/${encodeURIComponent(id)}${rest}`
}

function artifactPath(name: string): string {
  return `v1/artifacts/${encodeURIComponent(name)}`
}

function parseJson(url: URL, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // JSON.parse throws only SyntaxError. Its position does not help here, the text does.
    throw wrongAnswer(url, `no JSON: ${JSON.stringify(text.slice(0, 80))}`)
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function hasText(value: unknown, field: string): value is Readonly<Record<string, unknown>> {
  return isObject(value) && typeof value[field] === 'string'
}

/** The agent's uptime; 0 if it does not report one. */
function secondsUp(health: unknown): number {
  return isObject(health) && typeof health.uptime === 'number' ? health.uptime : 0
}

function isJobEvent(value: unknown): value is JobEvent {
  return hasText(value, 'type') && typeof value.seq === 'number'
}
