/** The lab's HTTP server in a measurement: files from memory, by their names. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LabServer {
  readonly port: number
  stop(): void
}

/** @param bytesOf the file of a name, or of one that is to come; null: there is none */
export async function startLabServer(
  bytesOf: (name: string) => Uint8Array | Promise<Uint8Array> | null,
): Promise<LabServer> {
  const server = createServer((request, response) => {
    void Promise.resolve(bytesOf((request.url ?? '').slice(1))).then(bytes => {
      if (bytes === null) response.writeHead(404).end()
      else response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}
