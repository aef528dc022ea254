import t from 'tap'
import { prepare } from '../../../../lava/demo/preparation.js'
import { Stopwatch } from '../../../../lava/demo/stopwatch.js'

t.test('the parts of a demonstration are summed up', t => {
  const stopwatch = new Stopwatch()
  stopwatch.lap('upload', '5 MiB')
  stopwatch.lap('boot')
  const rows = stopwatch.summary().split('\n')
  t.match(rows[0], /^PART +TIME$/)
  t.match(rows[1], /^upload +\d+\.\d\d s +5 MiB$/)
  t.match(rows[2], /^boot +\d+\.\d\d s$/)
  t.match(rows[3], /^total +\d+\.\d\d s$/)
  t.end()
})

t.test('the error of a preparation is the error of the program that prepares', async t => {
  const wanted = { board: 'nonsense', token: 'x' }
  await t.rejects(prepare(wanted, new AbortController().signal), {
    code: 'BOARD_UNKNOWN',
    message: /there is no board nonsense/,
  })
})

t.test('a preparation that is interrupted ends its program', async t => {
  const stop = new AbortController()
  const preparing = prepare({ board: 'virt', token: 'x' }, stop.signal)
  stop.abort(new Error('enough'))
  await t.rejects(preparing, { message: 'enough' })
  await t.rejects(prepare({ board: 'virt', token: 'x' }, stop.signal), { message: 'enough' })
})
