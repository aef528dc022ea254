import t from 'tap'
import { Job } from '../../../../../agent/boot/jobs/job-record.js'
import type { BoardClock } from '../../../../../agent/boot/pipeline/boot-deps.js'
import { advanceClock } from '../../../../../agent/boot/pipeline/clock.js'
import { jobOf } from '../board-fixture.js'

const TO = new Date('2037-06-01T00:00:00Z')

/** Whether the clock was set, and what the job's log says. */
async function advanced(clock?: BoardClock): Promise<{ set: boolean; lines: string[] }> {
  const job = Job.create('1a2b3c4d5e', 1, jobOf({ kernel: { artifact: 'zImage' } }), 'http', Date.now)
  const set = await advanceClock(job, clock, TO, 'lab:8443')
  const lines = job.record().events.flatMap(event => (event.type === 'log' ? [`${event.level}: ${event.message}`] : []))
  return { set, lines }
}

t.test('a job says that the clock is set, and by whom', async t => {
  const times: Date[] = []
  const { set, lines } = await advanced({ advance: async to => times.push(to) > 0 })
  t.ok(set)
  t.same(times, [TO])
  t.match(lines, [/^warning: the clock is set to 2037-06-01T00:00:00\.000Z from the Date of lab:8443/])
})

t.test('a job says why a clock cannot be set, and nothing of one that may not be', async t => {
  const refuse = async () => {
    throw new Error('setting the clock: EPERM')
  }
  t.match(await advanced({ advance: refuse }), { set: false, lines: [/^warning: the clock cannot be set: .*EPERM/] })
  for (const clock of [undefined, { advance: async () => false }])
    t.same(await advanced(clock), { set: false, lines: [] })
})
