/** The requests of a connection are handled one after the other, however many of them arrive at once. */

import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { fault } from '../errors.js'
import { endConnection } from './replies/error-reply.js'

/**
 * Requests that may wait for their turn on one connection. Node parses every request of a segment before the first is
 * answered, so one connection could fill the memory. Clients that pipeline at all send a few at a time.
 */
const MAX_WAITING = 32

/** What Node's parser of HTTP calls for each request; 2 has it stop, as after a request for an upgrade. */
interface Parser {
  onIncoming: (() => number) | null
}

interface Turn {
  readonly response: ServerResponse
  readonly start: () => void
}

export class RequestTurns {
  /** by connection: the request that is being answered, then those that wait */
  readonly #turns = new WeakMap<Socket, Turn[]>()

  /** Whether a request of this connection is being answered. */
  isBusy(socket: Socket): boolean {
    return (this.#turns.get(socket)?.length ?? 0) > 0
  }

  /**
   * Handle each request when the answer to the one before it is complete (RFC 9112 section 9.3.2). A connection on which
   * too many wait ends with HTTP_PIPELINE.
   */
  inTurn(handle: RequestListener): RequestListener {
    return (request, response) => {
      const { socket } = request
      if (!socket.writable) {
        stopParsing(socket)
        return
      }
      const turns = this.#turns.get(socket) ?? []
      this.#turns.set(socket, turns)
      const [current] = turns
      if (current !== undefined && turns.length > MAX_WAITING) {
        refuse(socket, current.response)
        return
      }
      const start = (): void => handle(request, response)
      turns.push({ response, start })
      response.once('close', () => {
        turns.shift()
        if (socket.writable) turns[0]?.start()
      })
      if (current === undefined) start()
    }
  }
}

/**
 * The parser would go on to the end of the segment after the connection has ended, and 64 KiB can hold 3,000 requests. Node
 * has no call that stops it. If a later Node has another parser, the rest is parsed and dropped.
 */
function stopParsing(socket: Socket): void {
  const { parser } = socket as { readonly parser?: Parser | null }
  if (parser) parser.onIncoming = () => 2
}

/** The answer stands in for the current one: it can be sent only while nothing of that is out. */
function refuse(socket: Socket, current: ServerResponse): void {
  stopParsing(socket)
  if (current.headersSent) socket.destroy()
  else endConnection(socket, fault('HTTP_PIPELINE', { limit: MAX_WAITING }))
}
