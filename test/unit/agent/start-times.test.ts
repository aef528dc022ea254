import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { StartClock } from '../../../agent/start-times.js'

/** proc_pid_stat(5) of a process that started 5.91 s after the kernel, with a blank and a bracket in its name. */
const STAT = '151 (no de) x) S 1 151 151 0 -1 4194560 1 0 0 0 150 20 0 0 20 0 11 0 591 100000 5000 0'

t.test('the start times reach from the kernel to the first answer', async t => {
  const files = { systemd: join(t.testdir({}), 'systemd-start'), stat: join(t.testdirName, 'stat') }
  writeFileSync(files.stat, STAT)
  const clock = new StartClock(files)
  const early = clock.times()
  t.match(early, { systemd: null, process: 5.91, countdown: null, ready: null })
  clock.countdown()
  clock.ready()
  writeFileSync(files.systemd, 'UserspaceTimestampMonotonic=3513456\n')
  const { systemd, agent, countdown, ready } = clock.times() ?? {}
  t.equal(systemd, 3.51)
  t.equal(agent, early?.agent)
  t.ok(Number(agent) <= Number(countdown) && Number(countdown) <= Number(ready), `${agent} ${countdown} ${ready}`)
})

t.test('what systemd writes otherwise is no time', async t => {
  const files = { systemd: join(t.testdir({ systemd: 'UserspaceTimestampMonotonic=\n', stat: STAT }), 'systemd') }
  t.match(new StartClock({ ...files, stat: join(t.testdirName, 'stat') }).times(), { systemd: null, process: 5.91 })
})

t.test('a system that does not tell when a process started has no times', async t => {
  const none = join(t.testdir({}), 'none')
  t.equal(new StartClock({ systemd: none, stat: none }).times(), null)
})
