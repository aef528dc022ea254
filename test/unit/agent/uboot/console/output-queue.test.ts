import { Writable } from 'node:stream'
import t, { type Test } from 'tap'
import { MOST_WAITING, OutputQueue } from '../../../../../agent/uboot/console/output-queue.js'

const HIGH_WATER = 4096

/** A stream that takes a write when the test says so. */
class SlowStream extends Writable {
  readonly taken: string[] = []
  #done: ((error?: Error) => void) | null = null

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.taken.push(bytes.toString('latin1'))
    this.#done = done
  }

  /** Take what was written. @returns false when nothing was */
  async take(error?: Error): Promise<boolean> {
    const done = this.#done
    this.#done = null
    done?.(error)
    await new Promise(setImmediate)
    return done !== null
  }

  async takeAll(): Promise<string> {
    while (await this.take());
    return this.taken.join('')
  }
}

function queueOf(t: Test, options: { stallMs?: number; overflow?: () => void } = {}) {
  const stream = new SlowStream()
  stream.on('error', () => stream.destroy())
  t.teardown(() => stream.destroy())
  let sent = 0
  const queue = new OutputQueue(stream, { sent: () => sent++, ...options })
  return { stream, queue, pieces: () => sent }
}

const settled = async (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>(resolve => setImmediate(resolve, false))])

t.test('bytes reach the stream in order, in pieces, and short texts together', async t => {
  const { stream, queue, pieces } = queueOf(t)
  const long = Array.from({ length: 10_000 }, (_, at) => String.fromCharCode(at % 256)).join('')
  for (const text of ['a', 'b', 'c', long, 'd', '']) queue.push(text)
  t.equal(queue.size, 10_004)
  t.equal(await stream.takeAll(), `abc${long}d`)
  t.same(
    stream.taken.map(({ length }) => length),
    [1, 4096, 4096, 1811],
  )
  t.same([queue.size, pieces()], [0, 4])
})

t.test('what the system takes at once passes the stream by, in order with the rest', async t => {
  const taken: string[] = []
  const takes = [3, 0, 2]
  const stream = new SlowStream()
  t.teardown(() => stream.destroy())
  const writeNow = (bytes: string): number => {
    const count = Math.min(takes.shift() ?? 0, bytes.length)
    if (count > 0) taken.push(bytes.slice(0, count))
    return count
  }
  const queue = new OutputQueue(stream, { sent: () => undefined, writeNow })
  queue.push('abc')
  t.same([taken, stream.taken, queue.size], [['abc'], [], 0])
  queue.push('defg')
  queue.push('hij')
  t.same([taken, stream.taken, queue.size], [['abc'], ['defg'], 7], 'nothing overtakes what the stream holds')
  await stream.take()
  t.same([taken, stream.taken, queue.size], [['abc', 'hi'], ['defg', 'j'], 1])
  await stream.take()
  t.equal(queue.size, 0)
})

t.test('there is room until 4 KiB wait, and again when less wait', async t => {
  const { stream, queue } = queueOf(t)
  queue.push('x'.repeat(HIGH_WATER))
  t.equal(queue.room(), null)
  queue.push('x')
  const room = queue.room()
  t.equal(queue.room(), room)
  t.equal(await settled(room ?? Promise.resolve()), false)
  await stream.take()
  t.equal(await settled(room ?? Promise.resolve()), true)
  t.equal(queue.room(), null)
})

t.test('the queue is empty when the last byte has reached the system', async t => {
  const { stream, queue } = queueOf(t)
  await queue.empty()
  queue.push('x'.repeat(5000))
  const [empty, another] = [queue.empty(), queue.empty()]
  await stream.take()
  t.equal(await settled(empty), false)
  await stream.take()
  await Promise.all([empty, another])
})

t.test('senders do not wait for a stalled stream, until it takes something', async t => {
  const { stream, queue } = queueOf(t, { stallMs: 1 })
  queue.push('x'.repeat(HIGH_WATER * 3))
  await queue.room()
  t.equal(queue.room(), null)
  await stream.take()
  t.not(queue.room(), null)
})

t.test('a stream that takes nothing holds a bounded number of bytes, the newest', async t => {
  let overflows = 0
  const { stream, queue } = queueOf(t, { stallMs: 1, overflow: () => overflows++ })
  queue.push('old'.repeat(HIGH_WATER))
  await queue.room()
  for (let count = 0; count < 100; count += 1) queue.push(String.fromCharCode(count).repeat(100_000))
  t.ok(queue.size <= MOST_WAITING + 100_000, `${queue.size} bytes`)
  t.equal(overflows, 9)
  queue.push('new')
  t.match(await stream.takeAll(), /new$/)
  t.equal(queue.size, 0)
})

t.test('much that was printed at once before the stream stalled is forgotten, too', async t => {
  const { queue } = queueOf(t, { stallMs: 1 })
  queue.push('x'.repeat(MOST_WAITING + 1))
  await queue.room()
  t.equal(queue.size, 4096)
})

t.test('a stream that fails or is closed takes no more, and its senders no longer wait', async t => {
  for (const end of ['error', 'close'] as const) {
    const { stream, queue, pieces } = queueOf(t)
    queue.push('x'.repeat(HIGH_WATER * 2))
    const waiting = [queue.room(), queue.empty()]
    if (end === 'error') await stream.take(new Error('EIO'))
    else stream.destroy()
    await Promise.all(waiting)
    queue.push('y')
    queue.end()
    t.same([queue.size, pieces()], [0, 0])
  }
})

t.test('a stream that ends is given the rest', async t => {
  const { stream, queue } = queueOf(t)
  queue.push('x'.repeat(5000))
  const empty = queue.empty()
  queue.end()
  t.equal(await stream.takeAll(), 'x'.repeat(5000))
  await empty
})
