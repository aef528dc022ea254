/** What a lab has for its boards: a TFTP server. It is somebody else's, so that the board's client has to do with one. */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import tftp from 'tftp'

export interface TftpServer {
  /** UDP port */
  readonly port: number
  close(): void
}

/** A UDP port that nobody has; the server cannot choose one itself. */
async function freePort(host: string): Promise<number> {
  const socket = createSocket('udp4')
  await once(socket.bind(0, host), 'listening')
  const { port } = socket.address()
  await once(socket.close(), 'close')
  return port
}

/**
 * Serve files from memory.
 *
 * @param host address to listen on
 * @param files by name
 * @param complain called when a transfer fails; the board says what it thinks of that itself
 */
export async function serveTftp(
  host: string,
  files: ReadonlyMap<string, Uint8Array>,
  complain: (problem: string) => void,
): Promise<TftpServer> {
  const port = await freePort(host)
  const server = tftp.createServer({ host, port, denyPUT: true }, (request, response) => {
    request.on('error', (error: Error) => complain(`sending ${request.file}: ${error.message}`))
    const bytes = files.get(request.file)
    if (bytes === undefined) return request.abort('File not found')
    response.setSize(bytes.length)
    response.end(bytes)
  })
  server.listen()
  await once(server, 'listening')
  server.on('error', (error: Error) => complain(error.message))
  return { port, close: () => server.close() }
}
