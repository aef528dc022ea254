import t, { type Test } from 'tap'
import { memoryDisplayCommands } from '../../../../../../agent/uboot/commands/memory/memory-display.js'
import { memoryFillCommands } from '../../../../../../agent/uboot/commands/memory/memory-fill.js'
import { memoryModifyCommands } from '../../../../../../agent/uboot/commands/memory/memory-modify.js'
import { memoryTestCommands } from '../../../../../../agent/uboot/commands/memory/memory-test.js'
import { MEMORY_CHUNK } from '../../../../../../agent/uboot/hardware/memory.js'
import { bench } from '../../run-command.js'

const COMMANDS = [...memoryDisplayCommands, ...memoryFillCommands, ...memoryModifyCommands, ...memoryTestCommands]
const setUp = (t: Test, answers: (string | null)[] = []) => bench(t, COMMANDS, {}, answers)

t.test('mw fills and md shows, in every unit', async t => {
  const { type } = setUp(t)
  t.equal(await type('mw.l 42000000 12345678 10'), '')
  t.equal(await type('md 42000000 4'), '42000000: 12345678 12345678 12345678 12345678  xV4.xV4.xV4.xV4.\n')
  t.equal(
    await type('md.b 42000000 14'),
    '42000000: 78 56 34 12 78 56 34 12 78 56 34 12 78 56 34 12  xV4.xV4.xV4.xV4.\n' +
      '42000010: 78 56 34 12                                      xV4.\n',
  )
  t.equal(await type('md.w 42000000 5'), '42000000: 5678 1234 5678 1234 5678                 xV4.xV4.xV\n')
  t.equal(await type('md.l 42000000 1'), '42000000: 12345678                             xV4.\n')
  await type('mw.b 42000001 ff')
  t.equal(await type('md.b 42000000 4'), '42000000: 78 ff 34 12                                      x.4.\n')
  await type('mw.w 42000000 1abcd 2')
  t.equal(await type('md.w 42000000 4'), '42000000: abcd abcd 5678 1234                      ....xV4.\n')
  await type('mw 42000000 1')
  t.equal(await type('md 42000000 1'), '42000000: 00000001                             ....\n')
})

t.test('md goes on where it was, with the unit and the length it had', async t => {
  const { type } = setUp(t)
  await type('mw.b 42000000 41 20')
  await type('md.b 42000000 8')
  t.equal(
    await type('md.b 42000000 8', { repeated: true }),
    '42000008: 41 41 41 41 41 41 41 41                          AAAAAAAA\n',
  )
  t.equal(
    (await type('md 42000000')).length,
    2 * '42000000: 41414141 41414141 41414141 41414141  AAAAAAAAAAAAAAAA\n'.length,
  )
  t.match(await type('md.b 42000000', { repeated: true }), /^42000020: 00000000 /)
})

t.test('units that a 32-bit machine has not are refused without a word', async t => {
  const { type } = setUp(t)
  for (const line of [
    'md.q 42000000 2',
    'md.z 42000000',
    'mw.q 1 1',
    'cmp.q 1 1 1',
    'cp.s 1 1 1',
    'mm.q 1',
    'loop.q 1 1',
  ])
    t.equal(await type(line), '1: ', line)
})

t.test('commands without what they need show their usage', async t => {
  const { type } = setUp(t)
  for (const line of [
    'md',
    'mw',
    'mw 1',
    'cmp 1 2',
    'cp 1',
    'cp 1 2',
    'mm',
    'nm',
    'loop',
    'loop 1',
    'strings',
    'mtest x',
  ])
    t.equal(await type(line), `usage of ${line.replace(/ .*/, '')}\n`, line)
})

t.test('an address outside DRAM aborts', async t => {
  const { type } = setUp(t)
  for (const line of ['md 0', 'mw 7ffffffe 1', 'cp 0 42000000 1', 'mm 0', 'loop 0 1', 'mtest 0 1000', 'strings 0'])
    await t.rejects(type(line), { code: 'UBOOT_MEMORY' }, line)
})

t.test('cp copies, and cmp finds the first difference', async t => {
  const { type } = setUp(t)
  await type('mw.l 42000000 12345678 4')
  t.equal(await type('cp.b 42000000 42001000 10'), '')
  t.equal(await type('cmp.b 42000000 42001000 10'), 'Total of 16 byte(s) were the same\n')
  await type('mw.b 42001005 0')
  t.equal(
    await type('cmp.b 42000000 42001000 10'),
    '1: byte at 0x42000005 (0x56) != byte at 0x42001005 (0x0)\nTotal of 5 byte(s) were the same\n',
  )
  t.equal(
    await type('cmp.l 42000000 42001000 4'),
    '1: word at 0x42000004 (0x12345678) != word at 0x42001004 (0x12340078)\nTotal of 1 word(s) were the same\n',
  )
  t.match(
    await type('cmp.w 42000000 42001000 8'),
    /^1: halfword at 0x42000004 \(0x5678\) != halfword at 0x42001004 \(0x78\)\n/,
  )
  await type('mw 42002000 5')
  t.match(await type('cmp 42002000 42003000 1'), /^1: word at 0x42002000 \(0x05\) != word at 0x42003000 \(0x00\)\n/)
  t.equal(await type('cp 42000000 42001000 0'), '1: Zero length ???\n')
})

t.test('cp survives that source and target overlap, in both directions', async t => {
  const { type, machine } = setUp(t)
  const bytes = Buffer.from(Uint8Array.from({ length: MEMORY_CHUNK + 5000 }, (_, index) => index % 251))
  for (const [source, target] of [
    [0x4200_0000, 0x4200_0100],
    [0x4300_0100, 0x4300_0000],
  ] as const) {
    machine.memory.write(source, bytes)
    await type(`cp.b ${source.toString(16)} ${target.toString(16)} ${bytes.length.toString(16)}`)
    t.ok(machine.memory.read(target, bytes.length).equals(bytes))
  }
})

t.test('base is added to addresses', async t => {
  const { type } = setUp(t)
  t.equal(await type('base'), 'Base Address: 0x00000000\n')
  t.equal(await type('base 42000000'), 'Base Address: 0x42000000\n')
  await type('mw.b 10 41')
  t.equal(await type('md.b 10 1'), '42000010: 41                                               A\n')
  await type('base ffffffff')
  t.match(await type('md.b 42000011 1'), /^42000010: 41 /)
})

t.test('mm advances, goes back with -, and ends at text that is not a number', async t => {
  const { type } = setUp(t, ['11', '', '-', 'q', '0x22', null])
  await type('mw.b 42000000 ff 4')
  t.equal(await type('mm.b 42000000'), '42000000: ff ? 42000001: ff ? 42000002: ff ? 42000001: ff ? ')
  t.equal(await type('mm.b 42000000', { repeated: true }), '42000001: ff ? 42000002: ff ? ')
  t.match(await type('md.b 42000000 4'), /^42000000: 11 22 ff ff /)
})

t.test('nm stays where it is, and ends with ^C', async t => {
  const { type } = setUp(t, ['22', '', null])
  t.equal(await type('nm 42000000'), '42000000: 00000000 ? 42000000: 00000022 ? 42000000: 00000022 ? ')
})

t.test('strings end at a NUL, and the list at two', async t => {
  const { type, machine } = setUp(t)
  const long = 'x'.repeat(5000)
  machine.memory.write(0x4200_0000, Buffer.from(`one\0two\0${long}\0\0more\0`))
  t.equal(await type('strings 42000000'), `one\ntwo\n${long}\n`)
  t.equal(await type('strings 42000000 5'), 'one\ntwo\n')
  t.equal(await type('strings 42000000 5', { repeated: true }), `${long}\n`)
  machine.memory.write(0x7fff_fffe, Buffer.from('ab'))
  await t.rejects(type('strings 7ffffffe'), { code: 'UBOOT_MEMORY' })
})

t.test('mtest writes patterns and reads them back', async t => {
  const { type, machine } = setUp(t)
  const back = '\b'.repeat(10)
  t.equal(
    await type('mtest 42000000 42001000 0 2'),
    'Testing 42000000 ... 42001000:\n' +
      `Iteration:      1\r\rPattern 00000000  Writing...            ${back}Reading...` +
      `Iteration:      2\r\rPattern FFFFFFFF  Writing...            ${back}Reading...` +
      '\nTested 2 iteration(s) with 0 errors.\n',
  )
  t.equal(machine.memory.read(0x4200_0000, 8).toString('hex'), 'fffffffffeffffff')
  t.match(await type('mtest 42000000 42000010 ffffffff 2'), /Iteration: {6}2\r\rPattern 00000001 /)
  t.match(await type('mtest 42000000 42000010 5 1'), /^Testing 42000000 \.\.\. 42000010:\n/)
  t.equal(await type('mtest 42001000 42000000'), 'usage of mtest\nRefusing to do empty test\n')
})

t.test('mtest tells of memory that forgets', async t => {
  const { machine } = setUp(t)
  const { memory } = machine
  const forgetful = new Proxy(memory, {
    get(target, name) {
      if (name === 'read') return (address: number, size: number) => target.read(address, size).fill(0, 4, 8)
      // The machine that it belongs to closes it.
      if (name === 'close') return () => undefined
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const { type } = bench(t, COMMANDS, { memory: forgetful })
  t.match(
    await type('mtest 42000000 42000010 0 1'),
    /^1: .*Reading\.\.\.\nMem error @ 0x42000004: found 00000000, expected 00000001\n\nTested 1 iteration\(s\) with 1 errors\.\n$/s,
  )
})

t.test('md and strings wait for a line that is slow', async t => {
  let printed = 0
  let goOn: (() => void) | null = null
  const out = {
    write() {
      printed += 1
    },
    room: () => new Promise<void>(resolve => (goOn = resolve)),
  }
  const { machine, type } = bench(t, COMMANDS, { out })
  /** Wait until a command waits. */
  const waits = async (): Promise<() => void> => {
    while (goOn === null) await new Promise(setImmediate)
    const waiting = goOn
    goOn = null
    return waiting
  }
  machine.memory.write(0x4200_0000, Buffer.from('one\0two\0three\0'))
  for (const line of ['md.b 42000000 300', 'strings 42000000 b']) {
    printed = 0
    const done = type(line)
    for (const count of [1, 2, 3]) {
      const goOn = await waits()
      t.equal(printed, count, line)
      goOn()
    }
    await done
  }
  const controller = new AbortController()
  const stopped = type('md.b 42000000 3000', { signal: controller.signal })
  await waits()
  controller.abort(new Error('interrupted'))
  await t.rejects(stopped)
})

t.test('^C ends endless commands', async t => {
  const { type } = setUp(t)
  const interrupt = () => {
    const controller = new AbortController()
    setImmediate(() => setImmediate(() => controller.abort(new Error('interrupted'))))
    return { signal: controller.signal }
  }
  t.match(
    await type('mtest', interrupt()),
    /^1: Testing 40000000 \.\.\. 40001000:\n.*Tested \d+ iteration\(s\) with 0 errors\.\n$/s,
  )
  for (const line of [
    'loop 42000000 1',
    'md.b 42000000 10000000',
    'mw.b 42000000 0 10000000',
    'cmp.b 42000000 43000000 1000000',
  ])
    await t.rejects(type(line, interrupt()), { message: 'interrupted' }, line)
})
