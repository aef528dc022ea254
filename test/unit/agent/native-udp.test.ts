import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createUdpNetwork } from '../../../agent/native-udp.js'
import { fetchTftp, type TftpFetchOptions, type TftpSink } from '../../../agent/transfer/tftp/client/client.js'
import { DALLY_MS } from '../../../agent/transfer/tftp/client/transfer.js'
import { dataPacket, errorPacket, optionsPacket, parseTftpPacket } from '../../../agent/transfer/tftp/packets.js'
import type { TftpNetwork } from '../../../agent/transfer/tftp/peer-socket.js'
import { TftpServer } from '../../../agent/transfer/tftp/server/server.js'
import { udpNetwork } from '../../../agent/transfer/tftp/udp.js'
import { AddonError } from '../../../native/index.js'
import { openUdp, pollUdp, receiveUdp, sendUdp } from '../../../native/udp.js'
import { startLossyProxy } from '../../interop/lossy-proxy.js'
import { contents } from '../../interop/tftp-matrix.js'
import { needs } from '../../peer.js'

const ADDRESS = '127.0.0.1'
/** more than a run; not a multiple of a block */
const FILE = contents((1 << 20) + 77)
const BLOCK = 512

/** The same transfers by the reference, which looks at every packet, and by the addon, which takes runs of blocks. */
const CORES: readonly (readonly [name: string, network: TftpNetwork, options: object])[] = [
  ["Node's UDP", udpNetwork, {}],
  ["the addon's UDP", createUdpNetwork(), needs('addon')],
]

type Options = Omit<TftpFetchOptions, 'server' | 'file'>

/** @param sink default: none; the bytes are returned */
async function get(options: Options, sink?: TftpSink): Promise<Buffer> {
  const chunks: Buffer[] = []
  await fetchTftp({ server: ADDRESS, file: 'f', ...options }, chunk => {
    // A run's memory is used again.
    chunks.push(Buffer.from(chunk))
    return sink?.(chunk)
  })
  return Buffer.concat(chunks)
}

const serve = (t: Test): Promise<TftpServer> =>
  TftpServer.listen({
    address: ADDRESS,
    port: 0,
    read: () => ({ size: FILE.length, read: (at, length) => FILE.subarray(at, at + length) }),
  }).then(server => {
    t.teardown(() => server.close())
    return server
  })

/** Says what the test wants: called with the block that was acknowledged, 0 for the request; it answers from one port. */
type Script = (acked: number, say: (datagram: Uint8Array) => void) => void

/** A server that agrees to blocks of {@link BLOCK} bytes and otherwise follows a script. */
async function scripted(t: Test, script: Script, windowSize = 1): Promise<{ port: number; heard: Buffer[] }> {
  const heard: Buffer[] = []
  const listening = await bound(t)
  const transfer = await bound(t)
  listening.on('message', (_, { port }) => {
    const agreed = { blksize: String(BLOCK), windowsize: String(windowSize) }
    transfer.send(optionsPacket(new Map(Object.entries(agreed))), port, ADDRESS)
  })
  transfer.on('message', (datagram, { port }) => {
    heard.push(datagram)
    const packet = parseTftpPacket(datagram)
    if (packet?.op === 'ack') script(packet.block, answer => transfer.send(answer, port, ADDRESS))
  })
  return { port: listening.address().port, heard }
}

async function bound(t: Test): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, ADDRESS)
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return socket
}

const block = (number: number, size = BLOCK): Buffer => dataPacket(number & 0xffff, Buffer.alloc(size, number & 0xff))

for (const [name, network, options] of CORES) {
  t.test(`with ${name}, files arrive whole in blocks and windows of every size`, options, async t => {
    const { port } = await serve(t)
    for (const blockSize of [512, 1468, 65_464, null]) {
      for (const windowSize of [1, 3, 64]) {
        const bytes = await get({ port, network, blockSize, windowSize })
        t.ok(bytes.equals(FILE), `blocks of ${blockSize}, windows of ${windowSize}`)
      }
    }
  })

  t.test(`with ${name}, files arrive whole though datagrams are lost, doubled and reordered`, options, async t => {
    const { port } = await serve(t)
    for (const [seed, windowSize] of [1, 4, 64].entries()) {
      const proxy = await startLossyProxy(
        { address: ADDRESS, port },
        { loss: 0.01, duplication: 0.01, reordering: 0.01 },
        seed + 1,
      )
      const bytes = await get({ port: proxy.port, network, blockSize: 1468, windowSize })
      proxy.close()
      t.ok(bytes.equals(FILE), `windows of ${windowSize}`)
    }
  })

  t.test(`with ${name}, a stranger's block in the middle is refused, and the file is not damaged`, options, async t => {
    const stranger = await bound(t)
    const refusals: Buffer[] = []
    stranger.on('message', datagram => refusals.push(datagram))
    let to = 0
    const { port } = await scripted(t, (acked, say) => {
      if (acked === 20) stranger.send(block(21), to, ADDRESS)
      say(block(acked + 1, acked < 39 ? BLOCK : 5))
    })
    const watched: TftpNetwork = {
      ...network,
      async open(...args) {
        const opened = await network.open(...args)
        to = opened.port
        return opened
      },
    }
    const bytes = await get({ port, network: watched })
    t.equal(bytes.length, 39 * BLOCK + 5)
    t.same([...new Set(bytes.subarray(20 * BLOCK, 21 * BLOCK))], [21])
    t.match(refusals, [errorPacket(5, 'Unknown transfer ID')])
  })

  t.test(`with ${name}, a block longer than agreed on ends the transfer`, options, async t => {
    const { port } = await scripted(t, (acked, say) => say(block(acked + 1, acked < 30 ? BLOCK : BLOCK + 1)))
    await t.rejects(get({ port, network }), { code: 'TFTP_PROTOCOL', message: /513 bytes, agreed on were 512/ })
  })

  t.test(`with ${name}, an error in the middle ends the transfer with the server's words`, options, async t => {
    const text = 'disk on fire'
    const { port } = await scripted(t, (acked, say) => say(acked < 30 ? block(acked + 1) : errorPacket(0, text)))
    await t.rejects(get({ port, network }), { code: 'TFTP_REFUSED', details: { number: 0, text } })
  })

  t.test(`with ${name}, a file that grows beyond the limit is given up`, options, async t => {
    const { port, heard } = await scripted(t, (acked, say) => say(block(acked + 1)))
    let taken = 0
    const limited = get({ port, network, limit: 100 * BLOCK }, chunk => {
      taken += chunk.length
    })
    await t.rejects(limited, { code: 'ARTIFACT_TOO_LARGE' })
    t.ok(taken <= 100 * BLOCK, 'the sink got no byte too many')
    // A call that runs acknowledges further blocks until it ends.
    const error = () => heard.map(parseTftpPacket).find(packet => packet?.op === 'error')
    while (error() === undefined) await pause(1)
    t.match(error(), { number: 3 }, 'the server hears of it')
  })

  t.test(`with ${name}, what the sink throws ends the transfer`, options, async t => {
    const { port } = await serve(t)
    const full = new Error('no room')
    let taken = 0
    const sink = (chunk: Uint8Array): void => {
      taken += chunk.length
      if (taken > FILE.length / 2) throw full
    }
    await t.rejects(get({ port, network, blockSize: BLOCK }, sink), full)
  })

  t.test(`with ${name}, a sink that takes its time gets every byte`, options, async t => {
    const { port } = await serve(t)
    const slow = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 2))
    t.ok((await get({ port, network, blockSize: 8192, windowSize: 4 }, slow)).equals(FILE))
  })

  t.test(`with ${name}, a transfer is cancelled in its middle`, options, async t => {
    const controller = new AbortController()
    const { port } = await scripted(t, (acked, say) => {
      if (acked === 100) controller.abort(new Error('enough'))
      say(block(acked + 1))
    })
    await t.rejects(get({ port, network, signal: controller.signal }), { message: 'enough' })
  })

  t.test(`with ${name}, a server that falls silent is given up`, options, async t => {
    const { port } = await scripted(t, (acked, say) => {
      if (acked < 50) say(block(acked + 1))
    })
    await t.rejects(get({ port, network, timeoutMs: 100, retries: 1 }), {
      code: 'TFTP_TIMEOUT',
      details: { attempts: 2, received: 50 * BLOCK },
    })
  })
}

t.test('transfers that are over leave the threads to the next ones', needs('addon'), async t => {
  const { port } = await serve(t)
  let waiting = 0
  let most = 0
  const counted = async (...call: Parameters<typeof receiveUdp>): ReturnType<typeof receiveUdp> => {
    most = Math.max(most, ++waiting)
    return receiveUdp(...call).finally(() => waiting--)
  }
  const network = createUdpNetwork({ openUdp, sendUdp, pollUdp, receiveUdp: counted })
  for (let file = 0; file < 8; file++) t.ok((await get({ port, network })).equals(FILE))
  t.equal(most, 1, 'one call waits at a time')
})

t.test('a port whose transfer is complete still answers a block that is repeated', needs('addon'), async t => {
  let repeat = (): void => undefined
  let acks = 0
  const { port } = await scripted(t, (acked, say) => {
    acks += acked
    repeat = () => say(block(1, 5))
    if (acks === 0) repeat()
  })
  // The port stays until the test ends, however busy the machine is.
  const native = createUdpNetwork()
  const ends: (() => void)[] = []
  const staying: TftpNetwork = {
    ...native,
    after: (milliseconds, callback) => {
      if (milliseconds !== DALLY_MS) return native.after(milliseconds, callback)
      ends.push(callback)
      return () => undefined
    },
  }
  await get({ port, network: staying })
  // A block that comes again within a round trip is not answered, so it comes until it is.
  while (acks < 2) {
    repeat()
    await pause(10)
  }
  t.equal(ends.length, 1)
  for (const end of ends) end()
})

t.test("where the addon is missing, Node's UDP takes its place", async t => {
  const { port } = await serve(t)
  const missing = (): never => {
    throw new AddonError('no prebuilds/')
  }
  const network = createUdpNetwork({ openUdp: missing, sendUdp: missing, receiveUdp: missing, pollUdp: missing })
  t.ok((await get({ port, network })).equals(FILE))
})

t.test('a certain port and IPv6 are left to Node', needs('addon'), async t => {
  for (const address of ['127.0.0.1', '::1']) {
    const taken = await createUdpNetwork().open({ address, port: 0 }, () => undefined)
    await t.rejects(
      createUdpNetwork().open({ address, port: taken.port }, () => undefined),
      { code: 'TFTP_PROTOCOL' },
    )
    taken.close()
  }
})

t.test('an address that is not ours is an error', needs('addon'), async t => {
  await t.rejects(
    createUdpNetwork().open({ address: '192.0.2.1', port: 0 }, () => undefined),
    {
      code: 'TFTP_PROTOCOL',
      message: /EADDRNOTAVAIL/,
    },
  )
})
