/**
 * KernelCI's API (kernelci-api, "API details"), the calls that a pull lab makes: events, nodes, and writing nodes.
 */

import { FauxbootError, fault } from '../../agent/errors.js'
import { exchange, type HttpRequest, readText } from '../client/http-request.js'
import {
  changedDocument,
  changedFields,
  type Fields,
  fieldsOf,
  type KernelciNode,
  type NodeChanges,
  type NodeEvent,
  readEvents,
  readNode,
} from './node.js'

export interface KernelciApiOptions {
  /** with the version: `https://api.kernelci.org/latest` */
  readonly url: string
  readonly token: string
  /** `node.state` of a job that a lab may claim */
  readonly jobState: string
  /** seconds without a byte either way after which a request is given up */
  readonly requestSeconds: number
}

/** A user of the API. */
export interface ApiUser {
  readonly name: string
  readonly groups: readonly string[]
  readonly superuser: boolean
}

/** Whether a user may change the nodes of a runtime's jobs (kernelci-api, `_user_can_edit_node`). */
export function mayEditNodes({ groups, superuser }: ApiUser, runtime: string): boolean {
  const editors = ['node:edit:any', `runtime:${runtime}:node-editor`, `runtime:${runtime}:node-admin`]
  return superuser || groups.some(group => editors.includes(group))
}

/** Most events of one answer, as KernelCI's own labs ask for. */
export const EVENT_LIMIT = 1000

/** 1000 events with their nodes are a few MiB. */
const ANSWER_LIMIT = 64 * 1024 * 1024
/** A job is below its build, that below its checkout. */
const MOST_ANCESTORS = 8
/** Nodes of one page; the API takes up to 1000. */
const PAGE = 100
/** Pages of the nodes below a job; a pull-lab job has some thousand tests at most. */
const MOST_PAGES = 100
/** Answers of a server that has no `PATCH /node/ID` yet. */
const NO_PATCH: readonly unknown[] = [404, 405]
/** Characters of an API's explanation that an error quotes. */
const QUOTED = 300

/** Methods throw PULL_API for refusals and answers that are none, FETCH_NETWORK without an answer, the signal's reason. */
export class KernelciApi {
  readonly #options: KernelciApiOptions
  /** whether the server has `PATCH /node/ID` */
  #patches = true

  constructor(options: KernelciApiOptions) {
    this.#options = options
  }

  /**
   * Jobs that have become free to claim since then, the oldest first, at most `EVENT_LIMIT`.
   *
   * @param from timestamp of the last event that is known
   */
  async events(from: string, signal?: AbortSignal): Promise<NodeEvent[]> {
    const query = new URLSearchParams({
      state: this.#options.jobState,
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

  /** Change a node that was just read. Nothing but the changes is written where the server can do that. */
  async changeNode(node: KernelciNode, changes: NodeChanges, signal?: AbortSignal): Promise<void> {
    const path = `node/${node.id}`
    try {
      if (this.#patches) {
        await this.#call('PATCH', path, changedFields(node, changes), signal)
        return
      }
    } catch (thrown) {
      if (!(thrown instanceof FauxbootError) || !NO_PATCH.includes(thrown.details.status)) throw thrown
    }
    await this.#call('PUT', path, changedDocument(node, changes), signal)
    this.#patches = false
  }

  /** Add a node below another one. `PUT /nodes/ID` would do both at once, but it replaces the upper one. */
  async addNode(document: Fields, signal?: AbortSignal): Promise<void> {
    await this.#call('POST', 'node', document, signal)
  }

  /** Names of the tests that a job already has below it. */
  async testNames(parent: string, signal?: AbortSignal): Promise<Set<string>> {
    const names = new Set<string>()
    for (let page = 0; page < MOST_PAGES; page++) {
      const query = new URLSearchParams({ parent, kind: 'test', limit: String(PAGE), offset: String(page * PAGE) })
      const path = `nodes?${query}`
      const { items } = fieldsOf(await this.#call('GET', path, undefined, signal))
      if (!Array.isArray(items)) throw this.#wrong(path, 'no page of nodes')
      for (const item of items) names.add(String(fieldsOf(item).name))
      if (items.length < PAGE) break
    }
    return names
  }

  /** Whose token this is, and the groups of that user. */
  async user(signal?: AbortSignal): Promise<ApiUser> {
    const path = 'whoami'
    const { username, groups, is_superuser: superuser } = fieldsOf(await this.#call('GET', path, undefined, signal))
    if (typeof username !== 'string') throw this.#wrong(path, 'no user')
    const names = (Array.isArray(groups) ? groups : []).map(group => String(fieldsOf(group).name))
    return { name: username, groups: names, superuser: superuser === true }
  }

  async #call(
    method: 'GET' | 'PUT' | 'PATCH' | 'POST',
    path: string,
    body: Fields | undefined,
    signal?: AbortSignal,
  ): Promise<unknown> {
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
