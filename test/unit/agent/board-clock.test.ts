import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createBoardClock } from '../../../agent/board-clock.js'

const DAY = 86_400_000

/** A setter that answers as given. */
async function setter(t: Test, answers: readonly string[] = []) {
  // The name of a Unix socket has at most 107 bytes, so not in `t.testdir()`.
  const folder = mkdtempSync(join(tmpdir(), 'fauxboot-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const left = [...answers]
  const requests: string[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.once('data', request => requests.push(String(request)))
    socket.once('end', () => socket.end(left.shift() ?? ''))
  })
  const path = join(folder, 'setter')
  await new Promise<void>(resolve => server.listen(path, resolve))
  t.teardown(() => server.close())
  const synchronized = join(folder, 'synchronized')
  return { requests, synchronized, path, clock: createBoardClock({ synchronized, setter: path }) }
}

t.test('the clock goes forward only, by 20 years at most, and not once a time server has set it', async t => {
  const { requests, synchronized, clock } = await setter(t, ['set\n', 'set\n'])
  const tomorrow = new Date(Math.floor(Date.now() / 1000) * 1000 + DAY + 999)
  t.ok(await clock.advance(tomorrow))
  t.same(requests, [`${(tomorrow.getTime() - 999) / 1000}\n`], 'whole seconds, and never more than the server said')
  for (const days of [-1, 20 * 366, Number.NaN])
    t.notOk(await clock.advance(new Date(Date.now() + days * DAY)), `${days} days`)
  t.ok(await clock.advance(new Date(Date.now() + 20 * 365 * DAY)))
  writeFileSync(synchronized, '')
  t.notOk(await clock.advance(tomorrow))
  t.equal(requests.length, 2)
})

t.test('a clock that is kept stays; one that cannot be set says why', async t => {
  const { clock } = await setter(t, ['kept\n', 'date: Operation not permitted\n', ''])
  const tomorrow = new Date(Date.now() + DAY)
  t.notOk(await clock.advance(tomorrow))
  await t.rejects(clock.advance(tomorrow), { code: 'INTERNAL', message: /setting the clock: date: Operation not perm/ })
  await t.rejects(clock.advance(tomorrow), { message: /no answer/ })
  const alone = createBoardClock({ synchronized: '/nonexistent', setter: '/nonexistent' })
  await t.rejects(alone.advance(tomorrow), { code: 'ENOENT' }, 'a system without the setter')
})
