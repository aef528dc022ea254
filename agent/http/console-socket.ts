/** One WebSocket of the console. */

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { CONSOLE_PROTOCOL, type SharedConsole } from './shared-console.js'

/** Bytes of a message: much more than a line, much less than a pasted file. */
const LARGEST_MESSAGE = 64 * 1024
/** Bytes that may wait for a reader; one that leaves more unread is dropped. */
const MOST_UNREAD = 256 * 1024
/** RFC 6455 section 7.4.1: the message violates the policy. */
const REFUSED = 1008

export interface ConsoleOptions {
  readonly shared: SharedConsole
  /** why this client may only read; null: it may type */
  readonly refusal: string | null
  /** milliseconds between pings; a client that answered none of the last is dropped */
  readonly heartbeatMs: number
}

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: LARGEST_MESSAGE,
  handleProtocols: protocols => (protocols.has(CONSOLE_PROTOCOL) ? CONSOLE_PROTOCOL : false),
})

/** Answer the request with a WebSocket. The first message is JSON: whether its client may type. All others are bytes. */
export function serveConsole(request: IncomingMessage, socket: Socket, head: Buffer, options: ConsoleOptions): void {
  server.handleUpgrade(request, socket, head, client => serve(client, options))
}

function serve(client: WebSocket, { shared, refusal, heartbeatMs }: ConsoleOptions): void {
  const show = (bytes: string): void => {
    if (client.bufferedAmount > MOST_UNREAD) client.terminate()
    else client.send(Buffer.from(bytes, 'latin1'))
  }
  const watching = shared.watch({ send: show, resume: () => client.resume() })
  client.send(JSON.stringify({ typing: refusal === null, reason: refusal }))
  if (watching.recent !== '') show(watching.recent)
  let answered = true
  const heartbeat = setInterval(() => {
    if (!answered) client.terminate()
    answered = false
    client.ping()
  }, heartbeatMs).unref()
  client.on('pong', () => {
    answered = true
  })
  client.on('message', data => {
    if (refusal !== null) client.close(REFUSED, 'this client may only read')
    else if (!watching.type(textOf(data))) client.pause()
  })
  // A client that breaks the protocol is closed by `ws`.
  client.on('error', () => client.terminate())
  client.once('close', () => {
    clearInterval(heartbeat)
    watching.close()
  })
}

function textOf(data: RawData): string {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? Buffer.from(data) : data
  return bytes.toString('latin1')
}
