import t from 'tap'
import type { SerialDamage } from '../../../../../agent/boot/board/serial-damage.js'
import { LineDamage } from '../../../../../agent/uboot/console/line-damage.js'

const NONE: SerialDamage = { overrun: 3, frame: 0, parity: 0, break: 0 }

t.test('only what the counters grew by since the last look is damage', async t => {
  let counters: SerialDamage | null = NONE
  const damage = new LineDamage(async () => counters)
  t.equal(await damage.take(), null, 'what was counted before the line was opened')
  counters = { overrun: 4, frame: 2, parity: 1, break: 2 }
  t.equal(await damage.take(), '1 overrun, 2 framing errors, 1 parity error, 2 breaks')
  t.equal(await damage.take(), null)
})

t.test('a line that counts nothing is never damaged, nor is one whose driver was loaded again', async t => {
  let counters: SerialDamage | null = null
  const damage = new LineDamage(async () => counters)
  t.equal(await damage.take(), null)
  counters = { ...NONE, break: 1 }
  t.equal(await damage.take(), null)
  counters = NONE
  t.equal(await damage.take(), null)
})
