import t, { type Test } from 'tap'
import { dateCommands } from '../../../../../../agent/uboot/commands/board/date.js'
import type { Command } from '../../../../../../agent/uboot/machine/machine.js'
import { bench } from '../../run-command.js'

const say: Command = {
  name: 'say',
  maxArgs: 3,
  summary: 'say a word',
  usage: 'word',
  run(machine, { args: [, word = ''] }) {
    machine.out.write(`${word}\n`)
    return word === 'bad' ? 1 : 0
  },
}
const setUp = (t: Test) => bench(t, [...dateCommands, say])

t.test('date tells the time, and keeps what it was set to', async t => {
  const { type } = setUp(t)
  t.equal(await type('date'), 'Date: 2026-11-23 (Monday)    Time:  9:20:51\n')
  for (const [set, shown] of [
    ['01021304', '2026-01-02 (Friday)    Time: 13:04:00'],
    ['0102130425', '2025-01-02 (Thursday)    Time: 13:04:00'],
    ['010213042031.59', '2031-01-02 (Thursday)    Time: 13:04:59'],
    ['reset', '2000-01-01 (Saturday)    Time:  0:00:00'],
  ] as const) {
    const reset = set === 'reset' ? 'Reset RTC...\n' : ''
    t.equal(await type(`date ${set}`), `${reset}Date: ${shown}\n`)
  }
  t.equal(await type('date'), 'Date: 2000-01-01 (Saturday)    Time:  0:00:00\n')
})

t.test('an invalid date is refused', async t => {
  const { type } = setUp(t)
  for (const set of ['', 'x', '0102', '13011200', '02301200', '01012400', '01011260', '01011200.5'])
    t.equal(await type(`date "${set}"`), '## Bad date format\n', set)
})

t.test('time runs a command and says how long it took', async t => {
  const { type } = setUp(t)
  t.match(await type('time say hello'), /^hello\n\ntime: \d+\.\d\d\d seconds\n$/)
  t.match(await type('time say bad'), /^1: bad\n\ntime: \d+\.\d\d\d seconds\n$/)
  t.match(await type('time nosuch'), /^1: Unknown command 'nosuch' - try 'help'\n\ntime: /)
  t.equal(await type('time'), 'usage of time\n')
})

t.test('timer tells the seconds since it was started', async t => {
  const { type } = setUp(t)
  t.equal(await type('timer start'), '')
  t.match(await type('timer get'), /^\d+\.\d{3}\n$/)
  t.match(await type('timer'), 'timer')
})
