import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { TftpOptions } from '../../../../../agent/uboot/hardware/network.js'
import { HostNetwork } from '../../../../../agent/uboot/hardware/network-host.js'

const signal = new AbortController().signal
const network = new HostNetwork()

/** A UDP server on loopback. */
async function udp(t: Test, answer: (socket: Socket, message: Buffer, port: number) => void): Promise<number> {
  const socket = createSocket('udp4')
  socket.on('message', (message, { port }) => answer(socket, message, port))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return socket.address().port
}

/** A port that was free just now. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

const options = (port: number): TftpOptions => ({
  server: '127.0.0.1',
  file: 'f',
  blockSize: null,
  windowSize: null,
  timeoutMs: 1000,
  retries: 3,
  port,
  localPort: null,
  signal,
  progress: { started() {}, blocks() {}, timeout() {} },
})

t.test('files come and go over TFTP', async t => {
  const taken: string[] = []
  const port = await udp(t, (socket, message, from) => {
    const code = message.readUInt16BE(0)
    const reply = (bytes: Buffer): void => socket.send(bytes, from, '127.0.0.1')
    if (code === 1) reply(Buffer.from('\0\x03\0\x01hello', 'latin1'))
    if (code === 2) reply(Buffer.of(0, 4, 0, 0))
    if (code === 3) {
      taken.push(message.toString('latin1', 4))
      reply(Buffer.of(0, 4, 0, 1))
    }
  })
  const chunks: Buffer[] = []
  t.equal(await network.tftpGet(options(port), chunk => chunks.push(Buffer.from(chunk))), 5)
  t.equal(Buffer.concat(chunks).toString(), 'hello')
  await network.tftpPut(options(port), [Buffer.from('up')], 2)
  t.strictSame(taken, ['up'])
})

t.test('names are asked of the server that is given', async t => {
  const port = await udp(t, (socket, question, from) => {
    const known = question.includes('\x04lab1')
    const answer = Buffer.concat([question.subarray(0, 12), question.subarray(12)])
    answer.writeUInt16BE(known ? 0x8180 : 0x8183, 2)
    if (!known) return socket.send(answer, from, '127.0.0.1')
    answer.writeUInt16BE(1, 6)
    answer.writeUInt16BE(0, 10)
    const end = answer.indexOf(0, 12) + 5
    const record = Buffer.from('c00c00010001000000050004' + '0a010203', 'hex')
    socket.send(Buffer.concat([answer.subarray(0, end), record]), from, '127.0.0.1')
  })
  t.equal(await network.resolve('lab1', `127.0.0.1:${port}`, signal), '10.1.2.3')
  t.equal(await network.resolve('lab2', `127.0.0.1:${port}`, signal), null)
  await t.rejects(network.resolve('lab1', '127.0.0.1:1', AbortSignal.abort(new Error('^C'))), { message: '^C' })
})

t.test('files come over HTTP, and cannot start over in the middle', async t => {
  let requests = 0
  const server = createServer((request, response) => {
    requests++
    if (request.url === '/f') return response.end('hello')
    // It breaks off, and has no tag by which the rest could be asked for.
    response.writeHead(200, { 'content-length': 10 })
    response.write('half')
    setImmediate(() => setTimeout(() => response.destroy(), 20))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const chunks: Buffer[] = []
  const sink = (chunk: Uint8Array): void => void chunks.push(Buffer.from(chunk))
  const sizes: (number | null)[] = []
  t.equal(await network.httpGet(`${base}/f`, sink, signal, (_, size) => sizes.push(size)), 5)
  t.equal(Buffer.concat(chunks).toString(), 'hello')
  t.strictSame(sizes, [5])
  await t.rejects(
    network.httpGet(`${base}/broken`, sink, signal, () => {}),
    { code: 'FETCH_RANGE' },
  )
  t.equal(requests, 3)
})

t.test('a file that a client puts is received, and only one', async t => {
  const free = await freePort()
  const chunks: Buffer[] = []
  const serving = network.tftpServe({ ...options(free) }, chunk => chunks.push(Buffer.from(chunk)))
  const putting = network.tftpPut(options(free), [Buffer.alloc(3000, 'u')], 3000)
  t.equal(await serving, 3000)
  await putting
  t.strictSame(Buffer.concat(chunks), Buffer.alloc(3000, 'u'))
})

t.test('what the sink refuses ends the transfer, and so do ^C and silence', async t => {
  const free = await freePort()
  const refusing = network.tftpServe(options(free), () => {
    throw new Error('not there')
  })
  const putting = network.tftpPut(options(free), [Buffer.alloc(3000)], 3000)
  await t.rejects(refusing, { message: 'not there' })
  await t.rejects(putting, { code: 'TFTP_REFUSED' })
  const never = { ...options(free), timeoutMs: 5, retries: 2 }
  await t.rejects(
    network.tftpServe(never, () => {}),
    { code: 'TFTP_TIMEOUT' },
  )
  const abort = AbortSignal.abort(new Error('^C'))
  await t.rejects(
    network.tftpServe({ ...never, signal: abort }, () => {}),
    { message: '^C' },
  )
})
