import t from 'tap'
import type { LineCounters } from '../../../../../agent/uboot/console/console-line.js'
import { LineDamage } from '../../../../../agent/uboot/console/line-damage.js'

const NONE: LineCounters = { overrun: 3, frame: 0, parity: 0, brk: 0 }

t.test('only what the counters grew by since the last look is damage', async t => {
  let counters: LineCounters | null = NONE
  const damage = new LineDamage(() => counters)
  t.equal(damage.take(), null, 'what was counted before the line was opened')
  counters = { overrun: 4, frame: 2, parity: 1, brk: 2 }
  t.equal(damage.take(), '1 overrun, 2 framing errors, 1 parity error, 2 breaks')
  t.equal(damage.take(), null)
})

t.test('a line that counts nothing is never damaged, nor is one whose driver was loaded again', async t => {
  let counters: LineCounters | null = null
  const damage = new LineDamage(() => counters)
  t.equal(damage.take(), null)
  counters = { ...NONE, brk: 1 }
  t.equal(damage.take(), null)
  counters = NONE
  t.equal(damage.take(), null)
})
