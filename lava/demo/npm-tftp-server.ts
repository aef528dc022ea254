/**
 * The demonstration's TFTP server, on loopback only: the package `tftp`, so that the board's client meets an
 * implementation that is not ours. It is not fit for a lab's network: it checks no sender and bounds nothing.
 */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import tftp from 'tftp'
import type { ServeFiles } from '../monitor/file-server.js'

/** A free UDP port; the package cannot choose one itself. */
async function freePort(host: string): Promise<number> {
  const socket = createSocket('udp4')
  await once(socket.bind(0, host), 'listening')
  const { port } = socket.address()
  await once(socket.close(), 'close')
  return port
}

const LOOPBACK = '127.0.0.1'

/** Serve files from memory; the address is always loopback, the port any free one. */
export const serveWithNpmTftp: ServeFiles = async (_listen, files, complain) => {
  const port = await freePort(LOOPBACK)
  const server = tftp.createServer({ host: LOOPBACK, port, denyPUT: true }, (request, response) => {
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
