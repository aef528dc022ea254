import t, { type Test } from 'tap'
import { fault } from '../../../../agent/errors.js'
import { fetchNfs, type NfsFetchOptions, type NfsSink } from '../../../../agent/transfer/nfs-client.js'
import type { TftpNetwork } from '../../../../agent/transfer/tftp/peer-socket.js'
import { patternBytes } from './fixture.js'
import { type NfsServerOptions, opaque, startNfsServer } from './nfs-server.js'
import { SimulatedNetwork, type Weather } from './tftp/tftp-simulation.js'

const SERVER = '10.0.0.1'
const file = patternBytes(1_000_003)

const ROOT = {
  srv: {
    nfs: {
      file,
      empty: new Uint8Array(),
      relative: 'deep/../file',
      absolute: '/srv/nfs/file',
      loop: 'loop',
      here: '.',
      deep: { up: '../relative', file: file.subarray(0, 1025) },
    },
  },
}

interface Lab {
  readonly network: SimulatedNetwork
  readonly calls: string[]
  readonly credential: () => readonly [number, number]
  fetch(path: string, options?: Partial<NfsFetchOptions>, sink?: NfsSink): Promise<number>
  /** what was loaded since the last call */
  loaded(): Buffer
}

async function lab(server: Partial<NfsServerOptions> = {}, weather: Weather = {}): Promise<Lab> {
  const network = new SimulatedNetwork(weather)
  const { calls, credential } = await startNfsServer({ root: ROOT, network, address: SERVER, ...server })
  const chunks: Uint8Array[] = []
  const keep: NfsSink = chunk => void chunks.push(Buffer.from(chunk))
  return {
    network,
    calls,
    credential,
    fetch: (path, options, sink = keep) => network.run(fetchNfs({ server: SERVER, path, network, ...options }, sink)),
    loaded: () => Buffer.concat(chunks.splice(0)),
  }
}

/** The ports of the server are all that is open. */
const closed = (t: Test, { network }: Lab): void => void t.equal(network.ports, 3)

t.test('a file comes as it is, asked for by root, and the directory is mounted only as long', async t => {
  const made = await lab()
  const sizes: number[] = []
  const progress = { started: (size: number) => void sizes.push(size), timeout: () => t.fail('no time was lost') }
  t.equal(await made.fetch('/srv/nfs/file', { progress }), file.length)
  t.ok(made.loaded().equals(file))
  t.strictSame(sizes, [file.length])
  await made.network.drain()
  t.strictSame(made.calls.slice(0, 4), ['GETPORT', 'GETPORT', 'MNT', 'LOOKUP'])
  t.equal(made.calls.at(-1), 'UMNT')
  t.strictSame(made.credential(), [1, 0])
  const [first] = made.network.sent
  t.ok((first?.from.port ?? 0) >= 665 && (first?.from.port ?? 0) < 1024, 'from a port that only root has')
  closed(t, made)
})

t.test('files of every size', async t => {
  for (const size of [0, 1, 1023, 1024, 1025, 32_767, 32_768, 32_769, 300_000]) {
    const bytes = patternBytes(size)
    const made = await lab({ root: { f: bytes } })
    t.equal(await made.fetch('f'), size)
    t.ok(made.loaded().equals(bytes), `${size} bytes`)
  }
})

t.test('lost, doubled and reordered datagrams are made good', async t => {
  for (const seed of [1, 2, 3]) {
    const made = await lab({}, { loss: 0.05, duplication: 0.05, reordering: 0.2, seed })
    t.equal(await made.fetch('/srv/nfs/file'), file.length)
    t.ok(made.loaded().equals(file), `seed ${seed}`)
    closed(t, made)
  }
})

t.test('a path that drops IP fragments gets reads that fit a frame', async t => {
  const made = await lab({}, { longest: 1472 })
  t.equal(await made.fetch('/srv/nfs/file', { timeoutMs: 10_000 }), file.length)
  t.ok(made.loaded().equals(file))
})

t.test('a server that gives less than it is asked for is asked for the rest', async t => {
  const made = await lab({ largestRead: 4000 })
  t.equal(await made.fetch('/srv/nfs/file'), file.length)
  t.ok(made.loaded().equals(file))
  t.ok(made.calls.filter(name => name === 'READ').length < 300, 'and not for more than it gives from then on')
})

t.test('attributes that a server leaves out are asked for', async t => {
  const made = await lab({ attributes: false })
  t.equal(await made.fetch('/srv/nfs/file'), file.length)
  t.ok(made.loaded().equals(file))
  t.equal(made.calls[4], 'GETATTR')
})

t.test('symbolic links are followed, in directories too, but not for ever', async t => {
  const made = await lab({ exports: ['/srv/nfs', '/srv/nfs/deep'] })
  for (const name of ['relative', 'absolute', 'deep/up', 'here/deep/../absolute', 'here/here/file']) {
    t.equal(await made.fetch(`/srv/nfs/${name}`), file.length, name)
  }
  const error = { code: 'NFS_LINK', message: /more than 16 symbolic links/ }
  await t.rejects(made.fetch('/srv/nfs/loop'), error)
  closed(t, made)
})

t.test('below a directory that may be mounted others are looked up', async t => {
  const made = await lab({ exports: ['/srv'] })
  t.equal(await made.fetch('/srv/nfs/deep/file'), 1025)
  t.ok(made.loaded().equals(file.subarray(0, 1025)))
})

t.test('what a server does not have is said by the step that missed it', async t => {
  const made = await lab({ exports: ['/srv/nfs', '/srv'] })
  const cases = [
    ['/srv/nfs/none', 'NFS_LOOKUP', /\/srv\/nfs\/none: no such file or directory \(2\)$/],
    ['/srv/none/file', 'NFS_MOUNT', /cannot mount: \/srv\/none: access denied \(13\)$/],
    ['/other/file', 'NFS_MOUNT', /cannot mount: \/other: access denied \(13\)$/],
    ['/srv/nfs/deep', 'NFS_LINK', /neither a file nor a symbolic link/],
    ['/', 'NFS_LOOKUP', /no name of a file/],
    [`/srv/${'x'.repeat(256)}`, 'NFS_LOOKUP', /too long/],
    [`/srv/${'long/'.repeat(300)}`, 'NFS_LOOKUP', /too long/],
  ] as const
  for (const [path, code, message] of cases) await t.rejects(made.fetch(path), { code, message }, path)
  closed(t, made)
})

/** A server whose replies to one procedure are others. */
const lying = (of: string, lie: (reply: Buffer) => Uint8Array): Promise<Lab> =>
  lab({ tamper: (name, reply, send) => send(name === of ? lie(reply) : reply) })

const words = (...values: readonly number[]): Buffer =>
  Buffer.concat(values.map(value => Buffer.from(value.toString(16).padStart(8, '0'), 'hex')))

/** A reply with another end than results. */
const instead = (reply: Buffer, from: number, ...values: readonly number[]): Buffer =>
  Buffer.concat([reply.subarray(0, from), words(...values)])

t.test('a call that is refused is told in words', async t => {
  const cases = [
    ['GETPORT', [0], 'NFS_MOUNT', /the server has no MOUNT version 3 over UDP$/, 24],
    ['GETPORT', [70_000], 'NFS_MOUNT', /no MOUNT version 3/, 24],
    ['GETPORT', [1], 'NFS_MOUNT', /portmapper refused: it does not have this program$/, 20],
    ['MNT', [2, 1, 1], 'NFS_MOUNT', /it has only versions 1 to 1$/, 20],
    ['MNT', [99], 'NFS_MOUNT', /it did not accept the call \(99\)$/, 20],
    ['MNT', [1, 1, 5], 'NFS_MOUNT', /AUTH_SYS is not enough for it$/, 8],
    ['MNT', [1, 1, 77], 'NFS_MOUNT', /it denies access \(77\)$/, 8],
    ['LOOKUP', [1, 0, 3, 4], 'NFS_LOOKUP', /it has only versions 3 to 4 of RPC$/, 8],
    ['READ', [5], 'NFS_READ', /it has a failure of its own$/, 20],
    ['READ', [70, 0], 'NFS_READ', /the file was deleted \(70\)$/, 24],
    ['READ', [4711, 0], 'NFS_READ', /refused \(4711\)$/, 24],
  ] as const
  for (const [of, values, code, message, from] of cases) {
    const made = await lying(of, reply => instead(reply, from, ...values))
    await t.rejects(made.fetch('/srv/nfs/file'), { code, message }, `${of} ${message}`)
    closed(t, made)
  }
  const links = await lying('READLINK', reply => instead(reply, 24, 10_006, 0))
  await t.rejects(links.fetch('/srv/nfs/relative'), { code: 'NFS_LINK', message: /failure of its own/ })
  const silent = await lab({
    attributes: false,
    tamper: (name, reply, send) => send(name === 'GETATTR' ? instead(reply, 24, 70) : reply),
  })
  await t.rejects(silent.fetch('/srv/nfs/file'), { code: 'NFS_LOOKUP', message: /the file was deleted \(70\)/ })
})

t.test('replies that make no sense end the transfer', async t => {
  const handle = opaque(Buffer.alloc(65))
  const cases = [
    ['LOOKUP', (reply: Buffer) => reply.subarray(0, 30), /^LOOKUP of 10\.0\.0\.1: .* ends after 30 bytes$/],
    ['MNT', (reply: Buffer) => Buffer.concat([reply.subarray(0, 28), handle]), /65 bytes are in it where 64 may be$/],
    ['READ', (reply: Buffer) => instead(reply, 24, 0, 0, 40_000, 0, 40_000), /40000 bytes are in it where 32768/],
    ['READ', (reply: Buffer) => instead(reply, 24, 0, 0, 8, 0, 8), /ends after/],
    ['LOOKUP', (reply: Buffer) => Buffer.concat([reply.fill(255, 64 + 8, 64 + 16)]), /a number in it is as large/],
  ] as const
  for (const [of, lie, message] of cases) {
    const made = await lying(of, lie)
    await t.rejects(made.fetch('/srv/nfs/file'), { code: 'NFS_PROTOCOL', message }, String(message))
    closed(t, made)
  }
})

t.test('a file that is shorter than it was said to be is not taken for whole', async t => {
  const early = await lying('READ', reply => instead(reply, 24, 0, 0, 4, 1, 4, 0x61626364))
  await t.rejects(early.fetch('/srv/nfs/file'), {
    code: 'NFS_READ',
    message: /ends after \d+ bytes, and was said to have/,
  })
  const nothing = await lying('READ', reply => instead(reply, 24, 0, 0, 0, 0, 0))
  await t.rejects(nothing.fetch('/srv/nfs/file'), { code: 'NFS_READ', message: /ends after/ })
})

t.test('what is no reply, and replies from elsewhere, are ignored', async t => {
  const network = new SimulatedNetwork()
  const stranger = await network.open({ address: '10.0.0.9', port: 2049 }, () => {})
  const neighbour = await network.open({ address: SERVER, port: 2050 }, () => {})
  await startNfsServer({
    root: ROOT,
    network,
    address: SERVER,
    tamper(_, reply, send) {
      const client = network.sent.find(({ from }) => from.address === '10.0.0.2')?.from
      const false_ = Buffer.from(reply).fill(0xee, 24)
      for (const port of [stranger, neighbour]) if (client !== undefined) port.send(false_, client)
      send(Buffer.of(1, 2, 3))
      send(Buffer.concat([Buffer.of(9, 9, 9, 9), reply.subarray(4)]))
      send(Buffer.concat([reply.subarray(0, 4), words(0), reply.subarray(8)]))
      send(reply)
    },
  })
  const chunks: Buffer[] = []
  const path = '/srv/nfs/file'
  const size = await network.run(
    fetchNfs({ server: SERVER, path, network }, chunk => void chunks.push(Buffer.from(chunk))),
  )
  t.equal(size, file.length)
  t.ok(Buffer.concat(chunks).equals(file))
})

t.test('a server that is silent is given up after all its time, which is counted', async t => {
  const made = await lab({ tamper: () => {} })
  let timeouts = 0
  const progress = { started: () => t.fail('nothing was found'), timeout: () => void timeouts++ }
  const error = { code: 'NFS_TIMEOUT', message: /no answer after 4 attempts, 0 bytes are here$/ }
  await t.rejects(made.fetch('/srv/nfs/file', { progress, retries: 3 }), error)
  t.equal(timeouts, 3)
  t.equal(made.network.now(), 8000)
  t.ok(made.calls.length > 4, 'and asked more often than that')
  closed(t, made)
})

t.test('a server that falls silent in the middle tells how much is here', async t => {
  let reads = 0
  const made = await lab({ tamper: (name, reply, send) => (name === 'READ' && ++reads > 3 ? undefined : send(reply)) })
  await t.rejects(made.fetch('/srv/nfs/file'), { code: 'NFS_TIMEOUT', details: { received: 98_304, attempts: 6 } })
})

t.test('a cancel ends it at once, before and in the middle', async t => {
  const made = await lab()
  const reason = new Error('^C')
  await t.rejects(made.fetch('/srv/nfs/file', { signal: AbortSignal.abort(reason) }), reason)
  t.equal(made.network.sent.length, 0)
  const early = new AbortController()
  const opening = made.fetch('/srv/nfs/file', { signal: early.signal })
  early.abort(reason)
  await t.rejects(opening, reason)
  const late = new AbortController()
  let taken = 0
  await t.rejects(
    made.fetch('/srv/nfs/file', { signal: late.signal }, () => {
      taken++
      late.abort(reason)
    }),
    reason,
  )
  t.equal(taken, 1, 'the sink gets nothing more')
  closed(t, made)
})

t.test("a sink that takes its time is not overrun, and its silence is not the server's", async t => {
  const made = await lab()
  const { network } = made
  const chunks: Buffer[] = []
  let most = 0
  let taken = 0
  const sink: NfsSink = chunk =>
    new Promise(resolve => {
      chunks.push(Buffer.from(chunk))
      const delivered = network.sent.reduce(
        (sum, { from, datagram }) => sum + (from.port === 2049 ? datagram.length : 0),
        0,
      )
      most = Math.max(most, delivered - taken)
      network.after(9000, () => {
        taken += chunk.length
        resolve()
      })
    })
  const progress = { started: () => {}, timeout: () => t.fail("it was not the server's turn") }
  t.equal(await made.fetch('/srv/nfs/file', { progress }, sink), file.length)
  t.ok(Buffer.concat(chunks).equals(file))
  t.ok(most < 600_000, `${most} bytes were kept at most`)
})

t.test('what a sink throws or rejects with ends the transfer', async t => {
  const made = await lab()
  const full = new Error('full')
  const throwing: NfsSink = () => {
    throw full
  }
  await t.rejects(made.fetch('/srv/nfs/file', {}, throwing), full)
  await t.rejects(
    made.fetch('/srv/nfs/file', {}, () => Promise.reject(full)),
    full,
  )
  const late = new AbortController()
  const reason = new Error('^C')
  const busy = made.fetch('/srv/nfs/file', { signal: late.signal }, async () => {
    late.abort(reason)
  })
  await t.rejects(busy, reason)
  closed(t, made)
})

t.test('ports of root that cannot be had are done without, and no port at all is an error', async t => {
  const network = new SimulatedNetwork()
  await startNfsServer({ root: ROOT, network, address: SERVER })
  const refusing = (refused: (port: number) => Error | null): TftpNetwork => ({
    now: () => network.now(),
    after: (milliseconds, callback) => network.after(milliseconds, callback),
    async open(options, onDatagram) {
      const error = refused(options.port)
      if (error !== null) throw error
      return network.open(options, onDatagram)
    },
  })
  const denied = fault('TFTP_PROTOCOL', { what: 'UDP port', reason: 'EACCES' })
  const options = { server: SERVER, path: '/srv/nfs/file' }
  const user = refusing(port => (port === 0 ? null : denied))
  t.equal(await network.run(fetchNfs({ ...options, network: user }, () => {})), file.length)
  const none = refusing(() => denied)
  await t.rejects(network.run(fetchNfs({ ...options, network: none }, () => {})), denied)
  const broken = new Error('broken')
  await t.rejects(network.run(fetchNfs({ ...options, network: refusing(() => broken) }, () => {})), broken)
  await t.rejects(network.run(fetchNfs({ ...options, server: 'fd00::1', retries: 0, network }, () => {})), {
    code: 'NFS_TIMEOUT',
  })
})
