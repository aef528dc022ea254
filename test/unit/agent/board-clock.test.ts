import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createBoardClock } from '../../../agent/board-clock.js'

const DAY = 86_400_000

t.test('the clock goes forward only, by 20 years at most, and not once a time server has set it', async t => {
  const synchronized = join(t.testdir(), 'synchronized')
  const sets: number[] = []
  const clock = createBoardClock({ synchronized, set: seconds => sets.push(seconds) })
  const tomorrow = new Date(Math.floor(Date.now() / 1000) * 1000 + DAY + 999)
  t.ok(clock.advance(tomorrow))
  t.same(sets, [(tomorrow.getTime() - 999) / 1000], 'whole seconds, and never more than the server said')
  for (const days of [-1, 20 * 366, Number.NaN])
    t.notOk(clock.advance(new Date(Date.now() + days * DAY)), `${days} days`)
  t.ok(clock.advance(new Date(Date.now() + 20 * 365 * DAY)))
  writeFileSync(synchronized, '')
  t.notOk(clock.advance(tomorrow))
  t.equal(sets.length, 2)
})
