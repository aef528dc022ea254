import t, { type Test } from 'tap'
import { bench } from '../console-fixture.js'

const CLEAR = '\x1b[2K\r'
const FIRST = `\x1b[?25h\r\n${CLEAR}Hit any key to stop autoboot: `
const LAST = `${CLEAR}Hit any key to stop autoboot: 0\r\n`

/** Power on, and type something as soon as the countdown asks for it. */
async function powerOn(t: Test, variables: Readonly<Record<string, string>>, keys: string, before = '') {
  const { consoles, terminal } = bench(t, { variables })
  terminal.type(before)
  const on = consoles.powerOn(() => consoles.out.write('banner\n'))
  if (keys !== '') await terminal.shows(': 2')
  terminal.type(keys)
  await on
  return { shown: await terminal.shows('=> '), terminal, consoles }
}

t.test('a key stops the countdown, and takes the line end with it that follows at once', async t => {
  for (const key of [' ', ' \r', ' \n', ' \r\n', '\r', '\r\n', '\n', '\x03']) {
    const { shown, terminal } = await powerOn(t, { bootdelay: '2', bootcmd: 'echo BOOT' }, key)
    t.equal(shown, `${LAST}=> `, JSON.stringify(key))
    t.equal(await terminal.exchange('echo a\r'), 'echo a\r\na\r\n=> ')
  }
})

t.test('a line end in the next read is taken, a second one is not', async t => {
  const { terminal } = await powerOn(t, { bootcmd: 'echo BOOT' }, ' ')
  t.equal(await terminal.exchange('\r\n\r'), '\r\n=> ')
})

t.test('a key that came before the countdown stops it', async t => {
  const { shown } = await powerOn(t, { bootdelay: '5', bootcmd: 'echo BOOT' }, '', 'x')
  t.equal(shown, `banner\r\n${FIRST}5${LAST}=> `)
})

t.test('without a key bootcmd runs at zero', async t => {
  const { shown } = await powerOn(t, { bootdelay: '0', bootcmd: 'echo BOOT\nfalse', preboot: 'echo PRE' }, '')
  t.equal(shown, `banner\r\nPRE\r\n${FIRST}0\r\nBOOT\r\n=> `)
})

t.test('power on during a countdown starts it over, and bootcmd runs once', async t => {
  const { consoles, terminal } = bench(t, { variables: { bootdelay: '9', bootcmd: 'echo BOOT' } })
  const first = consoles.powerOn(() => consoles.out.write('first\n'))
  await terminal.shows(': 9')
  const second = consoles.powerOn(() => consoles.out.write('second\n'))
  t.equal(await terminal.shows(': 9'), `${LAST}second\r\n${FIRST}9`)
  terminal.type(' ')
  await Promise.all([first, second])
  t.equal(await terminal.shows('=> '), `${LAST}=> `)
})

t.test('power on while bootcmd runs waits for its end', async t => {
  const { consoles, terminal } = bench(t, { variables: { bootdelay: '-2', bootcmd: 'echo BOOT; sleep 0.1' } })
  const first = consoles.powerOn(() => {})
  await terminal.shows('BOOT\r\n')
  await Promise.all([first, consoles.powerOn(() => consoles.out.write('second\n'))])
  t.equal(await terminal.shows('=> '), 'second\r\nBOOT\r\n=> ')
})

t.test('the countdown counts', async t => {
  const { shown } = await powerOn(t, { bootdelay: '1', bootcmd: 'true' }, '')
  t.equal(shown, `banner\r\n${FIRST}1${LAST}=> `)
})

t.test('bootdelay -1 goes to the prompt, -2 boots at once, and without bootcmd there is no countdown', async t => {
  t.equal((await powerOn(t, { bootdelay: '-1', bootcmd: 'echo BOOT' }, '')).shown, 'banner\r\n=> ')
  t.equal((await powerOn(t, { bootdelay: '-2', bootcmd: 'echo BOOT' }, '')).shown, 'banner\r\nBOOT\r\n=> ')
  t.equal((await powerOn(t, { bootdelay: '5' }, '')).shown, 'banner\r\n=> ')
})

t.test('the sentence is a setting', async t => {
  const { consoles, terminal } = bench(t, { variables: { bootcmd: 'true' } }, { sentence: 'Autoboot in ', delay: 0 })
  await consoles.powerOn(() => {})
  t.equal(await terminal.shows('=> '), `\x1b[?25h\r\n${CLEAR}Autoboot in 0\r\n=> `)
  consoles.flush()
})

t.test('a plain countdown has no control characters but line ends', async t => {
  const plain = { plain: true, delay: 1 }
  for (const [key, numbers] of [
    ['', '1 0\r\nBOOT'],
    [' ', '1 0'],
  ] as const) {
    const { consoles, terminal } = bench(t, { variables: { bootcmd: 'echo BOOT' } }, plain)
    terminal.type(key)
    await consoles.powerOn(() => {})
    t.equal(await terminal.shows('=> '), `\r\nHit any key to stop autoboot: ${numbers}\r\n=> `, JSON.stringify(key))
  }
})

t.test('^C at any console aborts bootcmd', async t => {
  const { consoles, terminal } = bench(t, { variables: { bootdelay: '-2', bootcmd: 'echo B; sleep 10; ask line' } })
  const on = consoles.powerOn(() => {})
  await terminal.shows('B\r\n')
  terminal.type('\x03')
  await terminal.shows(': X')
  terminal.type('Y\r')
  await on
  t.equal(await terminal.shows('=> '), 'Y\r\n[XY]\r\n=> ')
})

t.test('a bootcmd that runs itself ends at the prompt', async t => {
  const { shown } = await powerOn(t, { bootdelay: '-2', bootcmd: 'run bootcmd' }, '')
  t.equal(shown, 'banner\r\nthe shell gave up: more than 64 scripts in scripts; shorten the script\r\n=> ')
})
