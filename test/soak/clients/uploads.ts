/** Uploads with the token: some break off, and some arrive and are deleted again. */

import { createHash, randomBytes } from 'node:crypto'
import { HOST, PORTS, TOKEN } from '../addresses.js'
import type { Client } from '../client.js'
import { connectTo, held } from '../connection.js'
import { ask } from '../token-holder.js'

const SIZE = 4 * 2 ** 20
const BYTES = randomBytes(SIZE)
const SHA256 = createHash('sha256').update(BYTES).digest('hex')

export const uploads: readonly Client[] = [
  {
    name: 'uploads that break off',
    count: 8,
    rest: 2,
    async act(index) {
      const socket = await connectTo(PORTS.http, index)
      if (socket === null) return null
      const head = `PUT /v1/artifacts/broken-${index} HTTP/1.1\r\nhost: ${HOST}\r\nauthorization: Bearer ${TOKEN}\r\n`
      socket.resume()
      socket.write(`${head}content-length: ${SIZE}\r\n\r\n`)
      socket.write(BYTES.subarray(0, Math.floor(Math.random() * SIZE)))
      await held(socket, 1)
      return null
    },
  },
  {
    name: 'uploads',
    count: 2,
    rest: 3,
    async act(index) {
      const path = `/v1/artifacts/whole-${index}`
      const stored = await ask({ method: 'PUT', path: `${path}?sha256=${SHA256}`, body: BYTES })
      if (stored.status !== 201) return `an upload was answered with ${stored.status}: ${stored.text}`
      const deleted = await ask({ method: 'DELETE', path })
      return deleted.status === 204 ? null : `deleting was answered with ${deleted.status}: ${deleted.text}`
    },
  },
]
