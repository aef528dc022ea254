import t from 'tap'
import { Job } from '../../../../../agent/boot/jobs/job-record.js'

const YEAR = 365 * 86_400_000

t.test('a clock that is set while a job runs changes its time stamps, not the time spent in a state', async t => {
  let now = Date.UTC(2026, 0)
  const request = {
    kernel: { artifact: 'zImage' },
    overlays: [],
    cmdline: '',
    options: { dryRun: false, force: false, queue: false },
  }
  const job = Job.create('1a2b3c4d5e', 1, request, 'http', () => now)
  now += YEAR
  t.ok(job.enter('fetching') < YEAR)
  t.equal(job.view().updated, '2027-01-01T00:00:00.000Z')
  now -= 2 * YEAR
  t.ok((job.view().durations.fetching ?? -1) >= 0)
})
