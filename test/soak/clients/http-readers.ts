/** Clients without a token, who read: event streams, answers that nobody takes, more requests than anyone sends. */

import { HOST, PORTS } from '../addresses.js'
import type { Client } from '../client.js'
import { connectTo, held } from '../connection.js'
import { newestJob } from './jobs.js'

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`

/** A client that sends requests, and reads the answers or not. */
const reader = (
  row: Pick<Client, 'name' | 'count' | 'rest'>,
  seconds: number,
  text: (index: number) => string,
  reads: (index: number) => boolean,
): Client => ({
  ...row,
  async act(index) {
    const socket = await connectTo(PORTS.http, index)
    if (socket === null) return null
    socket.write(text(index))
    if (reads(index)) socket.resume()
    await held(socket, seconds)
    return null
  },
})

const never = (): boolean => false
const BURST = get('/v1/board').repeat(5000)

export const httpReaders: readonly Client[] = [
  reader(
    { name: 'event streams', count: 1000, rest: 10 },
    60,
    () => get(`/v1/jobs/${newestJob()}/events`),
    index => index % 2 === 0,
  ),
  reader({ name: 'unread answers', count: 20, rest: 5 }, 20, () => get('/docs/json').repeat(8), never),
  reader({ name: 'pipelined requests', count: 10, rest: 5 }, 5, () => BURST, never),
  reader(
    { name: 'pipelined, read', count: 5, rest: 5 },
    5,
    () => get('/v1/jobs').repeat(32),
    () => true,
  ),
]
