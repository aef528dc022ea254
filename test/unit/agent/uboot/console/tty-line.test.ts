import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs'
import { extname, join } from 'node:path'
import t, { type Test } from 'tap'
import { pause } from '../../../../../agent/transfer/abort.js'
import { openTty } from '../../../../../agent/uboot/console/tty-line.js'
import { drainTty, rawTty } from '../../../../../native/index.js'
import { fileNeeds, needs } from '../../../../peer.js'

fileNeeds('script', 'addon')

const quoted = (words: readonly string[]): string => words.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ')

t.test('a terminal passes every byte as it is, ^C and line ends too, and echoes nothing', async t => {
  const program = [
    process.execPath,
    ...process.execArgv,
    join(import.meta.dirname, `tty-echo${extname(import.meta.filename)}`),
  ]
  const script = spawn('script', ['-qefc', quoted(program), '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(script, 'close')
  let shown = ''
  script.stdout.setEncoding('latin1').on('data', (text: string) => {
    shown += text
    if (shown === 'raw\n') script.stdin.write('\x03\x04\x1a\r\n\x11\x13\xffq', 'latin1')
  })
  const [status] = await ended
  t.equal(shown, 'raw\n03041a0d0a1113ff71', 'all of it has left before the program ended')
  t.equal(status, 0)
})

t.test('a path that is missing or not a terminal is refused', async t => {
  const path = join(t.testdir({ file: '' }), 'file')
  t.throws(() => openTty(path, { rawTty, drainTty }), {
    code: 'CONSOLE_LINE',
    message: new RegExp(`^the console ${path} cannot be used: rawTty\\(\\d+\\) failed: ENOTTY`),
  })
  t.throws(() => openTty('/dev/ttyNowhere', { rawTty, drainTty }), {
    code: 'CONSOLE_LINE',
    message: /^the console \/dev\/ttyNowhere cannot be used: ENOENT/,
  })
})

/** A line on a terminal whose other end is socat. */
async function lineToSocat(t: Test) {
  const path = join(t.testdir(), 'tty')
  const socat = spawn('socat', [`PTY,link=${path},rawer`, 'STDIO'])
  t.teardown(() => socat.kill())
  while (!existsSync(path)) await pause(10, undefined)
  const line = openTty(path, { rawTty, drainTty })
  line.receive(() => true)
  return { line, path, socat }
}

t.test('a terminal that hangs up ends its line, and is not drained any more', needs('socat'), async t => {
  const { line, socat } = await lineToSocat(t)
  line.send('x')
  await once(socat.stdout, 'data')
  socat.kill('SIGKILL')
  await line.ended
  t.equal(line.hasSent, true)
  line.send('y')
  await line.drained()
})

t.test('an unread or slow terminal holds nothing up and loses no byte', needs('socat'), async t => {
  const { line, socat } = await lineToSocat(t)
  const lines = Array.from({ length: 50_000 }, (_, index) => `line ${index}\r\n`).join('')
  line.send(lines)
  // A write that waits for the terminal would stop everything here: more than all buffers hold is on its way.
  await pause(10, undefined)
  t.not(line.room(), null)
  const shown: Buffer[] = []
  let left = lines.length
  for await (const bytes of socat.stdout.iterator({ destroyOnReturn: false })) {
    shown.push(bytes)
    left -= bytes.length
    if (left <= 0) break
  }
  t.ok(Buffer.concat(shown).equals(Buffer.from(lines)))
  await line.drained()
  t.equal(line.room(), null)
})

t.test('what is sent to a full terminal waits for it', needs('socat'), async t => {
  const { line, path, socat } = await lineToSocat(t)
  const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  t.teardown(() => closeSync(filler))
  const fill = (): number => {
    try {
      return writeSync(filler, Buffer.alloc(4096, '.'))
    } catch {
      return 0
    }
  }
  // socat passes bytes on until its own output is full, which nobody reads.
  for (let full = 0; full < 20; full = fill() > 0 ? 0 : full + 1) await pause(5, undefined)
  line.send('!')
  let shown = ''
  for await (const bytes of socat.stdout.iterator({ destroyOnReturn: false })) {
    shown += bytes
    if (shown.endsWith('!')) break
  }
  t.match(shown, /^\.+!$/)
})

t.test('errors of the addon are reported', async t => {
  const calls = {
    rawTty: () => {
      throw 'no addon'
    },
    drainTty: async () => {},
  }
  t.throws(() => openTty('/dev/null', calls), { message: 'the console /dev/null cannot be used: no addon' })
})
