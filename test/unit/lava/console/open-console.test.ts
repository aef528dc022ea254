import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, watch } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { consoleUrl, openConsole } from '../../../../lava/console/open-console.js'
import { needs } from '../../../peer.js'
import { listen, Reader } from './lines.js'

const ACTIVE = new AbortController().signal

t.test('a console of a kind that is not known is refused with those that are', async t => {
  const refused: readonly (readonly [url: string, words: RegExp])[] = [
    ['ssh://host:22', /ssh:\/\/ is not supported; supported: tcp:\/\/, telnet:\/\/, rfc2217:\/\/, serial:\/\//],
    ['ttyUSB0', /is neither a URL such as telnet:\/\/HOST:PORT/],
    ['telnet://host', /wants a host and a port/],
    ['tcp://host:0', /wants a host and a port/],
    ['telnet://host:23?baud=9600', /rfc2217:\/\/ can/],
    ['rfc2217://host:23?baud=fast', /baud is a number from 50 to/],
    ['serial:///dev/ttyS0?parity=mark', /parity is none, odd or even/],
    ['serial:///dev/ttyS0?stop=3', /stop is 1 or 2/],
    ['serial:///dev/ttyS0?bits=7', /there is no setting 'bits'/],
    ['serial://dev/ttyS0', /wants the path of a device/],
  ]
  for (const [url, message] of refused) t.throws(() => consoleUrl(url), { code: 'CLI_USAGE', message }, url)
  t.equal(consoleUrl('/dev/ttyUSB0?baud=9600').href, 'serial:///dev/ttyUSB0?baud=9600')
})

t.test('a missing console is reported', async t => {
  const { port } = await listen(t, () => undefined)
  const line = await openConsole(`tcp://127.0.0.1:${port}`, ACTIVE)
  await line.close()
  t.equal(await line.ended, 'the other end has closed it')
  await t.rejects(openConsole('tcp://127.0.0.1:1', ACTIVE), { code: 'CONSOLE_GONE', message: /connection refused/ })
  await t.rejects(openConsole('serial:///dev/nothing', ACTIVE), { code: 'CONSOLE_GONE' })
  await t.rejects(openConsole(`tcp://127.0.0.1:${port}`, AbortSignal.abort(new Error('enough'))), /enough/)
})

t.test('raw TCP brings every byte both ways, and tells when it is gone', async t => {
  const { port } = await listen(t, socket => socket.pipe(socket))
  const line = await openConsole(`tcp://127.0.0.1:${port}`, ACTIVE)
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  await line.write(every)
  t.equal(await new Reader(line.input).read(256), every.toString('latin1'))
  await line.close()
  await t.rejects(line.write(every), { code: 'CONSOLE_GONE' })
})

t.test('what a board said before its console went is read to the end', async t => {
  const { port } = await listen(t, socket => socket.end('last words'))
  const line = await openConsole(`tcp://127.0.0.1:${port}`, ACTIVE)
  t.equal(await line.ended, 'the other end has closed it')
  t.equal(await new Reader(line.input).read(100), 'last words')
})

t.test('telnet: commands are taken out and answered, and 0xff is doubled', async t => {
  const said = '\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18\xff\xfb\x05login\xff\xff: \r\0\r\n\xff\xfa\x18\x01\xff\xf0end'
  const { port, first } = await listen(t, socket => {
    // Byte by byte: nothing may depend on what arrives together.
    for (const byte of Buffer.from(said, 'latin1')) socket.write(Uint8Array.of(byte))
  })
  const line = await openConsole(`telnet://127.0.0.1:${port}`, ACTIVE)
  t.equal(await new Reader(line.input).read(14), 'login\xff: \r\r\nend')
  const server = new Reader(await first)
  t.equal(await server.read(12), '\xff\xfd\x01\xff\xfd\x03\xff\xfc\x18\xff\xfe\x05', 'DO, DO, WONT, DONT')
  await line.write(Buffer.from('a\xffb\rc\r\nd', 'latin1'))
  t.equal(await server.read(10), 'a\xff\xffb\r\0c\r\nd')
  await line.close()
})

t.test('telnet: two sides that change their minds come to an end', async t => {
  const { port, first } = await listen(t, socket => {
    socket.write(
      Buffer.from('\xff\xfb\x03\xff\xfb\x03\xff\xfc\x03\xff\xfc\x03\xff\xfd\x00\xff\xfe\x00\xff\xfe\x00.', 'latin1'),
    )
  })
  const line = await openConsole(`telnet://127.0.0.1:${port}`, ACTIVE)
  t.equal(await new Reader(line.input).read(1), '.')
  await line.write(Buffer.from('.'))
  const server = new Reader(await first)
  t.equal(await server.read(13), '\xff\xfd\x03\xff\xfe\x03\xff\xfb\x00\xff\xfc\x00.')
  await line.close()
})

/** A server of RFC 2217 that answers every setting with `answer` of it. */
function serve2217(socket: Socket, asked: string[], answer: (body: readonly number[]) => readonly number[]): void {
  let input = Buffer.alloc(0)
  socket.on('data', chunk => {
    input = Buffer.concat([input, chunk])
    const text = input.toString('latin1')
    if (text.includes('\xff\xfb\x2c') && asked.length === 0) {
      asked.push('option')
      socket.write(Buffer.from('\xff\xfd\x00\xff\xfd\x2c', 'latin1'))
    }
    const settings = [...text.matchAll(/\xff\xfa\x2c([\s\S]*?)\xff\xf0/g)]
    for (const [, setting = ''] of settings.slice(asked.length - 1)) {
      const body = [...Buffer.from(setting.replaceAll('\xff\xff', '\xff'), 'latin1')]
      asked.push(body.join(' '))
      const [command = 0, ...value] = answer(body)
      socket.write(
        Uint8Array.from([
          255,
          250,
          44,
          command + 100,
          ...value.flatMap(byte => (byte === 255 ? [255, 255] : [byte])),
          255,
          240,
        ]),
      )
    }
  })
}

t.test('RFC 2217: the port is set, and then carries every byte', async t => {
  const asked: string[] = []
  const { port, first } = await listen(t, socket => {
    serve2217(socket, asked, body => body)
  })
  // 65535 has two bytes that are doubled on the way.
  const line = await openConsole(`rfc2217://127.0.0.1:${port}?baud=65535&parity=even&stop=2`, ACTIVE)
  t.same(asked, ['option', '1 0 0 255 255', '2 8', '3 3', '4 2', '5 1'])
  const socket = await first
  socket.write(Buffer.from('a\xff\xffb', 'latin1'))
  t.equal(await new Reader(line.input).read(3), 'a\xffb')
  await line.close()
})

t.test('RFC 2217: a server that does not do as asked is no console', async t => {
  const other = await listen(t, socket =>
    serve2217(socket, [], ([command = 0, ...value]) => [command, ...value.map(() => 7)]),
  )
  await t.rejects(openConsole(`rfc2217://127.0.0.1:${other.port}`, ACTIVE), {
    message: /did not set 115200 baud: it answers 7 7 7 7/,
  })
  const none = await listen(t, socket => socket.write(Buffer.from('\xff\xfe\x2c', 'latin1')))
  await t.rejects(openConsole(`rfc2217://127.0.0.1:${none.port}`, ACTIVE), {
    message: /does not allow setting the port/,
  })
  const gone = await listen(t, socket => socket.destroy())
  await t.rejects(openConsole(`rfc2217://127.0.0.1:${gone.port}`, ACTIVE), { code: 'CONSOLE_GONE' })
  const silent = await listen(t, () => undefined)
  const stop = new AbortController()
  const opening = openConsole(`rfc2217://127.0.0.1:${silent.port}`, stop.signal)
  stop.abort(new Error('enough'))
  await t.rejects(opening, /enough/)
})

/** A serial port whose other end is socat's. */
async function pseudoTerminal(t: Test): Promise<{ path: string; socat: ChildProcessWithoutNullStreams }> {
  const dir = t.testdir()
  const path = join(dir, 'tty')
  const watcher = watch(dir)
  const linked = once(watcher, 'change')
  const socat = spawn('socat', [`PTY,link=${path},raw,echo=0`, 'STDIO'])
  t.teardown(() => socat.kill())
  await linked
  watcher.close()
  t.ok(existsSync(path))
  return { path, socat }
}

t.test('a serial port carries what is said both ways, and tells when it is pulled out', needs('socat'), async t => {
  const { path, socat } = await pseudoTerminal(t)
  const line = await openConsole(`${path}?baud=9600`, ACTIVE)
  const reader = new Reader(line.input)
  socat.stdin.write('login: \xff')
  t.equal(await reader.read(9), 'login: \xc3\xbf')
  await line.write(Buffer.from('root\n'))
  t.equal(await new Reader(socat.stdout).read(5), 'root\n')
  await t.rejects(openConsole(path, ACTIVE), { code: 'CONSOLE_GONE' }, 'nobody else can have it')
  socat.kill()
  t.equal(await reader.read(1), '')
  t.not(await line.ended, '')
})

t.test('a serial port that was unplugged between two reads is reported, too', needs('socat'), async t => {
  const { path, socat } = await pseudoTerminal(t)
  const line = await openConsole(path, ACTIVE)
  socat.kill()
  // The kernel has hung up before the next read: that finds an end instead of an error.
  spawnSync('sleep', ['0.5'])
  t.equal(await new Reader(line.input).read(1), '')
  t.not(await line.ended, '')
})
