/** What followers of a job cost: 1 to 1,000 streams of the events of one job that fetches a file. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Figure } from '../figure.js'
import { startLocalAgent } from '../local-agent.js'
import { type GrowthPoint, growthFigures } from './growth.js'
import { submit } from './job-requests.js'

const STREAMS: readonly number[] = [1, 10, 100, 1000]
/** The file arrives in so many pieces, and each makes an event of progress. */
const PIECES = 50
const PIECE = Buffer.alloc(1 << 20, 'fauxboot')
/** An agent tells progress ten times a second at most. */
const PIECE_MS = 110

export async function measureEventStreams(): Promise<Figure[]> {
  const points: GrowthPoint[] = []
  for (const streams of STREAMS) points.push(await follow(streams))
  return growthFigures(
    `job of ${PIECES} MiB in ${(PIECES * PIECE_MS) / 1000} s that is followed by event streams`,
    'streams',
    points,
  )
}

async function follow(streams: number): Promise<GrowthPoint> {
  let begin = (): void => undefined
  const held = new Promise<void>(resolve => {
    begin = resolve
  })
  const server = createServer(async (_, response) => {
    response.writeHead(200, { 'content-length': PIECES * PIECE.length })
    await held
    for (let piece = 0; piece < PIECES; piece++) {
      response.write(PIECE)
      await pause(PIECE_MS)
    }
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = await startLocalAgent(['--max-connections', '2000'])
  const sockets: Socket[] = []
  try {
    const { hostname, port } = new URL(agent.url)
    const id = await submit(agent.url, {
      kernel: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/kernel` },
      cmdline: '',
      options: { dryRun: true },
    })
    for (let stream = 0; stream < streams; stream++) {
      const socket = connect(Number(port), hostname)
      socket.write(`GET /v1/jobs/${id}/events HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`)
      // The first event is there: the agent serves the stream.
      await once(socket, 'data')
      sockets.push(socket)
    }
    const ends = sockets.map(socket => once(socket.resume(), 'close'))
    const took = await agent.took(async () => {
      begin()
      await Promise.all(ends)
    })
    return { ...took, at: streams }
  } finally {
    for (const socket of sockets) socket.destroy()
    await agent.stop()
    server.close()
  }
}
