/** Node's HTTP server, with bounds on what clients can hold: connections, requests that wait, and time. */

import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Connections } from './connections.js'
import type { HttpConfig } from './http-config.js'
import type { RequestTurns } from './request-turns.js'

/** Node looks for late heads so many times in the time that a head may take. */
const CHECKS = 4

export function createBoundedServer(
  handle: RequestListener,
  turns: RequestTurns,
  connections: Connections,
  { idleSeconds, headSeconds }: Pick<HttpConfig, 'idleSeconds' | 'headSeconds'>,
): Server {
  const [idleMs, headMs] = [idleSeconds * 1000, headSeconds * 1000]
  const options = {
    headersTimeout: headMs,
    connectionsCheckingInterval: headMs / CHECKS,
    // A body may take any time while its bytes arrive: idleSeconds bounds the gaps.
    requestTimeout: 0,
    keepAliveTimeout: idleMs,
  }
  const server = createServer(options, turns.inTurn(handle))
  server.setTimeout(idleMs)
  // Node forgets connections that have become WebSockets, and its own method would leave them open.
  server.closeAllConnections = () => connections.end()
  server.on('connection', (socket: Socket) => connections.add(socket))
  return server
}
