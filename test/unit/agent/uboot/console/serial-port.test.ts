import { PassThrough } from 'node:stream'
import t from 'tap'
import { fault } from '../../../../../agent/errors.js'
import { pause } from '../../../../../agent/transfer/abort.js'
import { SerialPort } from '../../../../../agent/uboot/console/serial-port.js'
import { StreamLine } from '../../../../../agent/uboot/console/stream-line.js'
import { NativeError } from '../../../../../native/errors.js'

const path = '/dev/ttyS0'

const refusal = (code: string) =>
  fault('CONSOLE_LINE', { path, reason: code }, Object.assign(new Error(code), { code, errno: -5, syscall: 'write' }))

interface Attempts {
  readonly port: SerialPort
  readonly log: string[]
  /** milliseconds of each wait */
  readonly waits: number[]
  readonly lines: StreamLine[]
  /** resolves when every attempt was made, and the next one is waited for */
  readonly made: Promise<void>
}

/** A port that answers each attempt from a list: with an error, or with a line. */
function attempts(answers: readonly (Error | StreamLine)[]): Attempts {
  const left = [...answers]
  const log: string[] = []
  const waits: number[] = []
  const lines: StreamLine[] = []
  const note = (fields: object, message: string): void => {
    log.push('reason' in fields ? `${message}: ${fields.reason}` : message)
  }
  let finish: () => void = () => {}
  const made = new Promise<void>(resolve => (finish = resolve))
  const port = new SerialPort({
    path,
    open() {
      const answer = left.shift()
      if (answer instanceof StreamLine) return answer
      throw answer
    },
    connected: line => void lines.push(line),
    log: { info: note, error: note },
    async wait(milliseconds, signal) {
      signal?.throwIfAborted()
      waits.push(milliseconds)
      if (left.length > 0) return
      finish()
      await pause(1_000_000, signal)
    },
  })
  t.teardown(() => port.close())
  return { port, log, waits, lines, made }
}

/** A line whose port hangs up at once. */
function hungUp(): StreamLine {
  const input = new PassThrough()
  input.end()
  input.resume()
  return new StreamLine(path, input, new PassThrough())
}

const GONE = 'the serial console is gone; it is used when it is there again'
const UNUSABLE = 'cannot be used: EIO; check that it exists, and that no other program uses it'
const THERE = 'the serial console is there'

t.test('a port without hardware is opened again until it is there, with one message for each change', async t => {
  const { made, log, waits, lines } = attempts([...Array.from({ length: 7 }, () => refusal('EIO')), hungUp()])
  await made
  t.strictSame(waits, [100, 200, 400, 800, 1600, 2000, 2000, 2000])
  t.equal(lines.length, 1)
  t.strictSame(log, [`${GONE}: the console ${path} ${UNUSABLE}`, THERE, `${GONE}: it hung up`])
})

t.test('a port that hangs up is opened again, whatever opening it says', async t => {
  const { made, log, lines } = attempts([hungUp(), new Error('EMFILE'), refusal('ENOENT'), hungUp(), refusal('ENXIO')])
  await made
  t.equal(lines.length, 2)
  t.strictSame(log, [`${GONE}: it hung up`, THERE, `${GONE}: it hung up`])
})

t.test('a path that is no terminal is refused at once', async t => {
  const isNone = new NativeError(
    'rawTty(9)',
    Object.assign(new Error(), { code: 'ENOTTY', errno: -25, syscall: 'ioctl' }),
  )
  t.throws(() => attempts([fault('CONSOLE_LINE', { path, reason: isNone.message }, isNone)]), { code: 'CONSOLE_LINE' })
})

t.test('a port that is closed is opened no more, whether it is waited for or open', async t => {
  const waiting = attempts([refusal('ENODEV')])
  await waiting.made
  waiting.port.close()
  const line = new StreamLine(path, new PassThrough(), new PassThrough())
  const open = attempts([line])
  open.port.close()
  line.close()
  await line.ended
  await new Promise(setImmediate)
  t.strictSame([waiting.waits, open.waits, open.log], [[100], [], []])
})
