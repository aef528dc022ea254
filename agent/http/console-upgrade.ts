/** `/v1/console`: the console as a WebSocket (RFC 6455). Node hands over each request with `Upgrade` here, and not to Fastify. */

import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { asFault, fault } from '../errors.js'
import { checkOrigin, type Requester } from './access.js'
import type { Connections } from './connections.js'
import type { HttpConfig } from './http-config.js'
import { endConnection } from './replies/error-reply.js'
import { pathOf } from './requests/request-path.js'
import type { SharedConsole } from './shared-console.js'

const PATH = '/v1/console'

/** The subprotocol that brings the token: a browser cannot set headers of a WebSocket. */
const TOKEN_PROTOCOL = /(?:^|,)\s*fauxboot\.token\.([\w-]+)\s*(?:,|$)/

export interface ConsoleDeps {
  readonly server: Server
  readonly connections: Connections
  readonly config: Pick<HttpConfig, 'heartbeatSeconds'>
  readonly checkAccess: (requester: Requester) => Promise<boolean>
  /** null while there is no console */
  readonly console: () => SharedConsole | null
}

/** Serve the console. Nothing for it loads before the first request. */
export function addConsole(deps: ConsoleDeps): void {
  deps.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    upgrade(deps, request, socket, head).catch((thrown: unknown) => {
      if (socket.writable) endConnection(socket, asFault(thrown, 'opening the console'))
    })
  })
}

async function upgrade(deps: ConsoleDeps, request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
  const path = pathOf(request.url ?? '')
  if (request.method !== 'GET' || path !== PATH)
    throw fault('HTTP_ROUTE', { method: `${request.method} (Upgrade)`, path })
  const { host, origin } = request.headers
  const headers = { host, origin, authorization: authorizationOf(request.headers) }
  const requester: Requester = { method: 'GET', path, ip: socket.remoteAddress ?? '', headers }
  // A browser lets any page open a WebSocket to any host.
  checkOrigin(requester)
  const allowed = deps.checkAccess(requester)
  void deps.connections.keepIf(socket, allowed)
  await allowed
  const refusal = await deps.checkAccess({ ...requester, method: 'POST' }).then(
    () => null,
    (thrown: unknown) => asFault(thrown, 'typing').message,
  )
  const shared = deps.console()
  if (shared === null) throw fault('CONSOLE_ABSENT', {})
  const { serveConsole } = await import('./console-socket.js')
  serveConsole(request, socket, head, { shared, refusal, heartbeatMs: deps.config.heartbeatSeconds * 1000 })
}

function authorizationOf(headers: IncomingHttpHeaders): string | undefined {
  const [, token] = TOKEN_PROTOCOL.exec(headers['sec-websocket-protocol'] ?? '') ?? []
  return token === undefined ? headers.authorization : `Bearer ${Buffer.from(token, 'base64url').toString('utf8')}`
}
