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
      // The parser goes on to the end of the segment after the connection has been ended.
      if (!socket.writable) return
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

/** The answer stands in for the current one: it can be sent only while nothing of that is out. */
function refuse(socket: Socket, current: ServerResponse): void {
  if (current.headersSent) socket.destroy()
  else endConnection(socket, fault('HTTP_PIPELINE', { limit: MAX_WAITING }))
}
