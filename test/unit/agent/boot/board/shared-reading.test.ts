import t from 'tap'
import { sharedReading } from '../../../../../agent/boot/board/shared-reading.js'

t.test('a reading serves all who ask while it is under way, and for a moment after it', async t => {
  let [now, count] = [0, 0]
  let finish = (): void => undefined
  const read = (): Promise<number> => new Promise(resolve => (finish = () => resolve(++count)))
  const shared = sharedReading(1000, read, () => now)
  const first = [shared(), shared()]
  now = 5000
  first.push(shared())
  finish()
  t.same(await Promise.all(first), [1, 1, 1])
  now = 5999
  t.equal(await shared(), 1)
  now = 6000
  const second = shared()
  finish()
  t.equal(await second, 2)
})

t.test('a failed reading counts as one', async t => {
  let [now, count] = [0, 0]
  const shared = sharedReading(
    1000,
    () => Promise.reject(new Error(`reading ${++count}`)),
    () => now,
  )
  await t.rejects(shared(), /reading 1/)
  await t.rejects(shared(), /reading 1/)
  now = 1000
  await t.rejects(shared(), /reading 2/)
})
