/** A job with 8 to 512 MiB of artifacts on an HTTP server: fetched, verified, and given up before it is planned. */

import { createHash } from 'node:crypto'
import { FINAL_STATES } from '../../../agent/boot/jobs/job.js'
import type { Figure } from '../figure.js'
import { startLabServer } from '../lab-server.js'
import { startLocalAgent } from '../local-agent.js'
import { type GrowthPoint, growthFigures } from './growth.js'
import { jobEvents, submit } from './job-requests.js'

const SIZES_MIB: readonly number[] = [8, 32, 128, 512]

export async function measureJobSizes(): Promise<Figure[]> {
  const points: GrowthPoint[] = []
  const ramdisk = Buffer.alloc(512 << 20, 'fauxboot')
  for (const size of SIZES_MIB) {
    const bytes = ramdisk.subarray(0, size << 20)
    const server = await startLabServer(name => (name === 'ramdisk' ? bytes : Buffer.from('no kernel')))
    const agent = await startLocalAgent()
    try {
      const url = (name: string): string => `http://127.0.0.1:${server.port}/${name}`
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const job = {
        kernel: { url: url('kernel') },
        ramdisk: { url: url('ramdisk'), sha256 },
        cmdline: '',
        options: { dryRun: true },
      }
      const took = await agent.took(async () => {
        const id = await submit(agent.url, job)
        for await (const event of jobEvents(agent.url, id)) {
          if (event.state !== undefined && FINAL_STATES.includes(event.state)) break
        }
      })
      points.push({ ...took, at: size })
    } finally {
      await agent.stop()
      server.stop()
    }
  }
  return growthFigures('job with artifacts on an HTTP server, with sha256', 'MiB', points)
}
