import t, { type Test } from 'tap'
import { COMMANDS } from '../../../../../../agent/uboot/command-list.js'
import { bootmenuCommands } from '../../../../../../agent/uboot/commands/boot/bootmenu.js'
import { atPrompt } from '../../console-fixture.js'
import { board } from '../../network-fixture.js'

const UP = ['\x1b', '[', 'A']
const DOWN = ['\x1b', '[', 'B']
/** a second without a key */
const NONE = null

const ENTRIES = { bootmenu_0: 'Net=run a=b; boot', bootmenu_1: 'Disk=run disk', bootmenu_2: 'Reset=reset' }
const MANUAL = { ...ENTRIES, bootmenu_delay: '-1' }

function menu(t: Test, keys: readonly (string | null)[], variables: Readonly<Record<string, string>> = MANUAL) {
  const ran: string[] = []
  const waits: number[] = []
  const left = [...keys]
  const shell = {
    locals: new Map(),
    run: async (text: string) => {
      ran.push(text)
      return 1
    },
  }
  const input = {
    history: [],
    readLine: async () => null,
    readKey: async (timeoutMs: number) => {
      waits.push(timeoutMs)
      return left.shift() ?? null
    },
  }
  return { ...board(t, bootmenuCommands, {}, variables, { shell, input }), ran, waits, left }
}

const OPEN = '\x1b[?25l\x1b[2J\x1b[1;1H'
const CLOSE = '\x1b[?25h\x1b[2J\x1b[1;1H'

/** The screen of the three entries and the exit. */
const screen = (active: number): string =>
  '\x1b[1;1H\x1b[2K\x1b[2;3H*** U-Boot Boot Menu ***\x1b[0K\x1b[3;1H\x1b[2K\x1b[9;1H\x1b[2K' +
  '\x1b[10;3HPress UP/DOWN to move, ENTER to select, ESC to quit\x1b[0K\x1b[11;1H\x1b[2K' +
  ['Net', 'Disk', 'Reset', 'Exit']
    .map((title, index) => `\x1b[${index + 4};7H${index === active ? `\x1b[7m${title}\x1b[0m` : title}`)
    .join('')

t.test('bootmenu shows the entries and runs the commands of the one that is chosen', async t => {
  const { type, result, ran } = menu(t, [...DOWN, '\r'])
  t.equal(await type('bootmenu'), `${OPEN}${screen(0)}${screen(1)}${CLOSE}`)
  t.strictSame(ran, ['run disk'])
  t.equal(result(), 0)
})

t.test('bootmenu knows arrows, ^P and ^N, + and -, and stops at both ends', async t => {
  const cases = [
    [[...UP, '\r'], ['run a=b; boot']],
    [['-', '-', '\n'], ['reset']],
    [['\x0e', '\x0e', '\x10', '\r'], ['run disk']],
    [['-', '-', '-', '-', '-', '+', '\r'], ['reset']],
    [['-', '-', '-', '\r'], []],
    [['\x1b', 'O', 'B', '\r'], ['run disk']],
  ] as const
  for (const [keys, commands] of cases) {
    const { type, ran } = menu(t, keys)
    await type('bootmenu')
    t.strictSame(ran, commands, JSON.stringify(keys))
  }
})

t.test('bootmenu takes the number of an entry, and overlooks other keys', async t => {
  const { type, ran, left } = menu(t, ['x', ' ', '0', '9', '3', '\r'])
  t.equal(await type('bootmenu'), `${OPEN}${screen(0)}${CLOSE}`)
  t.strictSame(ran, ['reset'])
  t.strictSame(left, ['\r'])
})

t.test('bootmenu is left by ESC, by ^C, by its last entry, and when nobody touches it for a day', async t => {
  for (const keys of [['\x1b', NONE], ['\x03'], ['4'], [NONE]]) {
    const { type, ran, result, waits } = menu(t, keys)
    t.equal(await type('bootmenu'), `${OPEN}${screen(0)}${CLOSE}`)
    t.strictSame(ran, [])
    t.equal(result(), 0)
    t.equal(waits[0], 86_400_000)
  }
})

t.test('bootmenu counts down to the default entry', async t => {
  const { type, ran, waits } = menu(t, [NONE, NONE], { ...ENTRIES, bootmenu_default: '2' })
  t.equal(
    await type('bootmenu 2'),
    `${OPEN}${screen(2)}\x1b[9;3HHit any key to stop autoboot: 2 \x1b[9;3HHit any key to stop autoboot: 1 \x1b[9;1H\x1b[2K${CLOSE}`,
  )
  t.strictSame(ran, ['reset'])
  t.strictSame(waits, [1000, 1000])
})

t.test('a key stops the countdown, and does what it does', async t => {
  const down = menu(t, [NONE, ...DOWN, '\r'], ENTRIES)
  const shown = await down.type('bootmenu 11')
  t.match(shown, 'Hit any key to stop autoboot: 11 \x1b[9;3HHit any key to stop autoboot: 10 \x1b[9;1H\x1b[2K')
  t.strictSame(down.ran, ['run disk'])
  const other = menu(t, ['x', '\x03'], ENTRIES)
  await other.type('bootmenu 11')
  t.strictSame(other.ran, [])
})

t.test('bootmenu takes its delay from the argument, bootmenu_delay and bootdelay, in this order', async t => {
  const cases = [
    ['bootmenu 3', { bootmenu_delay: '4', bootdelay: '5' }, 3],
    ['bootmenu -e 3', { bootmenu_delay: '4' }, 3],
    ['bootmenu', { bootmenu_delay: '4', bootdelay: '5' }, 4],
    ['bootmenu -e', { bootdelay: '5' }, 5],
    ['bootmenu', {}, 10],
  ] as const
  for (const [line, variables, seconds] of cases) {
    const { type, waits } = menu(t, [], { ...ENTRIES, ...variables })
    t.match(await type(line), `autoboot: ${seconds} `)
    t.equal(waits.length, seconds)
  }
})

t.test('bootmenu without a delay runs the first entry, and shows nothing', async t => {
  for (const delay of ['0', 'soon']) {
    const { type, ran } = menu(t, [], { ...ENTRIES, bootmenu_delay: delay })
    t.equal(await type('bootmenu'), '')
    t.strictSame(ran, ['run a=b; boot'])
  }
  const none = menu(t, [], {})
  t.equal(await none.type('bootmenu 0'), 'bootmenu option 0 was not found\n')
  const invalid = menu(t, [], { bootmenu_0: 'Net' })
  t.equal(await invalid.type('bootmenu 0'), 'bootmenu option 0 is invalid\n')
  t.strictSame([...none.ran, ...invalid.ran], [])
})

t.test('what is wrong in the variables is said, and the rest shown', async t => {
  const gap = menu(t, ['\r'], { bootmenu_0: 'Net', bootmenu_1: 'Disk=run disk', bootmenu_delay: '-1' })
  const shown = await gap.type('bootmenu')
  t.ok(shown.startsWith(`Invalid bootmenu entry: Net\n${OPEN}`))
  t.ok(shown.endsWith(`\x1b[4;7H\x1b[7mExit\x1b[0m${CLOSE}`))
  for (const [number, read] of [
    ['7', 7],
    ['-1', -1],
  ] as const) {
    const outside = menu(t, ['\r'], { ...MANUAL, bootmenu_default: number })
    t.match(await outside.type('bootmenu'), `active menuitem (${read}) is outside menu (0..3)\n${OPEN}${screen(0)}`)
    t.strictSame(outside.ran, ['run a=b; boot'])
  }
})

t.test('bootmenu has room for 98 entries', async t => {
  const many = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`bootmenu_${index}`, `n${index}=x`]))
  const { type } = menu(t, [], { ...many, bootmenu_delay: '-1' })
  const shown = await type('bootmenu')
  t.match(shown, '\x1b[101;7Hn97\x1b[102;7HExit')
  t.notMatch(shown, 'n98')
})

t.test('an interrupt gives the terminal back', async t => {
  const { type, machine } = menu(t, ['x'])
  const reason = new Error('^C')
  await t.rejects(type('bootmenu', AbortSignal.abort(reason)), reason)
  t.equal(machine.printed(), `${OPEN}${screen(0)}${CLOSE}`)
})

t.test('at a console the menu takes what is typed, and the rest is for the shell again', async t => {
  const variables = {
    bootmenu_0: 'One=echo first',
    bootmenu_1: 'Two=setenv a b; echo "it is ${a}"',
    bootmenu_delay: '-1',
  }
  const { terminal, machine } = await atPrompt(t, { variables, commands: COMMANDS })
  const pasted = await terminal.exchange('bootmenu\r\x1b[B\recho done\r', 'done\r\n=> ')
  t.match(pasted, `${CLOSE}it is b\r\n=> echo done\r\ndone\r\n=> `)
  t.equal(machine.env.get('a'), 'b')
  terminal.type('bootmenu\r')
  await terminal.shows('Exit')
  t.equal(await terminal.exchange('\x03'), `${CLOSE}=> `)
  terminal.type('bootmenu\r')
  await terminal.shows('Exit')
  t.equal(await terminal.exchange('\x1b'), `${CLOSE}=> `)
})
