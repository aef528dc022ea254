/** What followers of a job cost: 1 to 1,000 streams of the events of one job that fetches a file. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Figure } from '../figure.js'
import { startLabServer } from '../lab-server.js'
import { type GrowthPoint, growthFigures } from './growth.js'
import { submit } from './job-requests.js'
import { startMeasuredAgent } from './measured-agent.js'

const STREAMS: readonly number[] = [1, 10, 100, 1000]
/** A hundred events of progress, and some others. */
const FILE = Buffer.alloc(64 << 20, 'fauxboot')

export async function measureEventStreams(): Promise<Figure[]> {
  const points: GrowthPoint[] = []
  for (const streams of STREAMS) points.push(await follow(streams))
  return growthFigures('job of 64 MiB that is followed by event streams', 'streams', points)
}

async function follow(streams: number): Promise<GrowthPoint> {
  let begin: (file: Uint8Array) => void = () => undefined
  const held = new Promise<Uint8Array>(resolve => {
    begin = resolve
  })
  const server = await startLabServer(() => held)
  const agent = await startMeasuredAgent()
  const sockets: Socket[] = []
  try {
    const { hostname, port } = new URL(agent.url)
    const id = await submit(agent.url, {
      kernel: { url: `http://127.0.0.1:${server.port}/kernel` },
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
    return await agent.measured(streams, async () => {
      begin(FILE)
      await Promise.all(ends)
    })
  } finally {
    for (const socket of sockets) socket.destroy()
    await agent.stop()
    server.stop()
  }
}
