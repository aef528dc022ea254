/** 256 MiB with sha256 on the board: fetched and uploaded, against busybox's `wget` or `nc` and then `sha256sum`. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { BoardClient } from '../../lava/client/board-client.js'
import { agentSettings } from '../../systemd/image/agent-settings.js'
import type { BoardImage } from '../../systemd/image/board-image.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { runOnBoard, SHELL_PROMPT, shellOverlay } from '../../systemd/target/test-overlay.js'
import { agentCpuMs } from './board-agent.js'
import type { Figure } from './figure.js'
import { startLabServer } from './lab-server.js'
import { asFigure, PATIENCE, type Took, timed, tookOnBoard } from './timing.js'

const SIZE_MIB = 256
/** The file, its copy for the peer, and what the agent keeps free. */
const BOARD_MIB = 1024
const HOST = '10.0.2.2'
const TOKEN = 'bench'
const WHERE = '/run/fauxboot/artifacts/peer'

export async function measureHttpOnBoard(image: BoardImage): Promise<Figure[]> {
  const bytes = Buffer.alloc(SIZE_MIB << 20, 'fauxboot')
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const web = await startLabServer(name => (name === 'ramdisk' ? bytes : Buffer.from('no kernel')))
  const raw = createServer(socket => socket.end(bytes)).listen(0, '127.0.0.1')
  await once(raw, 'listening')
  const overlay = packCpio(agentSettings(image.board, { token: TOKEN }).entries())
  const options = { board: image.board, image, memoryMiB: BOARD_MIB }
  const qemu = await QemuBoard.start({ ...options, extraInitrd: [overlay, await shellOverlay()] })
  try {
    await qemu.console.waitFor(SHELL_PROMPT, PATIENCE)
    await qemu.waitForAgent(PATIENCE)
    const client = new BoardClient(new URL(qemu.url), { token: TOKEN })
    const shell = async (command: string) => (await runOnBoard(qemu.console, command, PATIENCE)).output
    const peer = async (get: string): Promise<Took> => {
      const took = tookOnBoard(await shell(`time sh -c '${get} && sha256sum ${WHERE}'`))
      await shell(`rm ${WHERE}`)
      return took
    }
    /** @param work returns its milliseconds */
    const agent = async (work: () => Promise<number>): Promise<Took> => {
      const before = await agentCpuMs(qemu)
      const ms = await work()
      return { ms, cpuMs: (await agentCpuMs(qemu)) - before }
    }
    const url = (name: string): string => `http://${HOST}:${web.port}/${name}`
    const job = { kernel: { url: url('kernel') }, ramdisk: { url: url('ramdisk'), sha256 }, cmdline: '' }
    const fetched = await agent(() => fetchTime(client, { ...job, options: { dryRun: true } }))
    const theirFetch = await peer(`busybox wget -q -O ${WHERE} ${url('ramdisk')}`)
    const target = `${qemu.url}/v1/artifacts/bench`
    const headers = { authorization: `Bearer ${TOKEN}` }
    const upload = async (): Promise<void> => {
      const answer = await fetch(target, { method: 'PUT', headers, body: bytes })
      if (!answer.ok) throw new Error(`the upload was refused: ${await answer.text()}`)
    }
    const uploaded = await agent(() => timed(upload))
    await fetch(target, { method: 'DELETE', headers })
    const theirUpload = await peer(`busybox nc ${HOST} ${(raw.address() as AddressInfo).port} > ${WHERE}`)
    const common = { target: 1, reason: 'the agent takes the digest on the way, on one core' }
    const figure = (ours: Took, theirs: Took) => ({
      ...common,
      ...asFigure({ ours: [ours], theirs: [theirs] }, SIZE_MIB),
    })
    const what = `of ${SIZE_MIB} MiB with sha256, ${image.board.name}`
    return [
      { ...figure(fetched, theirFetch), what: `HTTP fetch ${what}`, peer: 'busybox wget; sha256sum' },
      { ...figure(uploaded, theirUpload), what: `HTTP upload ${what}`, peer: 'busybox nc; sha256sum' },
    ]
  } finally {
    await qemu.stop()
    web.stop()
    raw.close()
  }
}

/** Milliseconds from the first byte to the last digest of a job that is given up then: its kernel is none. */
async function fetchTime(client: BoardClient, job: object): Promise<number> {
  const { id } = await client.submit({ content: JSON.stringify(job), type: 'application/json' })
  const reached = new Map<string, number>()
  for await (const event of client.events(id)) {
    if (event.type === 'state') reached.set(event.state, Date.parse(event.time))
  }
  return (reached.get('verifying') ?? Number.NaN) - (reached.get('fetching') ?? Number.NaN)
}
