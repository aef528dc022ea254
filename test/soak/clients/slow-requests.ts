/** Requests that arrive a few bytes at a time, and never completely. */

import { setTimeout as pause } from 'node:timers/promises'
import { HOST, PORTS, TOKEN } from '../addresses.js'
import type { Client } from '../client.js'
import { connectTo } from '../connection.js'

/** A client that sends some text, and then a little more every second. */
const slow = (
  row: Pick<Client, 'name' | 'count' | 'rest'>,
  seconds: number,
  first: (index: number) => string,
  further: string,
): Client => ({
  ...row,
  async act(index) {
    const socket = await connectTo(PORTS.http, index)
    if (socket === null) return null
    socket.resume()
    socket.write(first(index))
    for (let second = 0; second < seconds && socket.writable; second++) {
      await pause(1000)
      socket.write(further)
    }
    socket.resetAndDestroy()
    return null
  },
})

/** Every other one has the token, so its connection keeps its place. */
function putHead(index: number): string {
  const token = index % 2 === 0 ? `authorization: Bearer ${TOKEN}\r\n` : ''
  return `PUT /v1/artifacts/slow-${index} HTTP/1.1\r\nhost: ${HOST}\r\n${token}content-length: 1000000\r\n\r\n`
}

export const slowRequests: readonly Client[] = [
  slow({ name: 'slow heads', count: 100, rest: 2 }, 40, () => 'GET /healthz HTTP/1.1\r\n', 'x-slow: x\r\n'),
  slow({ name: 'slow bodies', count: 40, rest: 2 }, 30, putHead, 'x'),
]
