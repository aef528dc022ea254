import t from 'tap'
import { UBootEnvironment } from '../../../../../agent/uboot/env/uboot-environment.js'

const environment = (variables: Record<string, string> = {}) =>
  new UBootEnvironment({ defaults: { bootdelay: '2', baudrate: '115200', ...variables } })

t.test('variables are listed by the values of their bytes', t => {
  const env = environment()
  for (const name of ['b', 'B', '\xe4', '.x', 'a']) env.set(name, '1')
  t.strictSame(env.names(), ['.x', 'B', 'a', 'b', 'baudrate', 'bootdelay', '\xe4'])
  env.set('b', null)
  t.strictSame(env.names(), ['.x', 'B', 'a', 'baudrate', 'bootdelay', '\xe4'])
  t.equal(env.get('B'), '1')
  t.equal(env.get('b'), undefined)
  t.end()
})

t.test('a name with = in it, and an empty one, are refused', t => {
  const env = environment()
  t.strictSame(env.set('a=b', 'c'), [`## Error: illegal character '=' in variable name "a=b"`])
  t.strictSame(env.set('', 'c'), ['## Error inserting "" variable, errno=22'])
  t.end()
})

t.test('the empty text of a program deletes, that of a user does not', t => {
  const env = environment()
  env.set('a', '')
  t.equal(env.get('a'), '')
  env.set('a', '', { origin: 'program' })
  t.equal(env.get('a'), undefined)
  t.end()
})

t.test('ethaddr is written once, and by force', t => {
  const env = environment()
  t.strictSame(env.set('ethaddr', '52:54:00:12:34:56'), [])
  t.strictSame(env.set('ethaddr', '00:11:22:33:44:55'), [
    `## Error: Can't overwrite "ethaddr"`,
    '## Error inserting "ethaddr" variable, errno=1',
  ])
  t.strictSame(env.set('ethaddr', null), [`## Error: Can't delete "ethaddr"`])
  t.strictSame(env.set('ethaddr', '00:11:22:33:44:55', { force: true }), [])
  t.strictSame(env.set('ethaddr', '00:11:22:33:44:66', { origin: 'program' }), [])
  t.strictSame(env.set('ethaddr', null, { force: true }), [])
  t.strictSame(env.set('eth12addr', 'nonsense'), [
    '## Error: flags type check failure for "eth12addr" <= "nonsense" (type: m)',
    '## Error inserting "eth12addr" variable, errno=1',
  ])
  t.end()
})

t.test('types are checked', t => {
  const env = environment({ '.flags': '(:d,dec:d,hex:x,flag:b, ip : i ,mac:m,odd:qq' })
  const good = { dec: '12', hex: '0xaF', flag: 'y', ip: '1.2.3.4', mac: '1:2:3:4:5:ff', odd: 'any' }
  const bad = { dec: '1a', hex: '0x', flag: 'yes', ip: '1.2.3', mac: '1:2:3:4:5' }
  for (const [name, value] of Object.entries(good)) t.strictSame(env.set(name, value), [], name)
  for (const [name, value] of Object.entries(bad)) t.equal(env.set(name, value).length, 2, name)
  t.strictSame(env.set('ipaddr', 'x'), [
    '## Error: flags type check failure for "ipaddr" <= "x" (type: i)',
    '## Error inserting "ipaddr" variable, errno=1',
  ])
  t.end()
})

t.test('read-only variables cannot be created, and default ones are changed once', t => {
  const env = environment({ '.flags': 'ro:sr,once:sc', once: 'a' })
  t.strictSame(env.set('ro', '1'), [`## Error: Can't create "ro"`, '## Error inserting "ro" variable, errno=1'])
  t.strictSame(env.set('once', 'b'), [])
  t.strictSame(env.set('once', 'c'), [
    'oldval: b  defval: a',
    `## Error: Can't overwrite "once"`,
    '## Error inserting "once" variable, errno=1',
  ])
  env.set('plain', '1')
  env.set('.flags', 'plain:sr')
  t.strictSame(env.set('plain', '2')[0], `## Error: Can't overwrite "plain"`)
  env.set('.flags', 'new:sc')
  env.set('new', 'x', { force: true })
  t.strictSame(env.set('new', 'y')[0], 'oldval: x  defval: ')
  t.end()
})

t.test('baudrate and the console take only what is there', t => {
  const env = environment({ stdout: 'serial' })
  t.strictSame(env.set('baudrate', '12345'), [
    '## Baudrate 12345 bps not supported',
    '## Error inserting "baudrate" variable, errno=22',
  ])
  t.strictSame(env.set('baudrate', '9600'), [])
  t.strictSame(env.set('baudrate', null), ['## Baudrate may not be deleted'])
  t.strictSame(env.set('stdout', 'nosuch'), ['## Error inserting "stdout" variable, errno=22'])
  t.strictSame(env.set('stdout', 'nosuch,serial'), [])
  t.strictSame(env.set('stdout', null), [`Can't delete "stdout"`])
  env.set('.callbacks', 'speed:baudrate')
  t.equal(env.set('speed', '1').length, 2)
  env.set('.callbacks', 'speed:loadaddr')
  t.strictSame(env.set('speed', '1'), [])
  t.end()
})

t.test('variables cannot fill the memory', t => {
  const env = environment()
  t.strictSame(env.set('a', 'x'.repeat(900_000)), [])
  t.strictSame(env.set('b', 'x'.repeat(200_000)), ['## Error inserting "b" variable, errno=12'])
  t.strictSame(env.set('a', null), [])
  t.strictSame(env.set('b', 'x'.repeat(200_000)), [])
  t.end()
})

t.test('an import takes what it is asked for', t => {
  const env = environment({ a: '1', b: '2' })
  const entries = [
    ['a', '10'],
    ['b', null],
    ['c', '30'],
  ] as const
  env.import(entries, { only: ['a'] })
  t.strictSame([env.get('a'), env.get('b'), env.get('c')], ['10', '2', undefined])
  t.strictSame(env.import(entries, { only: ['c', 'bootdelay', 'none'], clear: true }).lines, [
    "WARNING: 'bootdelay' not in imported env, deleting it!",
    "WARNING: 'none' neither in running nor in imported env!",
  ])
  t.strictSame(env.names(), ['a', 'b', 'baudrate', 'c'])
  env.import(entries)
  t.equal(env.get('b'), undefined)
  env.import(entries, { clear: true })
  t.strictSame(env.names(), ['a', 'c'])
  env.set('ethaddr', '1:2:3:4:5:6')
  t.strictSame(env.import([['ethaddr', '1:2:3:4:5:7']]).lines, [
    `## Error: Can't overwrite "ethaddr"`,
    `himport_r: can't insert "ethaddr=1:2:3:4:5:7" into hash table`,
  ])
  t.strictSame(env.import([['ethaddr', null]]).lines, [`## Error: Can't delete "ethaddr"`])
  t.equal(env.import([['', 'value']]).complete, false)
  t.end()
})

t.test('a saved environment replaces the default one, until a reset', t => {
  const env = environment()
  t.equal(env.isDefault, true)
  env.restore(new Map([['only', '1']]))
  t.strictSame([env.isDefault, env.names()], [false, ['only']])
  env.reset()
  t.strictSame([env.isDefault, env.names()], [true, ['baudrate', 'bootdelay']])
  t.equal(env.capacity, 0xfffc)
  t.equal(env.store, null)
  t.end()
})
