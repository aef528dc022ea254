import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { TFTP_ERROR } from '../../agent/transfer/tftp/packets.js'
import { type TftpIncoming, TftpServer } from '../../agent/transfer/tftp/server/server.js'
import { startLossyProxy } from './lossy-proxy.js'
import {
  CONDITIONS,
  type Condition,
  contents,
  digest,
  LOSSES,
  renderMatrix,
  runTrials,
  sizesUnder,
  type Trial,
  type Verdict,
} from './tftp-matrix.js'
import { type ClientJob, PEER_CLIENTS, type PeerClient, runClient } from './tftp-peers.js'

const MIB = 2 ** 20
/** Clients without quick timers wait five seconds for every loss. What takes longer is ended, and is an error. */
const PATIENCE_MS = { lossy: 30_000, clean: 120_000 }
/** A transfer with a client that was ended lives for as long as the server is patient, and some seconds more. */
const LAST_END_MS = 30_000

const directory = await mkdtemp(join(tmpdir(), 'fauxboot-tftp-'))
/** What clients put, by name: what the server took as complete, and the names it heard of. */
const stored = new Map<string, string>()
const begun = new Set<string>()

function incoming(name: string): TftpIncoming {
  const chunks: Uint8Array[] = []
  begun.add(name)
  return {
    write(chunk) {
      chunks.push(chunk)
    },
    end() {
      stored.set(name, digest(Buffer.concat(chunks)))
    },
    abort() {
      chunks.length = 0
    },
  }
}

/** Serves `get-SIZE`, and takes everything. */
const server = await TftpServer.listen({
  address: '127.0.0.1',
  port: 0,
  maxTransfers: 200,
  maxTransfersPerPeer: 200,
  read(name) {
    const size = /^get-(\d{1,9})$/.exec(name)?.[1]
    if (size === undefined) return { refused: TFTP_ERROR.fileNotFound, text: 'File not found' }
    const bytes = contents(Number(size))
    return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }
  },
  write: incoming,
})
t.teardown(async () => {
  server.close()
  await rm(directory, { recursive: true, force: true })
})

let count = 0

async function get(client: PeerClient, size: number, job: ClientJob, patienceMs: number): Promise<Verdict> {
  const local = join(directory, `got-${++count}`)
  const succeeded = await runClient(client.get({ ...job, remote: `get-${size}`, local }), patienceMs)
  // Some clients make no file of an empty one; and busybox and tftp-hpa leave an error's half file behind.
  const there = await access(local).then(
    () => readFile(local),
    () => Buffer.alloc(0),
  )
  const intact = digest(there) === digest(contents(size))
  return succeeded ? (intact ? 'intact' : 'corrupt') : 'error'
}

async function put(client: PeerClient, size: number, job: ClientJob, patienceMs: number): Promise<Verdict> {
  const remote = `put-${++count}`
  const local = join(directory, remote)
  await writeFile(local, contents(size))
  const succeeded = await runClient(client.put({ ...job, remote, local }), patienceMs)
  const kept = stored.get(remote)
  if (kept !== undefined && kept !== digest(contents(size))) return 'corrupt'
  return succeeded && kept !== undefined ? 'intact' : 'error'
}

function trialsOf(client: PeerClient): Trial[] {
  const trials: Trial[] = []
  const add = (row: string, condition: Condition, size: number, windowSize: number, transfer: typeof get): void => {
    const seed = trials.length + 1
    const patienceMs = condition === 'clean' ? PATIENCE_MS.clean : PATIENCE_MS.lossy
    const run = async (): Promise<Verdict> => {
      const proxy = await startLossyProxy({ address: '127.0.0.1', port: server.port }, CONDITIONS[condition], seed)
      try {
        const job = { port: proxy.port, remote: '', local: '', blockSize: 512, windowSize }
        return await transfer(client, size, job, patienceMs)
      } finally {
        proxy.close()
      }
    }
    trials.push({ row, condition, run })
  }
  for (const windowSize of client.windows) {
    const how = `${client.name}, blksize 512, window ${windowSize.toString().padStart(2)}`
    for (const condition of LOSSES) {
      for (const size of sizesUnder(condition)) {
        if (condition === 'clean' || windowSize === 1 || client.sortsWindows) {
          add(`GET by ${how}`, condition, size, windowSize, get)
        }
        add(`PUT by ${how}`, condition, size, windowSize, put)
      }
    }
  }
  return trials
}

/** With 81,920 blocks their numbers roll over; and a large file in large blocks. */
const LARGE = [
  { size: 40 * MIB, blockSize: 512, clients: ['curl', 'tftp-hpa', 'atftp', 'busybox'] },
  { size: 300 * MIB, blockSize: 65464, clients: ['curl', 'atftp'] },
]

const largeTrials = LARGE.flatMap(({ size, blockSize, clients }) =>
  PEER_CLIENTS.filter(({ name }) => clients.includes(name)).map((client): Trial => {
    const job = { port: server.port, remote: '', local: '', windowSize: 1, blockSize }
    return {
      row: `GET by ${client.name}, ${size / MIB} MiB, blksize ${blockSize}`,
      condition: 'clean',
      run: () => get(client, size, job, PATIENCE_MS.clean),
    }
  }),
)

t.test('other clients get and put files that are intact; under loss some of them give up', async t => {
  const trials = PEER_CLIENTS.flatMap(trialsOf)
  const tried = [...(await runTrials(trials, 24)), ...(await runTrials(largeTrials, 1))]
  t.comment(renderMatrix(tried))
  t.ok(begun.size > 0)
  t.same(
    tried.filter(({ verdict, row }) => verdict === 'corrupt' && row.startsWith('PUT')),
    [],
    'nothing that was put is corrupt',
  )
  t.same(
    tried.filter(({ verdict, condition }) => condition === 'clean' && verdict !== 'intact'),
    [],
    'without loss all is intact',
  )
  const start = performance.now()
  while (server.transfers > 0 && performance.now() - start < LAST_END_MS) await setTimeout(100)
  t.equal(server.transfers, 0, 'no transfer is left behind')
})
