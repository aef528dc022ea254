import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Duplex, PassThrough, Writable } from 'node:stream'
import t, { type Test } from 'tap'
import { pause } from '../../../../../agent/transfer/abort.js'
import { StreamLine, telnetLine } from '../../../../../agent/uboot/console/stream-line.js'

/** Both ends of a TCP connection: a client, and what the board accepted. */
async function connection(t: Test): Promise<{ readonly client: Socket; readonly accepted: Socket }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const client = connect(address.port, '127.0.0.1')
  const [accepted] = (await once(server, 'connection')) as [Socket]
  client.setEncoding('latin1')
  t.teardown(() => {
    client.destroy()
    accepted.destroy()
    server.close()
  })
  return { client, accepted }
}

/** Everything that comes, as soon as it is so long. */
async function received(client: Socket, length: number): Promise<string> {
  let text = ''
  for await (const bytes of client.iterator({ destroyOnReturn: false })) {
    text += String(bytes)
    if (text.length >= length) return text
  }
  return text
}

t.test('every byte passes a line in both directions, those that came before anybody listened, too', async t => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const line = new StreamLine('a terminal', input, output)
  input.write(Buffer.from([0x00, 0x80, 0xff, 0x0d]))
  const bytes = await new Promise<string>(resolve =>
    line.receive(bytes => {
      resolve(bytes)
      return true
    }),
  )
  t.equal(bytes, '\x00\x80\xff\r')
  line.send('\x00\x80\xff\n')
  t.same(output.read(), Buffer.from([0x00, 0x80, 0xff, 0x0a]))
  t.equal(line.name, 'a terminal')
})

t.test('a listener that has enough stops the sender until it resumes', async t => {
  const input = new PassThrough()
  const line = new StreamLine('a terminal', input, new PassThrough())
  const heard: string[] = []
  let hear: (all: string[]) => void = () => {}
  const next = () => new Promise<string[]>(resolve => (hear = resolve))
  line.receive(bytes => {
    heard.push(bytes)
    hear(heard)
    return false
  })
  const first = next()
  input.write('one')
  t.same(await first, ['one'])
  input.write('two')
  t.ok(input.isPaused())
  const second = next()
  line.resume()
  t.same(await second, ['one', 'two'])
})

t.test('a line is drained when its stream has written everything and the hardware has sent it', async t => {
  const order: string[] = []
  const output = new Writable({
    write(bytes, _encoding, done) {
      setImmediate(() => {
        if (bytes.length > 0) order.push(`written ${bytes}`)
        done()
      })
    },
  })
  const drain = async () => void order.push('sent')
  const line = new StreamLine('a terminal', new PassThrough(), output, { drain })
  line.send('Starting kernel ...')
  await line.drained()
  t.same(order, ['written Starting kernel ...', 'sent'])
})

t.test('a line whose other end is gone takes what is sent, and keeps nobody waiting', async t => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const line = new StreamLine('a terminal', input, output)
  const closed = new Promise(resolve => output.once('close', resolve))
  output.destroy(new Error('EIO'))
  await closed
  line.send('nobody reads this')
  await line.drained()
  input.end()
  input.resume()
  await line.ended
  t.ok(input.destroyed)
})

t.test('a line that takes no output has ended, and knows whether it has taken any before', async t => {
  for (const taken of [0, 1]) {
    let left = taken
    const output = new Writable({
      write: (_bytes, _encoding, done) => done(left-- > 0 ? null : new Error('EIO')),
    })
    let drains = 0
    const line = new StreamLine('a terminal', new PassThrough(), output, { drain: async () => void drains++ })
    line.send('seen')
    line.send('lost')
    await line.ended
    await line.drained()
    t.same([line.hasSent, drains], [taken === 1, 0])
  }
})

t.test('a closed line has ended, and its terminal is as it was before', async t => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  let raw = true
  const restore = (): void => {
    raw = false
  }
  const line = new StreamLine('a terminal', input, output, { restore })
  line.close()
  t.equal(raw, false)
  await line.ended
  t.ok(output.writableEnded)
})

t.test('a telnet client is greeted, its commands are taken out, and what it is sent is quoted', async t => {
  const { client, accepted } = await connection(t)
  const line = telnetLine(accepted)
  t.match(line.name, /^tcp 127\.0\.0\.1:\d+$/)
  t.equal(await received(client, 6), '\xff\xfb\x01\xff\xfb\x03', 'WILL ECHO, WILL SUPPRESS-GO-AHEAD')
  const typed = new Promise<string>(resolve => {
    let text = ''
    line.receive(bytes => {
      text += bytes
      if (text.endsWith('\r')) resolve(text)
      return true
    })
  })
  client.write('pri\xff\xfd\x22nt\xff\xf4\r', 'latin1')
  t.equal(await typed, 'print\x03\r')
  t.equal(await received(client, 3), '\xff\xfc\x22', 'WONT LINEMODE')
  line.send('\xff')
  t.equal(await received(client, 2), '\xff\xff')
})

t.test('a telnet client that never reads is dropped when it holds a mebibyte of output', async t => {
  const { client, accepted } = await connection(t)
  client.pause()
  const line = telnetLine(accepted, { stallMs: 10 })
  line.receive(() => true)
  let sent = 0
  for (; !accepted.destroyed; sent += 64 * 1024) {
    line.send('x'.repeat(64 * 1024))
    await line.room()
    await pause(1, undefined)
  }
  await line.ended
  t.ok(sent > 2 ** 20, `${sent} bytes`)
})

t.test('a telnet client that reads no answer to its commands is not read from, and then dropped', async t => {
  // Its system takes no byte of output.
  const socket = new Duplex({ read: () => undefined, write: () => undefined })
  Object.assign(socket, { setNoDelay: () => socket, remoteAddress: '10.0.2.2', remotePort: 1 })
  const line = telnetLine(socket as Socket, { stallMs: 1 })
  line.receive(() => true)
  socket.push(Buffer.from('\xff\xfd\x22'.repeat(512 * 1024), 'latin1'))
  while (!socket.isPaused()) await new Promise(setImmediate)
  await t.resolves(line.ended)
})

t.test('a terminal that takes nothing is kept, and shows the newest when it takes something again', async t => {
  let take: () => void = () => undefined
  const shown: string[] = []
  const output = new Writable({
    write(bytes, _encoding, done) {
      shown.push(bytes.toString('latin1'))
      take = done
    },
  })
  const input = new PassThrough()
  t.teardown(() => output.destroy())
  const line = new StreamLine('a terminal', input, output, { stallMs: 1 })
  for (let count = 0; count < 20; count += 1) {
    line.send('x'.repeat(100_000))
    await line.room()
  }
  line.send('newest')
  while (!shown.at(-1)?.endsWith('newest')) {
    take()
    await new Promise(setImmediate)
  }
  t.ok(shown.join('').length < 2 ** 20)
  t.equal(input.destroyed, false)
})

t.test('a connection that is closed ends the line', async t => {
  const { client, accepted } = await connection(t)
  const line = telnetLine(accepted)
  line.receive(() => true)
  client.resume()
  client.end()
  await line.ended
  t.ok(accepted.destroyed)
  t.equal(line.interruptsAtEnd, true)
})

t.test('a connection that is reset ends the line as one that is closed', async t => {
  const { client, accepted } = await connection(t)
  const line = telnetLine(accepted)
  line.receive(() => true)
  client.resetAndDestroy()
  await t.resolves(line.ended)
})
