import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { zImage } from '../kexec/images.js'
import { eventsOf, Gate, IOMEM, jobOf, openBoard, statesOf } from './board-fixture.js'
import { body } from './fixture.js'

const DRY = jobOf({ kernel: { artifact: 'zImage' }, options: { dryRun: true } })
const DAY = 86_400_000

/** 1970 is where a board without a battery starts. In 2262 the kernel's nanoseconds end. */
const YEARS = [2026, 1970, 2262, 1999]

t.test('a clock that jumps by decades during a job changes no duration, no order and no outcome', async t => {
  let gate = new Gate()
  let year = 0
  const now = (): number => Date.UTC(YEARS[year] ?? 2026, 0, 1)
  const iomem = async (): Promise<string> => {
    await gate.pass()
    return IOMEM
  }
  const board = await openBoard(t, { deps: { now }, host: { iomem } })
  const { boot, config } = board
  await boot.artifacts.receive('zImage', body(zImage()))
  const ids: string[] = []
  for (const _ of YEARS) {
    gate = new Gate()
    const { id, created } = await boot.submit(DRY, 'http')
    t.equal(created, new Date(now()).toISOString())
    ids.push(id)
    await gate.entered
    year = (year + 1) % YEARS.length
    gate.open()
    const events = await eventsOf(boot, id)
    t.same(
      events.map(({ seq }) => seq),
      events.map((_event, index) => index + 1),
      'events are in the order in which they happened',
    )
    const { state, durations } = boot.get(id)
    t.equal(state, 'planned')
    for (const spent of Object.values(durations)) t.ok(spent >= 0 && spent < DAY, `${spent} ms`)
  }
  await boot.close()
  const again = await board.restart()
  t.same(
    again.boot
      .list()
      .map(({ id }) => id)
      .reverse(),
    ids,
    'jobs are in the order in which they came',
  )
  const [first = ''] = ids
  t.match(JSON.parse(await readFile(join(config.stateDir, `${first}.json`), 'utf8')), { view: { updated: /^1970-/ } })
  const next = await again.boot.submit(DRY, 'http')
  t.equal((await statesOf(again.boot, next.id)).at(-1), 'planned')
})

t.test('the oldest job is forgotten, and not the one with the earliest date', async t => {
  let year = 0
  const now = (): number => Date.UTC(YEARS[year] ?? 2026, 0, 1)
  const { boot } = await openBoard(t, { deps: { now }, config: { keptJobs: 1 } })
  await boot.artifacts.receive('zImage', body(zImage()))
  const first = await boot.submit(DRY, 'http')
  await eventsOf(boot, first.id)
  year = 1
  const second = await boot.submit(DRY, 'http')
  await eventsOf(boot, second.id)
  await boot.close()
  t.same(
    boot.list().map(({ id }) => id),
    [second.id],
  )
})
