import t from 'tap'
import { type Consoles, MOST_GONE } from '../../../../../agent/uboot/console/consoles.js'
import type { Command } from '../../../../../agent/uboot/machine/machine.js'
import { atPrompt, bench, Terminal } from '../console-fixture.js'
import { plainEnvironment } from '../machine.js'

t.test('CRLF is one line end, also when it comes in two halves', async t => {
  const { terminal } = await atPrompt(t)
  t.equal(await terminal.exchange('echo a\r\n'), 'echo a\r\na\r\n=> ')
  t.equal(await terminal.exchange('echo b\r'), 'echo b\r\nb\r\n=> ')
  t.equal(await terminal.exchange('\necho c\n'), 'echo c\r\nc\r\n=> ')
  t.equal(await terminal.exchange('\n'), '\r\nc\r\n=> ')
})

t.test('ten thousand pasted lines lose no byte', async t => {
  const { terminal } = await atPrompt(t)
  const lines = Array.from({ length: 10_000 }, (_, index) => `echo ${index}`)
  const shown = await terminal.exchange(`${lines.join('\r')}\recho end`, '=> echo end')
  t.equal(shown, `${lines.map(line => `${line}\r\n${line.slice(5)}\r\n=> `).join('')}echo end`)
})

t.test(
  'damage of the input is reported after the command, with words that LAVA knows if the command failed',
  async t => {
    const damage: (string | null)[] = [null, '1 overrun', '2 breaks']
    const { consoles } = await atPrompt(t)
    const terminal = new Terminal(consoles, async () => damage.shift() ?? null)
    await terminal.shows('=> ')
    const report = (what: string) =>
      `## fauxboot: the serial line damaged its input: ${what}; check cable, ground and speed\r\n`
    t.equal(await terminal.exchange('echo a\r'), 'echo a\r\na\r\n=> ')
    t.equal(await terminal.exchange('echo b\r'), `echo b\r\nb\r\n${report('1 overrun')}=> `)
    t.match(
      await terminal.exchange('ecXo c\r'),
      `${report('2 breaks')}## fauxboot: the command may have failed because of that: Must RESET board to recover\r\n=> `,
    )
  },
)

t.test('what is typed while a command runs waits for its end', async t => {
  const { terminal } = await atPrompt(t)
  t.equal(
    await terminal.exchange('sleep 0.01\recho a\recho b\r', 'b\r\n=> '),
    'sleep 0.01\r\n=> echo a\r\na\r\n=> echo b\r\nb\r\n=> ',
  )
})

t.test('^C aborts the command that runs, and leaves what was typed before it', async t => {
  const { terminal } = await atPrompt(t)
  t.equal(await terminal.exchange('sleep 10\r', '\n'), 'sleep 10\r\n')
  t.equal(await terminal.exchange('echo a\r\x03', 'a\r\n=> '), '=> echo a\r\na\r\n=> ')
  t.equal(
    await terminal.exchange('sleep 10; echo $? after\r\x03', 'after\r\n=> '),
    'sleep 10; echo $? after\r\n1 after\r\n=> ',
  )
  t.equal(
    await terminal.exchange('setenv lp "sleep 5; echo x"; run lp; echo y\r\x03'),
    'setenv lp "sleep 5; echo x"; run lp; echo y\r\nx\r\ny\r\n=> ',
  )
})

t.test('^C ends loops, and the line continues after them', async t => {
  const { terminal } = await atPrompt(t)
  const lines = [
    // A ^C before the loop has begun would end it before its first round.
    ['for i in 1 2; do echo in; sleep 9; echo $i; done; echo after', 'in\r\n', '1\r\nafter\r\n'],
    ['for i in 1 2; do echo in; true; sleep 9; echo $i; done; sleep 0.001; echo $?', 'in\r\n', '1\r\n0\r\n'],
    ['while true; do sleep 9; done', '', ''],
    ['while true; do true; done; echo after', '', 'after\r\n'],
    ['for i in 1 2; do while true; do x=1; done; done; echo $?', '', '1\r\n'],
    ["setenv a 'run b; run b'; setenv b 'while true; do true; done'; run a", '', ''],
  ] as const
  for (const [line, first, shown] of lines) {
    await terminal.exchange(`${line}\r`, `\n${first}`)
    terminal.type('\x03')
    t.equal(await terminal.shows('=> '), `${shown}=> `, line)
  }
})

t.test('^C in scripts that run each other forever stops the whole line', async t => {
  const { terminal } = await atPrompt(t, {
    variables: Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [`v${index}`, `run v${index + 1}; run v${index + 1}`]),
    ),
  })
  await terminal.exchange('setenv v50 true; run v0; echo not\r', '\n')
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(await terminal.exchange('\x03'), '=> ')
  t.equal(await terminal.exchange('echo $?\r'), 'echo $?\r\n1\r\n=> ')
})

t.test('a script that runs itself is stopped', async t => {
  const { terminal } = await atPrompt(t, { variables: { a: 'run a; run a' } })
  t.equal(
    await terminal.exchange('run a; echo not\r'),
    'run a; echo not\r\nthe shell gave up: more than 64 scripts in scripts; shorten the script\r\n=> ',
  )
})

t.test('variables cannot grow without end', async t => {
  const { terminal } = await atPrompt(t)
  t.match(
    await terminal.exchange('x=1234567890123456; while true; do x=$x$x || exit; done\r'),
    /^x=.*\r\nthe shell gave up: more than 65536 characters in a command; shorten the script\r\nexit not allowed/,
  )
  await terminal.exchange('y=$x\r')
  t.match(await terminal.exchange('a=$x;b=$x;c=$x;d=$x;e=$x;f=$x;g=$x\r'), /more than 262144 characters in variables/)
})

t.test('a command that asks reads at its own console', async t => {
  const { terminal } = await atPrompt(t)
  t.equal(await terminal.exchange('ask line\r', ': X'), 'ask line\r\nedit: X')
  t.equal(await terminal.exchange('Y\r'), 'Y\r\n[XY]\r\n=> ')
  t.equal(await terminal.exchange('ask line\r', ': X'), 'ask line\r\nedit: X')
  t.equal(await terminal.exchange('\x03'), '[none]\r\n=> ')
  t.equal(await terminal.exchange('ask key\rk'), 'ask key\r\n[k]\r\n=> ')
  t.equal(await terminal.exchange('ask key\r'), 'ask key\r\n[none]\r\n=> ')
})

t.test('history is that of the console', async t => {
  const { terminal } = await atPrompt(t)
  await terminal.exchange('echo a\r')
  t.equal(await terminal.exchange('history\r'), 'history\r\necho a\r\nhistory\r\n=> ')
})

t.test('consoles take turns, and each sees its own', async t => {
  const { consoles, terminal } = await atPrompt(t)
  const other = new Terminal(consoles)
  t.equal(await other.shows('=> '), '=> ')
  terminal.type('sleep 0.01; echo one\r')
  other.type('echo two\r')
  await new Promise(setImmediate)
  other.type('\x03')
  t.equal(await other.shows('<INTERRUPT>\r\n=> '), 'echo two\r\ntwo\r\n=> <INTERRUPT>\r\n=> ')
  t.equal(await terminal.shows('=> '), 'sleep 0.01; echo one\r\none\r\n=> ')
})

t.test('what somebody left running who has gone is stopped by ^C at another console', async t => {
  const { consoles, terminal } = await atPrompt(t)
  const other = new Terminal(consoles)
  await other.shows('=> ')
  terminal.type('while true; do true; done\n')
  terminal.console.endInput()
  other.type('echo mine\n')
  await new Promise(resolve => setImmediate(resolve))
  other.type('\x03')
  t.match(await other.shows('mine\r\n=> '), /mine/)
})

t.test('the end of a connection ends the command that runs there, its loop and the rest of its line', async t => {
  const lines = [
    'while true; do true; done; setenv seen line',
    'sleep 3600; setenv seen line',
    'for i in 1 2; do sleep 3600; done; setenv seen line',
    'while true; do ask line; done; setenv seen line',
    'true; while true; do while true; do x=1; done; done',
  ]
  for (const line of lines) {
    const { consoles, machine, terminal } = await atPrompt(t)
    const other = new Terminal(consoles)
    await other.shows('=> ')
    await terminal.exchange(`${line}\n`, line.includes('ask') ? ': X' : '\n')
    terminal.console.hangUp()
    await terminal.console.ended
    t.equal(await other.exchange('echo on\n'), 'echo on\r\non\r\n=> ', line)
    t.equal(machine.env.get('seen'), undefined, line)
  }
})

t.test('what waits when a connection ends still runs, each line as if ^C followed it', async t => {
  const { consoles, machine, terminal } = await atPrompt(t)
  const other = new Terminal(consoles)
  await other.shows('=> ')
  terminal.type('sleep 3600\nsetenv first 1\nwhile true; do true; done\nsetenv second 2\nsleep 3600; setenv third 3\n')
  terminal.console.hangUp()
  await terminal.console.ended
  t.same([machine.env.get('first'), machine.env.get('second'), machine.env.get('third')], ['1', '2', undefined])
  t.equal(await other.exchange('echo on\n'), 'echo on\r\non\r\n=> ')
})

t.test(
  'clients that come, type and go while a command runs fill no memory: the latest few keep their lines',
  async t => {
    const { consoles, machine, terminal } = await atPrompt(t)
    await terminal.exchange('sleep 3600\n', '\n')
    const gone = Array.from({ length: 3 * MOST_GONE }, (_, index) => {
      const client = new Terminal(consoles)
      client.type(`setenv client${index} 1\n`)
      client.console.hangUp()
      return client.console
    })
    t.equal(gone.filter(({ closed }) => !closed).length, MOST_GONE + 1)
    terminal.type('\x03')
    await Promise.all(gone.map(({ ended }) => ended))
    const ran = gone.map((_, index) => machine.env.get(`client${index}`) === '1')
    t.same(
      ran,
      gone.map((_, index) => index >= 2 * MOST_GONE - 1),
    )
  },
)

t.test('a line whose sender has hung up runs on a machine that is too busy to start it at once, too', async t => {
  const { consoles, machine, terminal } = await atPrompt(t)
  const other = new Terminal(consoles)
  await other.shows('=> ')
  // Whenever the shell looks at the clock, the time for a turn of others is over.
  let time = performance.now()
  t.intercept(performance, 'now', { value: () => (time += 1000), configurable: true })
  terminal.type('setenv first 1\nsetenv second 2\n')
  terminal.console.hangUp()
  await terminal.console.ended
  t.same([machine.env.get('first'), machine.env.get('second')], ['1', '2'])
})

t.test('the end of a connection leaves what runs at another console', async t => {
  const { consoles, terminal } = await atPrompt(t)
  const other = new Terminal(consoles)
  await other.shows('=> ')
  await terminal.exchange('sleep 0.05; echo through\n', '\n')
  other.type('sleep 3600\n')
  other.console.hangUp()
  t.equal(await terminal.shows('=> '), 'through\r\n=> ')
  await other.console.ended
})

t.test('a console that is closed is forgotten, whatever it waited for', async t => {
  const { consoles, machine, terminal } = await atPrompt(t)
  const other = new Terminal(consoles)
  await other.shows('=> ')
  other.type('ask line\r')
  await other.shows(': X')
  consoles.close(other.console)
  t.equal(other.console.closed, true)
  t.equal(await other.console.readLine('? '), null)
  t.equal(await terminal.exchange('echo on\r'), 'echo on\r\non\r\n=> ')
  consoles.close(terminal.console)
  t.equal(await machine.input.readLine('? '), null)
  t.equal(await machine.input.readKey(1), null)
  t.same(machine.input.history, [])
})

t.test('a fast sender is paused and resumed', async t => {
  const { consoles } = await atPrompt(t)
  let prompt: () => void = () => {}
  const drained = new Promise<void>(resolve => {
    const console = consoles.open({ write: () => prompt(), drained: resolve })
    prompt = () => {
      prompt = () => {}
      console.receive('sleep 0.001\r')
      t.equal(console.receive('\0'.repeat(1024 * 1024)), true)
      t.equal(console.receive('\0'), false)
    }
  })
  await drained
})

/** A terminal that shows nothing more until it is let. */
function slowTerminal(consoles: Consoles) {
  const shown: string[] = []
  let room: Promise<void> | null = null
  let wake: () => void = () => undefined
  const console = consoles.open({ write: bytes => shown.push(bytes), room: () => room })
  return {
    console,
    shown,
    stop() {
      room = new Promise(resolve => (wake = resolve))
    },
    goOn() {
      room = null
      wake()
    },
  }
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise(setImmediate)
}

const aWhile = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
}

t.test('the shell waits for a terminal that is slow, and ^C ends its wait', async t => {
  const { consoles } = await atPrompt(t)
  const slow = slowTerminal(consoles)
  for (const end of ['^C', 'room']) {
    await until(() => slow.shown.at(-1)?.endsWith('=> ') === true)
    slow.shown.splice(0)
    slow.console.receive('while true; do echo again; done; echo after\r')
    await until(() => slow.shown.length > 2)
    slow.stop()
    await aWhile()
    const before = slow.shown.length
    await aWhile()
    t.equal(slow.shown.length, before, 'nothing more is printed')
    if (end === 'room') {
      slow.goOn()
      await until(() => slow.shown.length > before)
    }
    slow.console.receive('\x03')
    await aWhile()
    slow.goOn()
    await until(() => slow.shown.at(-1)?.endsWith('=> ') === true)
    t.match(slow.shown.join(''), /again\r\nafter\r\n=> $/)
  }
})

t.test('what is typed waits for a terminal that is slow, and is not lost', async t => {
  const { consoles } = await atPrompt(t)
  const slow = slowTerminal(consoles)
  await aWhile()
  slow.stop()
  slow.console.receive('echo a\r')
  slow.console.receive('echo b\r')
  slow.console.endInput()
  await aWhile()
  t.equal(slow.shown.splice(0).join(''), '=> ')
  slow.goOn()
  await slow.console.ended
  t.equal(slow.shown.join(''), 'echo a\r\na\r\n=> echo b\r\nb\r\n=> ')
})

t.test('a command does not wait for a terminal that is gone', async t => {
  const { consoles, terminal } = await atPrompt(t)
  const slow = slowTerminal(consoles)
  await aWhile()
  slow.console.receive('while true; do echo again; done\r')
  await aWhile()
  slow.stop()
  await aWhile()
  consoles.close(slow.console)
  slow.goOn()
  await aWhile()
  terminal.type('echo mine\r')
  await aWhile()
  consoles.shell.interrupt()
  t.match(await terminal.shows('mine\r\n=> '), /mine/)
})

t.test('what runs for somebody else can be stopped by its signal', async t => {
  const { shell, terminal } = await atPrompt(t)
  const controller = new AbortController()
  const run = shell.run('sleep 10; echo $?', controller.signal)
  controller.abort()
  t.equal(await run, 0)
  t.equal(await terminal.shows('\n'), '1\r\n')
})

t.test('an error of the program itself does not end the console', async t => {
  const broken: Command = {
    name: 'broken',
    maxArgs: 1,
    summary: '',
    usage: '',
    run() {
      throw new TypeError('no such thing')
    },
  }
  const { terminal } = await atPrompt(t, { commands: [broken] })
  t.match(await terminal.exchange('broken\r'), /\r\ninternal error while running broken: no such thing; .*\r\n=> $/)
  const env = plainEnvironment({})
  env.get = () => {
    throw new TypeError('no environment')
  }
  const second = await bench(t)
  await second.consoles.powerOn(() => {})
  await second.terminal.shows('=> ')
  Object.assign(second.machine, { env })
  t.match(
    await second.terminal.exchange('echo $a\r'),
    /internal error while running a line: no environment; .*\r\n=> $/,
  )
})

t.test('TAB completes commands and their arguments', async t => {
  const { terminal } = await atPrompt(t, { variables: { bootdelay: '2', bootfile: 'x', ab: '1' } })
  const back = (count: number): string => '\b'.repeat(count) + ' '.repeat(count) + '\b'.repeat(count)
  t.equal(await terminal.exchange('versi\t', ' '), 'version ')
  t.equal(await terminal.exchange('\x15e\t', '=> e'), `${back(8)}e\r\n  echo editenv env exit\r\n=> e`)
  t.equal(await terminal.exchange('\x15prin bo\t', '\x07'), '\b \bprin boot\x07')
  t.equal(await terminal.exchange('\t', 'boot'), '\r\n  bootdelay bootfile\r\n=> prin boot')
  t.equal(await terminal.exchange('d\tx', 'x'), 'delay x')
})

t.test('TAB lists the first commands where nothing is typed, and rings where nothing fits', async t => {
  const { terminal } = await atPrompt(t)
  t.match(await terminal.exchange('\t'), /^\r\n {2}ask .* \.\.\.\r\n=> $/s)
  t.equal(await terminal.exchange('zzz\t', '\x07'), 'zzz\x07')
  t.match(await terminal.exchange('\x15echo a\tb\r'), /echo ab\r\nab\r\n=> $/)
  t.equal(await terminal.exchange(' printe\t', 'v '), ' printenv ')
  t.ok((await terminal.exchange(`\x15${' '.repeat(1018)}ech\t`, '\x07')).endsWith(' ech\x07'))
  t.match(await terminal.exchange('\x15echo \\\r', '> '), /echo \\\r\n> $/)
  t.equal(await terminal.exchange('ver\tx\r'), 'verx\r\n\r\nverx\r\n=> ')
})
