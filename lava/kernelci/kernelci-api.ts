/**
 * KernelCI's API (kernelci-api, "API details"), the calls that a pull lab makes: events, nodes, and writing nodes.
 */

import { FauxbootError, fault } from '../../agent/errors.js'
import { exchange, type HttpRequest, readText } from '../client/http-request.js'
import { type Fields, type KernelciNode, type NodeEvent, readEvents, readNode } from './node.js'

export interface KernelciApiOptions {
  /** with the version: `https://api.kernelci.org/latest` */
  readonly url: string
  readonly token: string
  /** seconds without a byte either way after which a request is given up */
  readonly requestSeconds: number
}

/** Most events of one answer, as KernelCI's own labs ask for. */
export const EVENT_LIMIT = 1000

/** 1000 events with their nodes are a few MiB. */
const ANSWER_LIMIT = 64 * 1024 * 1024
/** A job is below its build, that below its checkout. */
const MOST_ANCESTORS = 8
/** Characters of an API's explanation that an error quotes. */
const QUOTED = 300

/** Methods throw PULL_API for refusals and answers that are none, FETCH_NETWORK without an answer, the signal's reason. */
export class KernelciApi {
  readonly #options: KernelciApiOptions

  constructor(options: KernelciApiOptions) {
    this.#options = options
  }

  /**
   * Jobs that have become available since then, the oldest first, at most `EVENT_LIMIT`.
   *
   * @param from timestamp of the last event that is known
   */
  async events(from: string, signal?: AbortSignal): Promise<NodeEvent[]> {
    const query = new URLSearchParams({
      state: 'available',
      kind: 'job',
      recursive: 'true',
      limit: String(EVENT_LIMIT),
      from,
    })
    const path = `events?${query}`
    const events = readEvents(await this.#call('GET', path, undefined, signal))
    if (events === null) throw this.#wrong(path, 'no list of events')
    return events
  }

  async node(id: string, signal?: AbortSignal): Promise<KernelciNode> {
    const path = `node/${id}`
    const node = readNode(await this.#call('GET', path, undefined, signal))
    if (node?.id !== id) throw this.#wrong(path, 'not the node that was asked for')
    return node
  }

  /**
   * The kernel build that a job tests.
   *
   * @returns null if the job has no such ancestor
   */
  async buildOf(job: KernelciNode, signal?: AbortSignal): Promise<KernelciNode | null> {
    let node = job
    for (let depth = 0; depth < MOST_ANCESTORS && node.parent !== null; depth++) {
      node = await this.node(node.parent, signal)
      if (node.kind === 'kbuild') return node
    }
    return null
  }

  /** Replace a node. */
  async putNode(id: string, document: Fields, signal?: AbortSignal): Promise<void> {
    await this.#call('PUT', `node/${id}`, document, signal)
  }

  /** Replace a node and add nodes below it, in one request. */
  async putHierarchy(id: string, document: Fields, children: readonly Fields[], signal?: AbortSignal): Promise<void> {
    const hierarchy = { node: document, child_nodes: children.map(node => ({ node, child_nodes: [] })) }
    await this.#call('PUT', `nodes/${id}`, hierarchy, signal)
  }

  async #call(method: 'GET' | 'PUT', path: string, body: Fields | undefined, signal?: AbortSignal): Promise<unknown> {
    const { token, requestSeconds: idleSeconds } = this.#options
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${token}`,
      ...(body && { 'content-type': 'application/json' }),
    }
    const content = body === undefined ? undefined : JSON.stringify(body)
    const request: HttpRequest = { method, url: this.#at(path), headers, body: content, idleSeconds, signal }
    const { status, text } = await answerOf(request)
    if (status >= 200 && status < 300) return this.#json(path, text)
    throw fault('PULL_API', { url: request.url.href, status, reason: explanation(text) })
  }

  #json(path: string, text: string): unknown {
    try {
      return JSON.parse(text)
    } catch (error) {
      if (error instanceof SyntaxError) throw this.#wrong(path, `no JSON: ${text.slice(0, QUOTED)}`)
      throw error
    }
  }

  #at(path: string): URL {
    const { url } = this.#options
    return new URL(path, url.endsWith('/') ? url : `${url}/`)
  }

  #wrong(path: string, reason: string): FauxbootError {
    return fault('PULL_API', { url: this.#at(path).href, status: 200, reason })
  }
}

/**
 * Send a request to a server that is no board.
 *
 * @throws FETCH_NETWORK when there is no answer or it breaks off
 */
export async function answerOf(request: HttpRequest): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await exchange(request)
    return { status: response.statusCode ?? 0, text: await readText(request, response, ANSWER_LIMIT) }
  } catch (thrown) {
    throw serverFault(thrown)
  }
}

/** The messages of `http-request.ts` are about boards; for another server, only the system's reason is kept. */
function serverFault(thrown: unknown): unknown {
  if (!(thrown instanceof FauxbootError)) return thrown
  const { code, details, cause } = thrown
  if (code !== 'BOARD_UNREACHABLE' && code !== 'BOARD_ANSWER') return thrown
  const reason = cause instanceof Error ? cause.message : String(details.reason)
  return fault('FETCH_NETWORK', { url: String(details.url), reason }, thrown)
}

/** FastAPI answers `{"detail": "..."}`, or a list of objects for a body that it cannot read. */
function explanation(text: string): string {
  try {
    const { detail } = JSON.parse(text)
    return (typeof detail === 'string' ? detail : JSON.stringify(detail ?? text)).slice(0, QUOTED)
  } catch (error) {
    // A proxy answers in HTML; `null` has no detail.
    if (error instanceof SyntaxError || error instanceof TypeError) return text.slice(0, QUOTED)
    throw error
  }
}
