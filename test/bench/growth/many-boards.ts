/** 1, 4 and 16 boards that fetch at the same time from one TFTP and one HTTP server on this machine. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPeerServers } from '../../interop/tftp-peers.js'
import type { Figure } from '../figure.js'
import { startLabServer } from '../lab-server.js'
import type { Took } from '../timing.js'
import { type GrowthPoint, growthFigures } from './growth.js'

const BOARDS: readonly number[] = [1, 4, 16]
const SIZE_MIB = 64
const FILE = 'file'

const SHARED =
  'all boards and their server share the cores of this machine and their caches: the CPU time of each grows, too'

/** What a board is told: where to fetch {@link FILE} from. */
export interface FetchOrder {
  readonly tftp: { readonly server: string; readonly port: number; readonly file: string } | null
  readonly http: string | null
}

export async function measureManyBoards(): Promise<Figure[]> {
  const directory = await mkdtemp('/dev/shm/fauxboot-boards-')
  const bytes = Buffer.alloc(SIZE_MIB << 20, 'fauxboot')
  await writeFile(join(directory, FILE), bytes)
  const [tftpd] = await startPeerServers(directory, name => name === 'tftpd-hpa')
  const web = await startLabServer(() => bytes)
  try {
    if (tftpd === undefined) throw new Error('tftpd-hpa did not start')
    const { address: server, port } = tftpd
    const orders: readonly (readonly [string, FetchOrder])[] = [
      ['TFTP', { tftp: { server, port, file: FILE }, http: null }],
      ['HTTP', { tftp: null, http: `http://127.0.0.1:${web.port}/${FILE}` }],
    ]
    const figures: Figure[] = []
    for (const [name, order] of orders) {
      const points: GrowthPoint[] = []
      for (const boards of BOARDS) points.push(await fetchTogether(boards, order))
      figures.push(
        ...growthFigures(`${SIZE_MIB} MiB over ${name} to every board, all at once`, 'boards', points, SHARED),
      )
    }
    return figures
  } finally {
    await tftpd?.stop()
    web.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

/** @returns the time of all, and the CPU time of all boards together */
async function fetchTogether(boards: number, order: FetchOrder): Promise<GrowthPoint> {
  const children: ChildProcess[] = []
  try {
    while (children.length < boards) {
      const child = fork(join(import.meta.dirname, 'fetching-board.js'))
      children.push(child)
      await once(child, 'message')
    }
    const started = performance.now()
    const answers = children.map(child => once(child, 'message') as Promise<[Took]>)
    for (const child of children) child.send(order)
    const took = await Promise.all(answers)
    const ms = performance.now() - started
    const cpuMs = took.reduce((sum, [each]) => sum + each.cpuMs, 0)
    return { at: boards, ms, cpuMs, blockedMs: Math.max(...took.map(([{ blockedMs = 0 }]) => blockedMs)) }
  } finally {
    for (const child of children) child.kill()
  }
}
