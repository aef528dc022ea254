/** TFTP GET of a large file over loopback, against Debian's clients; the servers are Debian's too. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createUdpNetwork } from '../../agent/native-udp.js'
import { fetchTftp, type TftpTransferOptions } from '../../agent/transfer/tftp/client/client.js'
import { type Impairment, type ProxiedServer, startLossyProxy } from '../interop/lossy-proxy.js'
import { type PeerServer, startPeerServers } from '../interop/tftp-peers.js'
import type { Figure } from './figure.js'
import { alternate, asFigure, CommandFailed, type Took, timedCommand, timedHere } from './timing.js'

const SIZE_MIB = 16
const FILE = 'file'
/** A client that takes longer is ended, and counts as this long. */
const LONGEST_MS = 30_000
const SEED = 7

/** The agent's client, as a board runs it. */
const NETWORK = createUdpNetwork()

interface Peer {
  readonly name: string
  command(server: ProxiedServer): readonly string[]
}

const curl = (...options: readonly string[]): Peer => ({
  name: 'curl',
  command: ({ address, port }) => [
    ...['curl', '--silent', '--fail', '--output', '/dev/null', ...options],
    `tftp://${address}:${port}/${FILE}`,
  ],
})

const atftp = (...options: readonly string[]): Peer => ({
  name: 'atftp',
  command: ({ address, port }) => [
    ...['atftp', ...options.flatMap(option => ['--option', option])],
    ...['--get', '-r', FILE, '-l', '/dev/null', address, String(port)],
  ],
})

const tftpHpa: Peer = {
  name: 'tftp-hpa',
  command: ({ address, port }) => ['tftp', '-m', 'binary', address, String(port), '-c', 'get', FILE, '/dev/null'],
}

const busybox: Peer = {
  name: 'busybox',
  command: ({ address, port }) => ['busybox', 'tftp', '-g', '-r', FILE, '-l', '/dev/null', address, String(port)],
}

/** Each with the options that it has by default. */
const PEERS: readonly Peer[] = [curl(), atftp(), tftpHpa, busybox]

/** A transfer that other clients make too, with the same options. */
interface Case {
  readonly what: string
  readonly options: Partial<TftpTransferOptions>
  /** the fastest of them counts */
  readonly peers: readonly Peer[]
  readonly target: number
  readonly reason: string
  readonly impairment?: Impairment
  /** only from this server: not every one has windows */
  readonly server?: string
}

const LOOP = 'single transfers differ by a factor of two on this machine: see min and max'

const NAP =
  'its nap in each window may end only after the whole window has come, which is not proven; it takes less CPU time'

const CASES: readonly Case[] = [
  { what: 'default options', options: {}, peers: PEERS, target: 1, reason: LOOP },
  ...[512, 1468, 65_464].map(blockSize => ({
    what: `blksize ${blockSize}, window 1`,
    options: { blockSize, windowSize: 1 },
    peers: [curl('--tftp-blksize', String(blockSize))],
    target: 0.9,
    reason: LOOP,
  })),
  ...[16, 64].map(windowSize => ({
    what: `blksize 1468, window ${windowSize}`,
    options: { blockSize: 1468, windowSize },
    peers: [atftp('blksize 1468', `windowsize ${windowSize}`)],
    target: 1,
    reason: NAP,
    server: 'atftpd',
  })),
  {
    what: 'default options, 1 ms of delay each way',
    options: {},
    peers: PEERS,
    target: 1,
    reason: LOOP,
    impairment: { loss: 0, duplication: 0, reordering: 0, delayMs: 1 },
  },
  {
    what: 'default options, 1 % loss',
    options: {},
    peers: PEERS,
    target: 1,
    reason: 'every run loses other datagrams',
    impairment: { loss: 0.01, duplication: 0, reordering: 0 },
  },
]

/** A transfer that fails, or is ended, took as long as it might have. */
async function timedPeer(peer: Peer, server: ProxiedServer): Promise<Took> {
  try {
    const took = await timedCommand(peer.command(server), LONGEST_MS)
    // tftp-hpa ends with 0 after an error.
    if (!/error|timed out/i.test(took.said)) return took
  } catch (thrown) {
    if (!(thrown instanceof CommandFailed)) throw thrown
  }
  return { ms: LONGEST_MS, cpuMs: Number.NaN }
}

/** The fastest decides: others run once. */
async function fastest(peers: readonly Peer[], server: ProxiedServer): Promise<{ peer: Peer; failed: string[] }> {
  const [first] = peers
  if (first === undefined) throw new Error('no peer')
  if (peers.length === 1) return { peer: first, failed: [] }
  // They mostly wait, for the server or after losses, and can do so side by side.
  const firsts = await Promise.all(peers.map(async peer => ({ peer, ...(await timedPeer(peer, server)) })))
  const failed = firsts.filter(({ ms }) => ms >= LONGEST_MS).map(({ peer }) => peer.name)
  return { peer: firsts.reduce((best, each) => (each.ms < best.ms ? each : best)).peer, failed }
}

async function measureCase(server: PeerServer, tried: Case, runs: number): Promise<Figure> {
  const { what, options, peers, target, reason, impairment } = tried
  const proxy = impairment && (await startLossyProxy(server, impairment, SEED))
  const at = proxy ? { address: '127.0.0.1', port: proxy.port } : server
  const all = { ...options, server: at.address, port: at.port, file: FILE, retries: 20, network: NETWORK }
  try {
    const { peer, failed } = await fastest(peers, at)
    const isSlow = failed.length === peers.length
    const samples = await alternate(
      isSlow || impairment?.loss ? 1 : runs,
      () => timedHere(() => fetchTftp(all, () => undefined)),
      () => (isSlow ? Promise.resolve({ ms: LONGEST_MS, cpuMs: Number.NaN }) : timedPeer(peer, at)),
    )
    const notDone = failed.length === 0 ? '' : `not done in ${LONGEST_MS / 1000} s: ${failed.join(', ')}`
    const { cpu, blocked, ...times } = asFigure(samples, SIZE_MIB)
    return {
      ...times,
      what: `TFTP GET of ${SIZE_MIB} MiB from ${server.name}, ${what}`,
      peer: [...(isSlow ? [] : [peer.name]), notDone].filter(Boolean).join('; '),
      target,
      reason,
      // The proxy runs in this process, too.
      ...(proxy ? {} : { cpu, blocked }),
    }
  } finally {
    proxy?.close()
  }
}

/** Figures for tftpd-hpa and atftpd. The peers wait for seconds after every loss. */
export async function measureTftp(runs: number): Promise<Figure[]> {
  const directory = await mkdtemp('/dev/shm/fauxboot-tftp-')
  await writeFile(join(directory, FILE), Buffer.alloc(SIZE_MIB << 20, 'fauxboot'))
  const servers = await startPeerServers(directory, name => name !== 'dnsmasq')
  const figures: Figure[] = []
  try {
    // What V8 has to compile is compiled, as in an agent that has served a job.
    for (const { address, port } of servers)
      await fetchTftp({ server: address, port, file: FILE, network: NETWORK }, () => undefined)
    for (const server of servers) {
      for (const tried of CASES) {
        if ((tried.server ?? server.name) === server.name) figures.push(await measureCase(server, tried, runs))
      }
    }
  } finally {
    await Promise.all(servers.map(server => server.stop()))
    await rm(directory, { recursive: true, force: true })
  }
  return figures
}
