/** Consoles over TCP, one for each connection. They ask for no password. */

import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { fault } from '../../errors.js'
import type { ConsoleLine } from './console-line.js'
import { telnetLine } from './stream-line.js'

/** Each has a line editor with its history; further ones are closed at once. */
export const MOST_CONSOLES = 32

/**
 * Listen.
 *
 * @param connected called with the line of each connection
 * @throws CONSOLE_LINE when the port cannot be had
 */
export async function listenTelnet(
  { host, port }: { readonly host: string; readonly port: number },
  connected: (line: ConsoleLine) => void,
): Promise<Server> {
  const server = createServer(socket => connected(telnetLine(socket)))
  server.maxConnections = MOST_CONSOLES
  try {
    await once(server.listen(port, host), 'listening')
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw fault('CONSOLE_LINE', { path: `tcp ${host}:${port}`, reason }, thrown)
  }
  return server
}
