import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { TFTP_ERROR } from '../../agent/transfer/tftp-packets.js'
import { type TftpIncoming, TftpServer } from '../../agent/transfer/tftp-server.js'
import { startLossyProxy } from './lossy-proxy.js'
import {
  CONDITIONS,
  contents,
  digest,
  LOSSY_SIZE,
  renderMatrix,
  runTrials,
  SMALL_SIZES,
  type Trial,
  type Verdict,
} from './tftp-matrix.js'
import { type ClientJob, PEER_CLIENTS, type PeerClient, runClient } from './tftp-peers.js'

const MIB = 2 ** 20
/** Clients without quick timers wait five seconds for every loss. What takes longer counts as an error. */
const PATIENCE_MS = 30_000

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

async function get(client: PeerClient, size: number, job: ClientJob): Promise<Verdict> {
  const local = join(directory, `got-${++count}`)
  const succeeded = await runClient(client.get({ ...job, remote: `get-${size}`, local }), PATIENCE_MS)
  // Some clients make no file of an empty one; and busybox and tftp-hpa leave an error's half file behind.
  const there = await access(local).then(
    () => readFile(local),
    () => Buffer.alloc(0),
  )
  const intact = digest(there) === digest(contents(size))
  return succeeded ? (intact ? 'intact' : 'corrupt') : 'error'
}

async function put(client: PeerClient, size: number, job: ClientJob): Promise<Verdict> {
  const remote = `put-${++count}`
  const local = join(directory, remote)
  await writeFile(local, contents(size))
  const succeeded = await runClient(client.put({ ...job, remote, local }), PATIENCE_MS)
  const kept = stored.get(remote)
  if (kept !== undefined && kept !== digest(contents(size))) return 'corrupt'
  return succeeded && kept !== undefined ? 'intact' : 'error'
}

function trialsOf(client: PeerClient): Trial[] {
  const trials: Trial[] = []
  const directions = [
    ['GET by', get],
    ['PUT by', put],
  ] as const
  for (const [name, transfer] of directions) {
    for (const windowSize of client.windows) {
      const row = `${name} ${client.name}, blksize 512, window ${windowSize.toString().padStart(2)}`
      for (const [condition, impairment] of CONDITIONS) {
        const sizes = condition === 'clean' ? [...SMALL_SIZES, LOSSY_SIZE] : [513, LOSSY_SIZE]
        for (const size of sizes) {
          const seed = trials.length + 1
          const run = async (): Promise<Verdict> => {
            const proxy = await startLossyProxy({ address: '127.0.0.1', port: server.port }, impairment, seed)
            try {
              const job = { port: proxy.port, remote: '', local: '', blockSize: 512, windowSize }
              return await transfer(client, size, job)
            } finally {
              proxy.close()
            }
          }
          trials.push({ row, condition, run })
        }
      }
    }
  }
  return trials
}

/** Block numbers roll over with 81,920 blocks; and a large file in large blocks. */
function largeTrials(client: PeerClient): Trial[] {
  const large = [[40 * MIB, 512], ...(client.plainOnly ? [] : [[300 * MIB, 65464]])] as const
  const job = { port: server.port, remote: '', local: '', windowSize: 1 }
  return large.map(([size = 0, blockSize = 0]) => ({
    row: `GET by ${client.name}, ${size / MIB} MiB, blksize ${blockSize}`,
    condition: 'clean',
    run: () => get(client, size, { ...job, blockSize }),
  }))
}

t.test('other clients get and put files that are intact; under loss some of them give up', async t => {
  const trials = PEER_CLIENTS.flatMap(trialsOf)
  const tried = [...(await runTrials(trials, 24)), ...(await runTrials(PEER_CLIENTS.flatMap(largeTrials), 1))]
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
  t.equal(server.transfers, 0)
})
