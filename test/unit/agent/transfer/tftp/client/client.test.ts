import t from 'tap'
import {
  fetchTftp,
  putTftp,
  type TftpFetchOptions,
  type TftpTransferred,
} from '../../../../../../agent/transfer/tftp/client/client.js'
import {
  ackPacket,
  dataPacket,
  errorPacket,
  optionsPacket,
  parseTftpPacket,
  TFTP_ERROR,
  type TftpPacket,
} from '../../../../../../agent/transfer/tftp/packets.js'
import type { TftpPeer, TftpPort } from '../../../../../../agent/transfer/tftp/peer-socket.js'
import { SimulatedNetwork, type Weather } from '../tftp-simulation.js'

const SERVER = '10.0.0.1'

/** A server that does what the test says: it is called for every packet, with a way to answer from its transfer's port. */
type Script = (packet: TftpPacket, say: (datagram: Uint8Array) => void, from: TftpPeer) => void

async function scripted(
  network: SimulatedNetwork,
  script: Script,
): Promise<{ listening: TftpPort; transfer: TftpPort }> {
  const say = (to: TftpPeer) => (datagram: Uint8Array) => transfer.send(datagram, to)
  const hear = (datagram: Uint8Array, from: TftpPeer): void => {
    const packet = parseTftpPacket(datagram)
    if (packet !== null) script(packet, say(from), from)
  }
  const transfer = await network.open({ address: SERVER, port: 0 }, hear)
  const listening = await network.open({ address: SERVER, port: 69 }, hear)
  return { listening, transfer }
}

interface Got {
  readonly result: TftpTransferred
  readonly text: string
}

async function get(network: SimulatedNetwork, options: Partial<TftpFetchOptions> = {}): Promise<Got> {
  const chunks: Uint8Array[] = []
  const fetching = fetchTftp({ server: SERVER, file: 'f', network, ...options }, chunk => {
    chunks.push(chunk)
  })
  const result = await network.run(fetching)
  return { result, text: Buffer.concat(chunks).toString('latin1') }
}

const start = async (script: Script, weather?: Weather): Promise<SimulatedNetwork> => {
  const network = new SimulatedNetwork(weather)
  await scripted(network, script)
  return network
}

const oack = (options: Record<string, string>): Buffer => optionsPacket(new Map(Object.entries(options)))

t.test('a server that ignores options sends its first block at once', async t => {
  const network = await start((packet, say) => {
    if (packet.op === 'read') say(dataPacket(1, Buffer.from('hello')))
  })
  const { result, text } = await get(network)
  t.equal(text, 'hello')
  t.same(result, { size: 5, blockSize: 512, windowSize: 1, retransmits: 0 })
})

for (const number of [TFTP_ERROR.options, TFTP_ERROR.other, TFTP_ERROR.illegalOperation]) {
  t.test(`a server that refuses options with error ${number} is asked without`, async t => {
    const network = await start((packet, say) => {
      if (packet.op !== 'read') return
      say(packet.options.size > 0 ? errorPacket(number, 'no options') : dataPacket(1, Buffer.from('plain')))
    })
    t.equal((await get(network)).text, 'plain')
  })
}

t.test('a server that drops requests with options is asked without after three of them', async t => {
  const network = await start((packet, say) => {
    if (packet.op === 'read' && packet.options.size === 0) say(dataPacket(1, Buffer.from('old')))
  })
  t.equal((await get(network)).text, 'old')
  t.equal(network.sent.filter(({ to }) => to.port === 69).length, 4)
})

t.test('a server that accepts unrequested options gets an error, then a request without options', async t => {
  const network = await start((packet, say) => {
    if (packet.op === 'read') say(packet.options.size > 0 ? oack({ multicast: '' }) : dataPacket(1, Buffer.from('x')))
  })
  t.equal((await get(network)).text, 'x')
  t.ok(network.sent.some(({ datagram }) => datagram[1] === 5 && datagram[3] === TFTP_ERROR.options))
})

t.test('an OACK to a request without options is an error', async t => {
  const network = await start((packet, say) => {
    if (packet.op === 'read') say(packet.options.size > 0 ? errorPacket(8, 'no') : oack({ blksize: '8' }))
  })
  await t.rejects(get(network), { code: 'TFTP_PROTOCOL' })
})

t.test("a refusal carries the server's words and number", async t => {
  const network = await start((packet, say) => {
    if (packet.op === 'read') say(errorPacket(1, 'File not found'))
  })
  await t.rejects(get(network), {
    code: 'TFTP_REFUSED',
    message: "tftp://10.0.0.1/f: the server answered 'File not found' (1)",
  })
})

t.test('the first request asks for all that the RFCs have', async t => {
  const network = await start((packet, say) => {
    if (packet.op === 'read') say(errorPacket(1, ''))
  })
  await t.rejects(get(network, { timeoutMs: 5000 }), { code: 'TFTP_REFUSED' })
  const [first] = network.sent
  t.match(first && parseTftpPacket(first.datagram), {
    op: 'read',
    file: 'f',
    options: new Map([
      ['blksize', '65464'],
      ['tsize', '0'],
      ['timeout', '5'],
      ['windowsize', '2'],
    ]),
  })
})

t.test('a block size, a window and ports that are given are used', async t => {
  const network = new SimulatedNetwork()
  await network.open({ address: SERVER, port: 6969 }, (datagram, from) => {
    t.same(from, { address: '10.0.0.2', port: 1234 })
    t.match(parseTftpPacket(datagram), {
      options: new Map([
        ['blksize', '1024'],
        ['windowsize', '8'],
      ]),
    })
  })
  const options = { blockSize: 1024, windowSize: 8, port: 6969, localPort: 1234, retries: 0, timeoutMs: 400 }
  await t.rejects(get(network, options), { code: 'TFTP_TIMEOUT', details: { attempts: 1, received: 0 } })
})

t.test('a silent server is given all its attempts, and no more', async t => {
  const network = new SimulatedNetwork()
  let timeouts = 0
  const progress = { started() {}, blocks() {}, timeout: () => ++timeouts }
  await t.rejects(get(network, { timeoutMs: 1000, retries: 3, progress }), {
    code: 'TFTP_TIMEOUT',
    details: { attempts: 4, received: 0 },
  })
  t.equal(timeouts, 3)
  t.equal(network.now(), 4000)
  t.equal(network.ports, 0)
})

t.test('a stranger gets error 5, but not for an ERROR packet and not for rubbish', async t => {
  const network = new SimulatedNetwork()
  const heard: (TftpPacket | null)[] = []
  const stranger = await network.open({ address: SERVER, port: 666 }, datagram => {
    heard.push(parseTftpPacket(datagram))
  })
  await scripted(network, (packet, say, from) => {
    if (packet.op === 'read') {
      say(oack({ blksize: '8' }))
      return
    }
    if (packet.op !== 'ack' || packet.block !== 0) return
    for (const bytes of [errorPacket(0, 'stop'), Buffer.of(1), dataPacket(1, Buffer.from('evil'))])
      stranger.send(bytes, from)
    network.after(10, () => say(dataPacket(1, Buffer.from('good'))))
  })
  t.equal((await get(network, { blockSize: 8 })).text, 'good')
  t.same(heard, [{ op: 'error', number: 5, text: 'Unknown transfer ID' }])
})

t.test('a request cannot answer a request, and another host cannot either', async t => {
  const network = new SimulatedNetwork()
  const elsewhere = await network.open({ address: '10.0.0.9', port: 69 }, () => undefined)
  await scripted(network, (packet, say, from) => {
    if (packet.op !== 'read') return
    elsewhere.send(dataPacket(1, Buffer.from('evil')), from)
    say(Buffer.from('\0\x01f\0octet\0', 'latin1'))
    network.after(5, () => say(dataPacket(1, Buffer.from('good'))))
  })
  t.equal((await get(network)).text, 'good')
})

t.test('a file that is announced as too large is refused before its first byte', async t => {
  const network = await start((packet, say) => {
    if (packet.op === 'read') say(oack({ tsize: '100' }))
  })
  await t.rejects(get(network, { limit: 99 }), { code: 'ARTIFACT_TOO_LARGE', details: { size: 100, limit: 99 } })
  t.match(parseTftpPacket(network.sent.at(-1)?.datagram ?? Buffer.of()), { op: 'error', number: TFTP_ERROR.diskFull })
})

t.test('a file that grows beyond the limit is given up', async t => {
  const network = await start((packet, say) => {
    if (packet.op === 'read') say(dataPacket(1, Buffer.alloc(512)))
    if (packet.op === 'ack') say(dataPacket(packet.block + 1, Buffer.alloc(512)))
  })
  await t.rejects(get(network, { limit: 1000 }), { code: 'ARTIFACT_TOO_LARGE', details: { size: 1024 } })
})

for (const [word, blocks] of [
  ['only', ['short']],
  ['at least', ['too long a', 'nd more']],
] as const) {
  t.test(`a file of which ${word} so much comes is not the one that was announced`, async t => {
    const network = await start((packet, say) => {
      if (packet.op === 'read') say(oack({ tsize: '9', blksize: '10' }))
      if (packet.op === 'ack') say(dataPacket(packet.block + 1, Buffer.from(blocks[packet.block] ?? '')))
    })
    await t.rejects(get(network, { blockSize: 10 }), { code: 'TFTP_PROTOCOL', message: new RegExp(`sent ${word} `) })
  })
}

t.test('a block longer than agreed on is an error', async t => {
  const network = await start((packet, say) => {
    if (packet.op === 'read') say(dataPacket(1, Buffer.alloc(513)))
  })
  await t.rejects(get(network), { code: 'TFTP_PROTOCOL', message: /a block has 513 bytes, agreed on were 512/ })
})

t.test('a path that loses large blocks is given small ones, and the sink sees nothing of it', async t => {
  const file = Buffer.alloc(200_000, 'fauxboot')
  let size = 0
  const network = await start(
    (packet, say) => {
      if (packet.op === 'read') {
        size = Number(packet.options.get('blksize'))
        say(oack({ blksize: String(size), tsize: String(file.length) }))
      }
      const at = packet.op === 'ack' ? packet.block * size : -1
      if (at >= 0 && at <= file.length) say(dataPacket(at / size + 1, file.subarray(at, at + size)))
    },
    { longest: 1500 },
  )
  const told: number[] = []
  const progress = { started: (blockSize: number) => told.push(blockSize), blocks() {}, timeout() {} }
  const { result, text } = await get(network, { progress })
  t.equal(text, file.toString('latin1'))
  t.same(told, [1468])
  t.match(result, { size: 200_000, blockSize: 1468 })
})

t.test('a cancelled transfer ends at once with an ERROR packet', async t => {
  const abort = new AbortController()
  const network = await start((packet, say) => {
    if (packet.op === 'read') say(dataPacket(1, Buffer.alloc(512)))
    if (packet.op === 'ack') abort.abort(new Error('enough'))
  })
  await t.rejects(get(network, { signal: abort.signal }), { message: 'enough' })
  t.match(parseTftpPacket(network.sent.at(-1)?.datagram ?? Buffer.of()), { op: 'error', text: 'enough' })
  t.equal(network.ports, 2, 'only those of the server are open')
  await t.rejects(
    fetchTftp({ server: SERVER, file: 'f', network, signal: abort.signal }, () => undefined),
    {
      message: 'enough',
    },
  )
})

t.test('a transfer that is cancelled while its port is opened sends no more than its request', async t => {
  const abort = new AbortController()
  const network = new SimulatedNetwork()
  const fetching = fetchTftp({ server: SERVER, file: 'f', network, signal: abort.signal }, () => undefined)
  await Promise.resolve()
  await Promise.resolve()
  abort.abort('a reason that is no error')
  await t.rejects(network.run(fetching))
  t.equal(network.ports, 0)
})

t.test('names that do not fit a request, and unknown hosts, are errors', async t => {
  const network = new SimulatedNetwork()
  await t.rejects(get(network, { file: '' }), { code: 'TFTP_PROTOCOL' })
  await t.rejects(
    fetchTftp({ server: 'no-such-host.invalid', file: 'f', network }, () => undefined),
    {
      code: 'TFTP_PROTOCOL',
      message: /the host name is unknown/,
    },
  )
})

t.test('a host that is known by name is asked', async t => {
  const network = new SimulatedNetwork()
  await t.rejects(get(network, { server: 'localhost', retries: 0 }), { code: 'TFTP_TIMEOUT' })
  t.match(network.sent[0]?.to.address, /^(127\.0\.0\.1|::1)$/)
})

t.test('what the sink throws ends the transfer, at once or later', async t => {
  const sinks = [
    () => {
      throw new Error('full')
    },
    () => Promise.reject(new Error('full')),
  ]
  for (const sink of sinks) {
    const network = await start((packet, say) => {
      if (packet.op === 'read') say(dataPacket(1, Buffer.alloc(512)))
    })
    await t.rejects(network.run(fetchTftp({ server: SERVER, file: 'f', network }, sink)), { message: 'full' })
    t.match(parseTftpPacket(network.sent.at(-1)?.datagram ?? Buffer.of()), { op: 'error', number: 3, text: 'full' })
  }
})

t.test('a slow sink gets one window and no ACK goes out before it has taken it', async t => {
  const network = await start((packet, say) => {
    if (packet.op === 'read') say(oack({ blksize: '8', windowsize: '4' }))
    if (packet.op === 'ack' && packet.block < 8)
      for (let block = packet.block + 1; block <= packet.block + 4; block++)
        say(dataPacket(block, Buffer.from(block === 8 ? '' : 'xxxxxxxx')))
  })
  const acks = (): number => network.sent.filter(({ datagram }) => datagram[1] === 4).length
  const seen: number[] = []
  const sink = (): Promise<void> =>
    new Promise(resolve => {
      seen.push(acks())
      network.after(20_000, resolve)
    })
  const result = await network.run(fetchTftp({ server: SERVER, file: 'f', network, blockSize: 8, windowSize: 4 }, sink))
  t.equal(result.size, 56)
  t.same(seen, [1, 1, 1, 1, 2, 2, 2, 2])
})

t.test('a server that misses ACK 0 is given it again, and one that misses the last ACK too', async t => {
  const acks: number[] = []
  const network = await start((packet, say) => {
    if (packet.op === 'read') {
      say(oack({ blksize: '8' }))
      network.after(1000, () => say(oack({ blksize: '8' })))
      network.after(2000, () => say(dataPacket(1, Buffer.from('x'))))
      network.after(3000, () => say(dataPacket(1, Buffer.from('x'))))
    }
    if (packet.op === 'ack') acks.push(packet.block)
  })
  t.equal((await get(network, { blockSize: 8 })).text, 'x')
  await network.drain()
  t.same([acks.at(-2), acks.at(-1)], [1, 1])
  t.equal(network.ports, 2)
})

t.test('a put to a server without options goes block by block', async t => {
  const chunks: Uint8Array[] = []
  const network = await start((packet, say) => {
    if (packet.op === 'write') say(packet.options.size > 0 ? errorPacket(8, 'no') : ackPacket(0))
    if (packet.op === 'data') {
      chunks.push(packet.payload)
      say(ackPacket(packet.block))
    }
  })
  const pieces = [Buffer.alloc(700, 'a'), Buffer.alloc(0), Buffer.alloc(324, 'b')]
  const told: unknown[] = []
  const progress = {
    started: (...words: unknown[]) => told.push(['started', ...words]),
    blocks: (...words: unknown[]) => told.push(['blocks', ...words]),
    timeout() {},
  }
  const result = await network.run(putTftp({ server: SERVER, file: 'f', network, progress }, pieces, 1024))
  t.same(result, { size: 1024, blockSize: 512, windowSize: 1, retransmits: 0 })
  t.same(Buffer.concat(chunks), Buffer.concat(pieces))
  t.same(told, [
    ['started', 512, 1024],
    ['blocks', 1, 1],
    ['blocks', 2, 2],
    ['blocks', 3, 3],
  ])
})

t.test('a put ends with what its source throws', async t => {
  const network = await start((packet, say) => {
    if (packet.op === 'write') say(ackPacket(0))
  })
  function* source(): Generator<Uint8Array> {
    yield Buffer.alloc(10)
    throw new Error('the disk is gone')
  }
  await t.rejects(network.run(putTftp({ server: SERVER, file: 'f', network }, source(), 20)), {
    message: 'the disk is gone',
  })
})

t.test('a network that is lost for a while in mid-transfer costs time, and no byte', async t => {
  const blocks = ['x'.repeat(512), 'y'.repeat(512), 'z']
  let lost = false
  const network = new SimulatedNetwork()
  await scripted(network, (packet, say) => {
    if (lost) return
    if (packet.op === 'read') say(dataPacket(1, Buffer.from(blocks[0] ?? '')))
    if (packet.op !== 'ack') return
    const next = blocks[packet.block]
    if (next !== undefined) say(dataPacket(packet.block + 1, Buffer.from(next)))
    // The cable goes with the second block on its way, and is back 12 s later.
    if (packet.block !== 1) return
    lost = true
    network.after(12_000, () => {
      lost = false
    })
  })
  const { text } = await get(network, { timeoutMs: 5000, retries: 10 })
  t.equal(text, blocks.join(''))
})

t.test('a server that dies in mid-transfer is given up after its attempts, with what had come', async t => {
  let dead = false
  const network = await start((packet, say) => {
    if (dead) return
    if (packet.op === 'read') say(dataPacket(1, Buffer.alloc(512)))
    dead = packet.op === 'ack'
  })
  await t.rejects(get(network, { timeoutMs: 1000, retries: 3 }), {
    code: 'TFTP_TIMEOUT',
    details: { attempts: 4, received: 512 },
  })
  t.equal(network.ports, 2, 'only those of the server are open')
})
