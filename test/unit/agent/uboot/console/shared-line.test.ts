import t from 'tap'
import { SharedLine } from '../../../../../agent/uboot/console/shared-line.js'
import { TypedLine } from '../board-console.js'

const noop = () => undefined

t.test('watchers see what U-Boot prints, and what it printed before they came', async t => {
  const shared = new SharedLine()
  const terminal = new TypedLine()
  const line = shared.share(terminal)
  line.send('=> ')
  const seen: string[] = []
  const watching = shared.watch({ send: bytes => seen.push(bytes), resume: noop })
  t.equal(watching.recent, '=> ')
  line.send('version')
  watching.close()
  line.send('unseen')
  t.strictSame(seen, ['version'])
  t.equal(await terminal.shows('unseen'), '=> versionunseen', 'the terminal sees all of it')
})

t.test('only the latest is kept for those who come later', async t => {
  const shared = new SharedLine()
  const line = shared.share(new TypedLine())
  for (let index = 0; index < 100; index++) line.send('x'.repeat(1024))
  line.send('end')
  const { recent } = shared.watch({ send: noop, resume: noop })
  t.equal(recent.length, 16 * 1024)
  t.ok(recent.endsWith('xend'))
})

t.test(
  'what a watcher types arrives as if it came over the line, and the watcher waits when many bytes do',
  async t => {
    const shared = new SharedLine()
    const terminal = new TypedLine()
    const line = shared.share(terminal)
    let resumed = 0
    const watching = shared.watch({ send: noop, resume: () => resumed++ })
    t.equal(watching.type('early'), true, 'nobody listens yet')
    const typed: string[] = []
    line.receive(bytes => typed.push(bytes) < 2)
    terminal.type('from the lab')
    t.equal(watching.type('from the page'), false)
    t.strictSame(typed, ['from the lab', 'from the page'])
    line.resume()
    t.equal(resumed, 1)
  },
)

t.test('the next line takes the place of one that has ended; what is typed in between is lost', async t => {
  const shared = new SharedLine()
  const [first, second] = [new TypedLine(), new TypedLine()]
  const typed: string[] = []
  shared.share(first).receive(bytes => typed.push(`first ${bytes}`) > 0)
  const watching = shared.watch({ send: noop, resume: noop })
  first.hangUp()
  await first.ended
  await Promise.resolve()
  watching.type('lost')
  const line = shared.share(second)
  line.receive(bytes => typed.push(`second ${bytes}`) > 0)
  watching.type('x')
  t.strictSame(typed, ['second x'])
  t.equal(await line.damage?.(), null)
  t.equal(line.room(), null)
  await line.drained()
  line.close()
  t.ok(second.closed)
})
