import { writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { FirstStageDeps } from '../../../../../agent/boot/card/first-stage.js'
import { boardWithCard, MemoryCard, RANGES, slotImage, start } from '../../../agent/boot/card/card-fixture.js'
import { startAgent } from '../../agent.js'
import { fauxboot } from '../../capture.js'

/** `sd.img`, as `fauxboot image` makes it. */
function sdImage(t: Test, { board = 'toy' } = {}): string {
  const card = new MemoryCard()
  card.bytes.set(slotImage(0xbb, { board }), RANGES.a.offset)
  const path = join(t.testdir({}), 'sd.img')
  writeFileSync(path, card.bytes)
  return path
}

/** A board behind one address, which starts again from its card. */
class Board {
  readonly card = new MemoryCard()
  restarts = 0
  /** requests whose connection is lost, once each */
  readonly losses = new Set<string>()
  #agent = ''
  #since = 0
  #server = createServer((incoming, answer) => {
    const { method, headers, url } = incoming
    if (this.#agent === '') return void answer.destroy()
    // The agents of a test share a process, which is older than the last start of the board.
    if (url === '/healthz') return void answer.end(JSON.stringify({ uptime: (performance.now() - this.#since) / 1000 }))
    if (this.losses.delete(`${method} ${url}`)) return void answer.destroy()
    const outgoing = request(`${this.#agent}${url}`, { method, headers, agent: false }, found => {
      answer.writeHead(found.statusCode ?? 0, found.headers)
      found.pipe(answer)
    })
    outgoing.on('error', () => answer.destroy())
    incoming.pipe(outgoing)
  })

  constructor(
    readonly t: Test,
    /** how often the power is switched before the agent is there */
    readonly startsAtOnce = 1,
  ) {}

  async powerOn(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    this.t.teardown(() => this.#server.close())
    await this.#start()
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async #start(): Promise<void> {
    const restart = async (): Promise<never> => {
      this.restarts++
      this.#agent = ''
      for (let count = 1; count < this.startsAtOnce; count++) start(this.card.bytes)
      await this.#start()
      return new Promise(() => undefined)
    }
    const { board } = await startAgent(this.t, {}, [], boot => {
      const deps: Partial<FirstStageDeps> = { withoutJobs: work => boot.withoutJobs(work), restart }
      return boardWithCard(this.t, this.card, deps).firstStage
    })
    this.#since = performance.now()
    this.#agent = board
  }
}

const updated = (argv: readonly string[]) => fauxboot(['update', ...argv])

t.test('update writes an image, restarts the board, and confirms what comes up', async t => {
  const board = new Board(t)
  const url = await board.powerOn()
  const { code, stdout, stderr } = await updated(['--board', url, '--image', sdImage(t)])
  t.equal(code, 0, stderr)
  t.match(stdout, 'updated: the board runs the new first stage from slot b')
  t.match(stderr, /^send image: 1\.5 MiB/m)
  t.match(stderr, /^slot b: written and compared, 1\.5 MiB$/m)
  t.equal(board.restarts, 1)
  t.strictSame(start(board.card.bytes), { slot: 'b', trial: false })
  const json = await updated(['--board', url, '--image', sdImage(t), '--json'])
  t.match(JSON.parse(json.stdout), { slot: 'a', size: 1_573_376, sha256: /^[0-9a-f]{64}$/, confirmed: true })
})

t.test('a connection that is lost is made again, twice and no more', async t => {
  const board = new Board(t)
  const url = await board.powerOn()
  for (const call of ['PUT /v1/first-stage', 'POST /v1/first-stage/confirm']) board.losses.add(call)
  const { code, stderr } = await updated(['--board', url, '--image', sdImage(t)])
  t.equal(code, 0, stderr)
  t.equal(stderr.match(/; once more$/gm)?.length, 2)
  board.losses.delete = () => true
  const lost = await updated(['--board', url, '--image', sdImage(t)])
  t.equal(lost.code, 2)
  t.equal(lost.stderr.match(/; once more$/gm)?.length, 2)
})

t.test('with --no-restart, it is only written; --confirm keeps it when the lab has restarted the board', async t => {
  const board = new Board(t)
  const url = await board.powerOn()
  const written = await updated(['--board', url, '--image', sdImage(t), '--no-restart', '--json'])
  t.match(JSON.parse(written.stdout), { slot: 'b', confirmed: false })
  t.equal(board.restarts, 0)
  const early = await updated(['--board', url, '--confirm'])
  t.equal(early.code, 1)
  t.match(early.stderr, 'no first stage is being tried')
  await fetch(`${url}/v1/first-stage/restart`, { method: 'POST' })
  while ((await fetch(`${url}/v1/first-stage`).catch(() => null))?.ok !== true || board.restarts === 0) await delay(10)
  const confirmed = await updated(['--board', url, '--confirm'])
  t.equal(confirmed.code, 0, confirmed.stderr)
  t.match(confirmed.stdout, 'confirmed: the board starts from slot b from now on')
})

t.test('a board that comes back with its old first stage is reported with exit code 2', async t => {
  const board = new Board(t, 2)
  const url = await board.powerOn()
  const { code, stderr } = await updated(['--board', url, '--image', sdImage(t)])
  t.equal(code, 2)
  t.match(stderr, /runs its old first stage again: the one in slot b did not come up/)
})

t.test('an image of another board is refused with exit code 1', async t => {
  const url = await new Board(t).powerOn()
  const { code, stderr } = await updated(['--board', url, '--image', sdImage(t, { board: 'other' }), '--json'])
  t.equal(code, 1)
  t.match(JSON.parse(stderr.trim().split('\n').at(-1) ?? ''), { code: 'UPDATE_REFUSED' })
})

t.test('files that are no image are refused before anything is sent', async t => {
  const path = sdImage(t)
  const bytes = new MemoryCard().bytes
  const files = { short: bytes.subarray(0, RANGES.a.offset + 9000), empty: Buffer.from(bytes).fill(0, RANGES.a.offset) }
  for (const [name, content] of Object.entries(files)) writeFileSync(`${path}-${name}`, content)
  const cases = [
    [`${path}-none`, /no such file/],
    [`${path}-short`, /sd\.img-short: ends \d+ bytes before the end of its first slot/],
    [`${path}-empty`, /its first slot holds no first stage/],
    ['package.json', /is no image of an SD card with two slots/],
  ] as const
  for (const [image, message] of cases) {
    const { code, stderr } = await updated(['--board', 'http://127.0.0.1:1', '--image', image])
    t.equal(code, 1)
    t.match(stderr, message)
  }
})

t.test('update without an image, or with a strange --wait, says what to type', async t => {
  t.match(await updated(['--board', 'http://127.0.0.1:1']), { code: 1, stderr: /use --image FILE/ })
  t.match(await updated(['--board', 'http://127.0.0.1:1', '--wait', 'x']), { code: 1, stderr: /a number of seconds/ })
})
