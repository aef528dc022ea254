import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { FauxbootError } from '../../agent/errors.js'
import { createUdpNetwork } from '../../agent/native-udp.js'
import { fetchTftp, putTftp, type TftpTransferOptions } from '../../agent/transfer/tftp/client/client.js'
import { startLossyProxy } from './lossy-proxy.js'
import {
  CONDITIONS,
  type Condition,
  contents,
  digest,
  LOSSES,
  renderMatrix,
  runTrials,
  SIZES,
  sizesUnder,
  type Trial,
  type Verdict,
  WINDOWS,
} from './tftp-matrix.js'
import { type PeerServer, startPeerServers } from './tftp-peers.js'

const MIB = 2 ** 20
/** A server may be slow for ever: tftpd-hpa and dnsmasq wait for seconds after every loss. */
const LONGEST_MS = 60_000
/** 81,920 blocks of 512: block numbers roll over; and a file of the size of a large ramdisk. */
const LARGE: readonly (readonly [number, Partial<TftpTransferOptions>])[] = [
  [40 * MIB, { blockSize: 512 }],
  [300 * MIB, {}],
]

const directory = await mkdtemp(join(tmpdir(), 'fauxboot-tftp-'))
const servers = await startPeerServers(directory)
const digests = new Map<number, string>()
for (const size of [...SIZES, MIB, ...LARGE.map(([size]) => size)]) {
  const bytes = contents(size)
  digests.set(size, digest(bytes))
  await writeFile(join(directory, `get-${size}`), bytes)
}
t.teardown(async () => {
  await Promise.all(servers.map(server => server.stop()))
  await rm(directory, { recursive: true, force: true })
})

let count = 0

/** Intact, an error of the table, or ended for its length; any other error is a fault of ours and fails the test. */
async function judge(transfer: (signal: AbortSignal) => Promise<string>, size: number): Promise<Verdict> {
  const signal = AbortSignal.timeout(LONGEST_MS)
  try {
    return (await transfer(signal)) === digests.get(size) ? 'intact' : 'corrupt'
  } catch (thrown) {
    if (signal.aborted || (thrown instanceof FauxbootError && thrown.code.startsWith('TFTP_'))) return 'error'
    throw thrown
  }
}

async function get(size: number, options: TftpTransferOptions): Promise<string> {
  const chunks: Buffer[] = []
  await fetchTftp({ ...options, file: `get-${size}` }, chunk => {
    // The addon uses its memory again.
    chunks.push(Buffer.from(chunk))
  })
  return digest(Buffer.concat(chunks))
}

/** The same over the addon's UDP, which takes blocks that come in order by itself. */
const getByAddon: Transfer = (size, options) => get(size, { ...options, network: createUdpNetwork() })

async function put(size: number, options: TftpTransferOptions): Promise<string> {
  const file = `put-${++count}`
  // tftpd-hpa writes the last block after its ACK.
  const bytes = contents(size)
  await putTftp({ ...options, file }, [bytes], size)
  const path = join(directory, file)
  let there = await readFile(path)
  for (let looks = 0; there.length !== size && looks < 100; looks++) there = await readFile(path)
  await rm(path)
  return digest(there)
}

type Transfer = typeof get

const ADDON = 'GET by the addon from'

/** Transfers with a server through proxies of all conditions; every one has a proxy and a seed of its own. */
function trialsOf(server: PeerServer, name: string, transfer: Transfer): Trial[] {
  const trials: Trial[] = []
  const add = (row: string, condition: Condition, size: number, options: Partial<TftpTransferOptions>): void => {
    const seed = trials.length + 1
    const run = async (): Promise<Verdict> => {
      const proxy = await startLossyProxy(server, CONDITIONS[condition], seed)
      const { port } = proxy
      try {
        return await judge(signal => transfer(size, { server: '127.0.0.1', port, file: '', signal, ...options }), size)
      } finally {
        proxy.close()
      }
    }
    trials.push({ row, condition, run })
  }
  for (const condition of LOSSES) {
    for (const windowSize of WINDOWS) {
      const row = `${name} ${server.name}, blksize 512, window ${windowSize.toString().padStart(2)}`
      for (const size of sizesUnder(condition)) add(row, condition, size, { blockSize: 512, windowSize })
    }
  }
  // In blocks of 64 KiB nothing but the server's patience would be tried by heavier losses.
  for (const condition of ['clean', '1 %'] as const) add(`${name} ${server.name}, defaults, 1 MiB`, condition, MIB, {})
  return trials
}

const largeTrials = (server: PeerServer, name: string, get: Transfer): Trial[] =>
  LARGE.map(([size, options]) => ({
    row: `${name} ${server.name}, ${size / MIB} MiB, blksize ${options.blockSize ?? 'default'}`,
    condition: 'clean',
    run: () =>
      judge(signal => get(size, { server: server.address, port: server.port, file: '', signal, ...options }), size),
  }))

t.test('files from and to other servers are intact; under loss they are intact, or there is a clear error', async t => {
  const trials = servers.flatMap(server => [
    ...trialsOf(server, 'GET from', get),
    ...(server.writable ? trialsOf(server, 'PUT to', put) : []),
  ])
  // Each of these occupies one of the four threads that Node has for blocking calls.
  const byAddon = servers.flatMap(server => trialsOf(server, ADDON, getByAddon))
  const large = servers.flatMap(server => [
    ...largeTrials(server, 'GET from', get),
    ...largeTrials(server, ADDON, getByAddon),
  ])
  const tried = [...(await runTrials(trials, 24)), ...(await runTrials(byAddon, 4)), ...(await runTrials(large, 1))]
  t.comment(renderMatrix(tried))
  t.equal(tried.length, trials.length + byAddon.length + large.length)
  t.same(
    tried.filter(({ verdict }) => verdict === 'corrupt'),
    [],
    'nothing is corrupt',
  )
  t.same(
    tried.filter(({ verdict, condition }) => condition === 'clean' && verdict !== 'intact'),
    [],
    'without loss all is intact',
  )
})

t.test('a file that is not there is refused in the words of the server', async t => {
  for (const { address, port, name } of servers) {
    await t.rejects(
      fetchTftp({ server: address, port, file: 'no-such-file' }, () => undefined),
      { code: 'TFTP_REFUSED', details: { number: 1 } },
      name,
    )
  }
})
