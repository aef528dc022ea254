import t, { type Test } from 'tap'
import { sourceCommands } from '../../../../../../agent/uboot/commands/shell/source.js'
import { dtbOf } from '../../../image/fdt/dtb.js'
import { FIT_FILES, FIT_SOURCE, fitImage, legacyImage } from '../../image-fixture.js'
import { testMachine } from '../../machine.js'
import { runner } from '../../typed-command.js'

const LEGACY = 0x4400_0000
const FIT = 0x4700_0000

/** A machine whose shell prints what it is to run. */
function machineWith(t: Test) {
  const { board } = testMachine(t)
  const machine = testMachine(t, {
    board: { ...board, environment: { loadaddr: '0x44000000' } },
    shell: {
      async run(text, _signal, mode) {
        machine.out.write(`[${text}]${mode === 'script' ? '' : ' at once'}\n`)
        return 7
      },
      locals: new Map(),
    },
  })
  return { machine, run: runner(machine, sourceCommands) }
}

const script = (t: Test) => legacyImage(t, '-T script -C none -n test', { a: 'echo hello\n', b: 'echo other' })

t.test('the first file of a legacy script is run', async t => {
  const { machine, run } = machineWith(t)
  machine.memory.write(LEGACY, script(t))
  const out = '## Executing script at 44000000\n[echo hello\n]\n'
  t.same(await run('source 44000000'), { out, rc: 7 })
  t.same(await run('source'), { out, rc: 7 }, 'at the address that the board was built with')
})

t.test('an invalid script is refused', async t => {
  const { machine, run } = machineWith(t)
  const said = async (address = '44000000') => (await run(`source ${address}`)).out.split('\n')[1]
  machine.memory.write(LEGACY, Buffer.from('echo hello from script\n'))
  t.equal(await said(), 'Wrong image format for "source" command')
  const bytes = script(t)
  bytes[80] = 0x58
  machine.memory.write(LEGACY, bytes)
  t.equal(await said(), 'Bad data crc')
  bytes[16] = 1
  machine.memory.write(LEGACY, bytes)
  t.equal(await said(), 'Bad header crc')
  machine.memory.write(LEGACY, legacyImage(t, '-T kernel -C none -n k', { a: 'k' }))
  t.equal(await said(), 'Bad image type')
  machine.memory.write(LEGACY, dtbOf('/ { };'))
  t.equal(await said(), 'Bad FIT image format')
})

t.test('a script is as large as it is, but no larger than a script can be', async t => {
  const { machine, run } = machineWith(t)
  machine.env.set('verify', 'n')
  const fit =
    '/ { description = "d"; timestamp = <1>; images { a { type = "script"; data-offset = <0>; data-size = <SIZE>; }; }; };'
  machine.memory.write(FIT, dtbOf(fit.replace('SIZE', '0x10001'), []))
  t.equal((await run('source 47000000:a')).out, '## Executing script at 47000000\nScript too long\n')
  machine.memory.write(FIT, dtbOf(fit.replace('data-size = <SIZE>;', ''), []))
  t.match((await run('source 47000000:a')).out, 'Could not find script subimage data\n')
})

t.test('text without an end is no script', async t => {
  const { machine, run } = machineWith(t)
  machine.memory.write(LEGACY, Buffer.alloc(128 * 1024, '#!\n'))
  t.same(await run('source 44000000'), { out: '## Executing script at 44000000\nScript too long\n', rc: 1 })
})

t.test('an image of a FIT is run by its name', async t => {
  const { machine, run } = machineWith(t)
  machine.memory.write(FIT, fitImage(t, FIT_SOURCE, FIT_FILES))
  const line = '## Executing script at 47000000\n'
  t.same(await run('source 47000000:script-1'), { out: `${line}crc32+ [echo fit script\necho two\n]\n`, rc: 7 })
  t.same(await run('source 47000000'), { out: `${line}No FIT subimage unit name\n`, rc: 1 })
  t.same(await run('source 47000000:'), { out: `${line}No FIT subimage unit name\n`, rc: 1 })
  t.same(await run('source 47000000:nosuch'), { out: `${line}Can't find 'nosuch' FIT subimage\n`, rc: 1 })
  t.same(await run('source 47000000:kernel-1'), { out: `${line}Not a image image\n`, rc: 1 })
  machine.memory.write(FIT + 0x2698, Buffer.from('X'))
  t.match((await run('source 47000000:script-1')).out, /crc32 error!\nBad hash value .*\nBad Data Hash\n/)
})

t.test('a configuration, or the FIT itself, tells which image it is', async t => {
  const { machine, run } = machineWith(t)
  machine.env.set('verify', '0')
  machine.state.loadAddress = FIT
  const fit = (more: string) =>
    `/ { description = "d"; timestamp = <1>; ${more.startsWith('default') ? more : ''} images { a { type = "script"; data = "a"; };
      b { type = "script"; data = "b"; }; }; ${more.startsWith('default') ? '' : more} };`
  const said = async (line: string) => (await run(line)).out.split('\n')[1]
  machine.memory.write(FIT, dtbOf(fit('default = "b";'), []))
  t.equal(await said('source :'), '[b\0]')
  t.equal(await said('source 47000000'), '[b\0]')
  machine.memory.write(
    FIT,
    dtbOf(fit('configurations { default = "x"; x { script = "a"; }; y { script = "b"; }; z { }; };'), []),
  )
  t.equal(await said('source 47000000'), '[a\0]')
  t.equal(await said('source #'), '[a\0]')
  t.equal(await said('source 47000000#y'), '[b\0]')
  t.equal(await said('source #z'), 'Could not find script in z')
  t.equal(await said('source #nosuch'), 'Could not find config nosuch')
})

t.test('text that says it is a script is run up to its end', async t => {
  const { machine, run } = machineWith(t)
  machine.memory.write(LEGACY, Buffer.from('#!uboot\necho plain\n'))
  t.same(await run('source 44000000'), { out: '## Executing script at 44000000\n[#!uboot\necho plain\n]\n', rc: 7 })
  const end = 0x8000_0000 - 1024
  machine.memory.write(end, Buffer.from('#!'.padEnd(1024, 'x')))
  t.equal((await run(`source ${end.toString(16)}`)).out.length, '## Executing script at 7ffffc00\n[]\n'.length + 1024)
})
