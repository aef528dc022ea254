import fc from 'fast-check'
import t from 'tap'
import { fetchTftp, putTftp, type TftpTransferOptions } from '../../../../../../agent/transfer/tftp/client/client.js'
import {
  ackPacket,
  dataPacket,
  errorPacket,
  parseTftpPacket,
  requestPacket,
  type TftpPacket,
} from '../../../../../../agent/transfer/tftp/packets.js'
import type { TftpPeer } from '../../../../../../agent/transfer/tftp/peer-socket.js'
import { TftpServer, type TftpServerOptions } from '../../../../../../agent/transfer/tftp/server/server.js'
import { SimulatedNetwork, type Weather } from '../tftp-simulation.js'

const ADDRESS = '10.0.0.1'

/** The sum of bytes that are all different from their neighbours: an exchanged or missing block shows. */
function contents(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8) * 17) & 0xff))
}

/** A server over a map of files, with what it was told. */
async function serve(network: SimulatedNetwork, options: Partial<TftpServerOptions> = {}) {
  const files = new Map<string, Buffer>()
  const told: string[] = []
  const server = await TftpServer.listen({
    network,
    address: ADDRESS,
    read(name) {
      const bytes = files.get(name)
      if (bytes === undefined) return { refused: 1, text: 'File not found' }
      return {
        size: bytes.length,
        read: async (offset, length) => bytes.subarray(offset, offset + length),
        closed: error => told.push(`closed ${error === null ? 'well' : String(error)}`),
      }
    },
    write(name) {
      const chunks: Uint8Array[] = []
      return {
        write: async chunk => {
          chunks.push(chunk)
        },
        end: () => {
          files.set(name, Buffer.concat(chunks))
        },
        abort: error => told.push(String(error)),
      }
    },
    ...options,
  })
  return { server, files, told }
}

async function get(network: SimulatedNetwork, options: Partial<TftpTransferOptions> = {}): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const fetching = fetchTftp({ server: ADDRESS, file: 'f', network, ...options }, chunk => {
    chunks.push(chunk)
  })
  await network.run(fetching)
  return Buffer.concat(chunks)
}

/** A client that says what the test wants, and what it hears. */
async function client(network: SimulatedNetwork, port = 0) {
  const heard: (TftpPacket | null)[] = []
  let peer: TftpPeer = { address: ADDRESS, port: 69 }
  const open = await network.open({ address: '10.0.0.7', port }, (datagram, from) => {
    heard.push(parseTftpPacket(datagram))
    peer = from
  })
  return {
    heard,
    ask: (datagram: Uint8Array) => open.send(datagram, { address: ADDRESS, port: 69 }),
    say: (datagram: Uint8Array) => open.send(datagram, peer),
  }
}

const read = (file: string, options: Record<string, string> = {}): Buffer =>
  requestPacket('read', file, new Map(Object.entries(options)))
const write = (file: string, options: Record<string, string> = {}): Buffer =>
  requestPacket('write', file, new Map(Object.entries(options)))

const WEATHERS: Record<string, Weather> = {
  'good weather': {},
  '1 % loss, duplicates and reordering': { loss: 0.01, duplication: 0.01, reordering: 0.01 },
  '5 % loss, duplicates and reordering': { loss: 0.05, duplication: 0.05, reordering: 0.05 },
  'a third doubled': { duplication: 0.33 },
  'a third out of order': { reordering: 0.33 },
}

for (const [name, weather] of Object.entries(WEATHERS)) {
  t.test(`files of all sizes go both ways in windows of all sizes: ${name}`, async t => {
    for (const windowSize of [1, 4, 16, 64]) {
      for (const size of [0, 511, 512, 513, 40_000]) {
        const network = new SimulatedNetwork({ ...weather, seed: windowSize * 1000 + size })
        const { files, server } = await serve(network)
        const bytes = contents(size)
        const options = { blockSize: 512, windowSize, network, server: ADDRESS, file: 'f' }
        await network.run(putTftp(options, [bytes], size))
        t.ok(files.get('f')?.equals(bytes), `put ${size} in windows of ${windowSize}`)
        t.ok((await get(network, options)).equals(bytes), `get ${size} in windows of ${windowSize}`)
        await network.drain()
        t.equal(server.transfers, 0)
        t.equal(network.ports, 1, 'only the listening port is left')
      }
    }
  })
}

t.test('whatever is lost, a transfer ends with the file or with an error', async t => {
  const share = fc.double({ min: 0, max: 0.4, noNaN: true })
  const weather = fc.record({ loss: share, duplication: share, reordering: share, seed: fc.nat() })
  await fc.assert(
    fc.asyncProperty(weather, fc.constantFrom(1, 2, 7, 32), fc.nat(6000), async (weather, windowSize, size) => {
      const network = new SimulatedNetwork(weather)
      const { files } = await serve(network)
      const bytes = contents(size)
      files.set('f', bytes)
      try {
        return (await get(network, { blockSize: 128, windowSize })).equals(bytes)
      } catch (thrown) {
        return thrown instanceof Error && 'code' in thrown
      }
    }),
    { numRuns: 60 },
  )
  t.pass('fast-check found nothing else')
})

t.test('block numbers roll over to 0, both ways', async t => {
  const network = new SimulatedNetwork()
  const { files } = await serve(network)
  const bytes = Buffer.alloc(8 * 66_000 + 3, 'rollover')
  const options = { blockSize: 8, windowSize: 64, network, server: ADDRESS, file: 'f' }
  await network.run(putTftp(options, [bytes], bytes.length))
  t.ok(files.get('f')?.equals(bytes))
  t.ok((await get(network, options)).equals(bytes))
})

t.test('without windows DATA is never sent again for a doubled ACK', async t => {
  const network = new SimulatedNetwork()
  const { files } = await serve(network)
  files.set('f', contents(1200))
  const { heard, ask, say } = await client(network)
  ask(read('f'))
  await network.run(new Promise<void>(resolve => network.after(5, resolve)))
  for (let times = 0; times < 5; times++) say(ackPacket(1))
  await network.run(new Promise<void>(resolve => network.after(10, resolve)))
  t.same(
    heard.map(packet => packet?.op === 'data' && packet.block),
    [1, 2],
  )
})

t.test('a client that is busy for some tenths of a second between its blocks gets every ACK once', async t => {
  const network = new SimulatedNetwork()
  const { server } = await serve(network)
  const { ask, say, heard } = await client(network)
  const pass = (milliseconds: number): Promise<void> =>
    network.run(new Promise(resolve => network.after(milliseconds, resolve)))
  ask(requestPacket('write', 'f', new Map()))
  for (let block = 1; block <= 4; block++) {
    await pass(block === 4 ? 490 : 5)
    say(dataPacket(block, contents(512)))
  }
  await pass(490)
  t.same(
    heard,
    [0, 1, 2, 3, 4].map(block => ({ op: 'ack', block })),
  )
  server.close()
})

t.test('refusals use the words of the handler, and limits ours', async t => {
  const network = new SimulatedNetwork()
  const { server } = await serve(network, { maxName: 5, write: undefined })
  await t.rejects(get(network), { code: 'TFTP_REFUSED', details: { number: 1, text: 'File not found' } })
  await t.rejects(get(network, { file: 'too-long' }), {
    code: 'TFTP_REFUSED',
    details: { text: 'names have 5 characters at most' },
  })
  const putting = putTftp({ server: ADDRESS, file: 'f', network }, [], 0)
  await t.rejects(network.run(putting), {
    code: 'TFTP_REFUSED',
    details: { number: 2, text: 'nothing can be written here' },
  })
  t.equal(server.transfers, 0)
  const { server: writeOnly } = await serve(network, { read: undefined, port: 70 })
  await t.rejects(get(network, { port: writeOnly.port }), {
    code: 'TFTP_REFUSED',
    details: { text: 'nothing can be read here' },
  })
  const { heard, ask } = await client(network)
  ask(Buffer.from('\0\x01f\0netascii\0', 'latin1'))
  await network.drain()
  t.match(heard, [{ op: 'error', number: 4, text: /octet/ }])
})

t.test('the error of a handler goes to the client', async t => {
  const network = new SimulatedNetwork()
  await serve(network, { read: () => Promise.reject(new Error('no disk')) })
  await t.rejects(get(network), { code: 'TFTP_REFUSED', details: { number: 0, text: 'no disk' } })
  await serve(network, { port: 70, read: () => Promise.reject('no words') })
  await t.rejects(get(network, { port: 70 }), { code: 'TFTP_REFUSED', details: { number: 0, text: 'no words' } })
})

t.test('so many transfers run at a time, and so many with one address', async t => {
  const network = new SimulatedNetwork()
  const { server, files } = await serve(network, { maxTransfers: 3, maxTransfersPerPeer: 2 })
  files.set('f', contents(9))
  const clients = await Promise.all([client(network), client(network), client(network)])
  for (const { ask } of clients) ask(read('f'))
  await network.run(new Promise<void>(resolve => network.after(10, resolve)))
  t.equal(server.transfers, 2)
  t.match(clients[2]?.heard, [{ op: 'error', text: 'too many concurrent transfers, try again later' }])
})

t.test('a transfer that is done counts no longer, and the oldest of them give up their ports', async t => {
  const network = new SimulatedNetwork()
  const { server, files } = await serve(network, { maxTransfers: 2, maxTransfersPerPeer: 1 })
  for (let at = 0; at < 5; at++) {
    const put = putTftp({ server: ADDRESS, file: `f${at}`, network }, [contents(9)], 9)
    await network.run(put)
    t.equal(server.transfers, Math.min(at + 1, 2))
  }
  t.equal(files.size, 5)
  await network.drain()
  t.equal(server.transfers, 0)
  t.equal(network.ports, 1, 'the one that listens')
})

t.test('handlers choose the numbers of their errors, and refusals are reported', async t => {
  const network = new SimulatedNetwork()
  const refusals: unknown[] = []
  const fail = (): never => {
    throw new Error('not here')
  }
  await serve(network, {
    read: fail,
    write: name => ({ write: () => undefined, end: name === 'late' ? fail : () => undefined, abort: () => undefined }),
    errorNumber: error => (error instanceof Error && error.message === 'not here' ? 6 : null),
    onRefused: ({ refused, text }, name, { address }) => refusals.push([refused, text, name, address]),
  })
  await t.rejects(get(network), { code: 'TFTP_REFUSED', details: { number: 6, text: 'not here' } })
  t.same(refusals, [[6, 'not here', 'f', '10.0.0.2']])
  const put = putTftp({ server: ADDRESS, file: 'late', network }, [contents(9)], 9)
  await t.rejects(network.run(put), { code: 'TFTP_REFUSED', details: { number: 6, text: 'not here' } })
})

t.test('a request that is said again has one transfer, and another one from its port replaces it', async t => {
  const network = new SimulatedNetwork()
  const { server, files, told } = await serve(network)
  files.set('f', contents(9)).set('g', contents(8))
  const { heard, ask } = await client(network)
  for (let times = 0; times < 3; times++) ask(read('f'))
  await network.run(new Promise<void>(resolve => network.after(10, resolve)))
  t.equal(heard.length, 1)
  ask(read('g'))
  await network.run(new Promise<void>(resolve => network.after(10, resolve)))
  t.equal(server.transfers, 1)
  t.match(heard[1], { op: 'error', text: /the client made another request/ })
  t.match(heard[2], { op: 'data', payload: contents(8) })
  t.match(told, [/closed .*another request/])
})

t.test('a client that falls silent is given up, and one that gives up is believed', async t => {
  const network = new SimulatedNetwork()
  const { server, files, told } = await serve(network, { timeoutMs: 500, retries: 1 })
  files.set('f', contents(9))
  const silent = await client(network)
  silent.ask(write('h', { tsize: '5' }))
  const quitter = await client(network)
  quitter.ask(read('f', { blksize: '8' }))
  network.after(10, () => quitter.say(errorPacket(0, 'bye')))
  await network.drain()
  t.equal(server.transfers, 0)
  t.match(told, [/closed .*'bye'/, /no answer after 2 attempts/])
  t.match(silent.heard.at(-1), { op: 'error' })
})

t.test('a file that is too large is refused before its first byte, or when it grows too large', async t => {
  const network = new SimulatedNetwork()
  const { told } = await serve(network, { limit: 600 })
  const { heard, ask } = await client(network)
  ask(write('f', { tsize: '601' }))
  await network.run(new Promise<void>(resolve => network.after(10, resolve)))
  t.match(heard, [{ op: 'error', number: 3 }])
  const unannounced = await client(network)
  unannounced.ask(write('f'))
  network.after(10, () => unannounced.say(dataPacket(1, Buffer.alloc(512))))
  network.after(20, () => unannounced.say(dataPacket(2, Buffer.alloc(512))))
  await network.drain()
  t.match(unannounced.heard.at(-1), { op: 'error', number: 3 })
  t.equal(told.length, 2)
})

t.test('a client learns that its file could not be kept', async t => {
  const network = new SimulatedNetwork()
  const aborted: unknown[] = []
  const write = () => ({
    write() {},
    end: () => Promise.reject(new Error('the disk is full')),
    abort: (error: unknown) => aborted.push(error),
  })
  await serve(network, { write })
  const putting = putTftp({ server: ADDRESS, file: 'f', network }, [Buffer.alloc(5)], 5)
  await t.rejects(network.run(putting), { code: 'TFTP_REFUSED', details: { number: 3, text: 'the disk is full' } })
  t.same(aborted, [], 'it had been told the end')
})

t.test('an error while a file is read goes to the client', async t => {
  const network = new SimulatedNetwork()
  await serve(network, { read: () => ({ size: 5, read: () => Promise.reject(new Error('bad sector')) }) })
  await t.rejects(get(network), { code: 'TFTP_REFUSED', details: { text: 'bad sector' } })
})

t.test('a server that is closed tells its clients, and those whose file is still being opened', async t => {
  const network = new SimulatedNetwork()
  let open: () => void = () => undefined
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  const closed: unknown[] = []
  const file = { size: 9, read: () => contents(9), closed: (error: unknown) => closed.push(error) }
  const { server } = await serve(network, {
    read: async name => {
      if (name === 'slow') await opened
      return file
    },
  })
  const [quick, slow] = [await client(network), await client(network)]
  quick.ask(read('f'))
  slow.ask(read('slow'))
  await network.run(new Promise<void>(resolve => network.after(10, resolve)))
  server.close()
  server.close()
  open()
  await network.drain()
  t.equal(server.port, 0)
  t.match(quick.heard.at(-1), { op: 'error', text: 'the TFTP server: it was stopped' })
  t.match(closed, [{ code: 'TFTP_PROTOCOL' }, { code: 'TFTP_PROTOCOL' }])
})

t.test('a packet that is not a request gets error 5, anything else no answer', async t => {
  const network = new SimulatedNetwork()
  await serve(network)
  const { heard, ask } = await client(network)
  for (const datagram of [Buffer.of(1), errorPacket(0, 'x'), ackPacket(3)]) ask(datagram)
  await network.drain()
  t.match(heard, [{ op: 'error', number: 5 }])
})

t.test('no datagram hurts the server or a transfer', async t => {
  const network = new SimulatedNetwork()
  const { files } = await serve(network)
  files.set('f', contents(3000))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), async datagrams => {
      const { ask, say } = await client(network)
      ask(read('f', { blksize: '64', windowsize: '3' }))
      for (const [at, datagram] of datagrams.entries()) network.after(at * 3, () => say(datagram))
      await network.drain()
      return (await get(network, { blockSize: 64 })).equals(contents(3000))
    }),
    { numRuns: 30 },
  )
  t.pass('fast-check found none')
})
