/** TFTP GET of a large file over loopback, against Debian's clients; the servers are Debian's too. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fetchTftp, type TftpTransferOptions } from '../../agent/transfer/tftp/client/client.js'
import { type ProxiedServer, startLossyProxy } from '../interop/lossy-proxy.js'
import { type PeerServer, startPeerServers } from '../interop/tftp-peers.js'
import { type Figure, median } from './figure.js'
import { bareMicroseconds } from './tftp-floor.js'
import { timed } from './timing.js'

const run = promisify(execFile)
const SIZE_MIB = 64
const FILE = 'file'
/** A client that takes longer is ended, and said to have taken so long. */
const LONGEST_MS = 60_000
const LOSS = { loss: 0.01, duplication: 0, reordering: 0 }
const SEED = 7

interface Peer {
  readonly name: string
  command(address: string, port: number): readonly string[]
}

const curl = (name: string, ...options: readonly string[]): Peer => ({
  name,
  command: (address, port) => [
    ...['curl', '--silent', '--fail', '--output', '/dev/null', ...options],
    `tftp://${address}:${port}/${FILE}`,
  ],
})

/** Each with the options it has by default. */
const PEERS: readonly Peer[] = [
  curl('curl'),
  {
    name: 'atftp',
    command: (address, port) => ['atftp', '--get', '-r', FILE, '-l', '/dev/null', address, String(port)],
  },
  {
    name: 'tftp-hpa',
    command: (address, port) => ['tftp', '-m', 'binary', address, String(port), '-c', 'get', FILE, '/dev/null'],
  },
  {
    name: 'busybox',
    command: (address, port) => ['busybox', 'tftp', '-g', '-r', FILE, '-l', '/dev/null', address, String(port)],
  },
]

/** Milliseconds of one transfer; null when it fails or is ended. */
async function timedPeer(peer: Peer, address: string, port: number): Promise<number | null> {
  const [program = '', ...args] = peer.command(address, port)
  try {
    let said = ''
    const took = await timed(async () => {
      said = (await run(program, args, { timeout: LONGEST_MS, killSignal: 'SIGKILL' })).stdout
    })
    // tftp-hpa ends with 0 after an error.
    return /error|timed out/i.test(said) ? null : took
  } catch {
    return null
  }
}

interface Best {
  readonly name: string
  readonly samples: readonly number[]
  readonly failed: readonly string[]
}

/**
 * The fastest of some peers, and those that did not come to the end. The first run decides who runs again.
 *
 * @param together under loss they mostly wait, and can do so side by side
 */
async function bestOf(peers: readonly Peer[], at: ProxiedServer, runs: number, together: boolean): Promise<Best> {
  const firsts: { readonly peer: Peer; readonly took: number | null }[] = []
  const first = async (peer: Peer): Promise<void> => {
    firsts.push({ peer, took: await timedPeer(peer, at.address, at.port) })
  }
  if (together) await Promise.all(peers.map(first))
  else for (const peer of peers) await first(peer)
  const failed = firsts.filter(({ took }) => took === null).map(({ peer }) => peer.name)
  const [fastest] = firsts
    .flatMap(({ peer, took }) => (took === null ? [] : { peer, took }))
    .sort((a, b) => a.took - b.took)
  if (fastest === undefined) return { name: 'none', samples: [LONGEST_MS], failed }
  const samples = [fastest.took]
  while (samples.length < runs) samples.push((await timedPeer(fastest.peer, at.address, at.port)) ?? LONGEST_MS)
  return { name: fastest.peer.name, samples, failed }
}

/** Ours, in a process that runs already, as the agent does. */
async function ours(options: Omit<TftpTransferOptions, 'file'>, runs: number): Promise<number[]> {
  const samples: number[] = []
  while (samples.length < runs) {
    samples.push(await timed(() => fetchTftp({ ...options, file: FILE, retries: 20 }, () => undefined)))
  }
  return samples
}

function figure(what: string, mine: readonly number[], best: Best, target: number, reason: string): Figure {
  const failed = best.failed.length === 0 ? '' : `; not done in ${LONGEST_MS / 1000} s: ${best.failed.join(', ')}`
  const peer = best.name === 'none' ? `none of them${failed}` : `${best.name}${failed}`
  return {
    what: `TFTP GET of ${SIZE_MIB} MiB ${what}`,
    peer,
    unit: 'ms',
    ours: mine,
    theirs: best.samples,
    target,
    reason,
  }
}

async function measureServer({ name, address, port }: PeerServer, runs: number): Promise<Figure[]> {
  const server = address
  const at = { address, port }
  const figures = [
    figure(
      `from ${name}, default options`,
      await ours({ server, port }, runs),
      await bestOf(PEERS, at, runs, false),
      1,
      'not known: it was met whenever it was measured',
    ),
  ]
  for (const blockSize of [512, 1468, 65464]) {
    const mine = await ours({ server, port, blockSize, windowSize: 1 }, runs)
    const bare = await bareMicroseconds(at, FILE, blockSize)
    const equal = curl('curl', '--tftp-blksize', String(blockSize))
    figures.push(
      figure(
        `from ${name}, blksize ${blockSize}`,
        mine,
        await bestOf([equal], at, runs, false),
        1,
        `Node's dgram: a loop of one receive and one send, without a check, takes ${bare.toFixed(1)} us a block in the same run, fauxboot ${((1000 * median(mine)) / ((SIZE_MIB << 20) / blockSize)).toFixed(1)}`,
      ),
    )
  }
  const proxy = await startLossyProxy(at, LOSS, SEED)
  try {
    const mine = await ours({ server: '127.0.0.1', port: proxy.port }, 1)
    const lossy = [...PEERS, curl('curl with large blocks', '--tftp-blksize', '65464')]
    const best = await bestOf(lossy, { address: '127.0.0.1', port: proxy.port }, 1, true)
    figures.push(figure(`from ${name}, 1 % loss`, mine, best, 1, `losses differ; ours: ${median(mine)} ms`))
  } finally {
    proxy.close()
  }
  return figures
}

/** Figures for tftpd-hpa and atftpd; takes some minutes, because the peers wait for seconds after every loss. */
export async function measureTftp(runs: number): Promise<Figure[]> {
  const directory = await mkdtemp('/dev/shm/fauxboot-tftp-')
  await writeFile(join(directory, FILE), Buffer.alloc(SIZE_MIB << 20, 'fauxboot'))
  const servers = await startPeerServers(directory)
  const figures: Figure[] = []
  try {
    for (const server of servers.filter(({ writable }) => writable))
      figures.push(...(await measureServer(server, runs)))
  } finally {
    await Promise.all(servers.map(server => server.stop()))
    await rm(directory, { recursive: true, force: true })
  }
  return figures
}
