import t from 'tap'
import { FauxbootError, fault } from '../../../../agent/errors.js'
import type { Expect } from '../../../../lava/console/expect.js'
import { type Login, TargetShell } from '../../../../lava/console/target-shell.js'
import { FakeTarget } from './fake-target.js'

const enter = (target: FakeTarget, login: Login = { user: 'root' }) => TargetShell.enter(target, login)

async function refusal(promise: Promise<unknown>): Promise<FauxbootError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof FauxbootError) return error
  throw new Error(`expected an error of the table, found ${String(error)}`)
}

t.test('a command gives its status and its output, not its echo', async t => {
  const shell = await enter(new FakeTarget())
  t.same(await shell.run('echo hello; echo world', 1000), { status: 0, output: 'hello\nworld' })
  t.same(await shell.run('exit 7', 1000), { status: 7, output: '' })
  const quotes = await shell.run(`printf '%s' "no newline, and it's quoted"`, 1000)
  t.same(quotes, { status: 0, output: "no newline, and it's quoted" })
  t.equal((await shell.run('false # a comment would hide what is behind it', 1000)).status, 1)
  t.equal((await shell.run('if then', 1000)).status, 2, "a syntax error is the command's own")
  t.equal((await shell.run('cat', 1000)).status, 0, 'it has no input, so it does not eat what is typed next')
})

t.test('an output that looks like a marker of another command is output', async t => {
  const shell = await enter(new FakeTarget())
  const { output } = await shell.run('echo fb0-1e:0:; echo "b:"', 1000)
  t.equal(output, 'fb0-1e:0:\nb:')
})

t.test('lines come as they are printed, also those that are too many to be kept', async t => {
  const shell = await enter(new FakeTarget())
  const lines: string[] = []
  const { output } = await shell.run('seq 20000', 60_000, line => lines.push(line))
  t.same(
    lines.filter(line => line !== ''),
    Array.from({ length: 20_000 }, (_, index) => String(index + 1)),
  )
  t.ok(output.length <= 65_536 && output.endsWith('\n20000'))
})

t.test('a command that talks without end is ended by its time', async t => {
  let begin = ''
  const endless: Expect = {
    type: async text => {
      begin = `f${/echo f""(b\S+:)/.exec(text)?.[1]}`
    },
    waitFor: async pattern => {
      const match = new RegExp(pattern).exec(`${begin}y\n`)
      if (match !== null) return match
      throw fault('CONSOLE_SILENT', { console: 'target', seconds: 0, expected: 'the end', found: 'y' })
    },
  }
  const shell = await TargetShell.enter(endless, { user: 'root' })
  const error = await refusal(shell.run('yes', 20))
  t.match(error, { code: 'CONSOLE_SILENT', message: /waited 0.02 s for the end/ })
})

t.test('messages of the kernel in the middle of a marker are read over', async t => {
  const message = '[   12.345678] random: crng init done\n'
  const noise = (text: string): string =>
    text.replace(/(fb[0-9a-f]+)(-\d+[bep]:\d?)/g, `$1${message}$2[   12.4][    T1] usb 1-1\n`)
  const shell = await enter(new FakeTarget({ noise }))
  t.equal((await shell.run('exit 123', 1000)).status, 123)
  t.equal((await shell.run('true', 1000)).status, 0)
})

t.test('a command without an end is a fault that names it, and ^C brings the shell back', async t => {
  const target = new FakeTarget()
  const shell = await enter(target)
  const error = await refusal(shell.run('sleep forever', 2000))
  t.equal(error.code, 'CONSOLE_SILENT')
  t.match(error.message, /the end of "sleep forever"/)
  await shell.interrupt()
  t.ok(target.typed.includes('\u0003'))
  t.equal((await shell.run('true', 1000)).status, 0)
})

t.test('a login with and without password is passed', async t => {
  const open = await enter(new FakeTarget({ login: { user: 'root' } }))
  t.equal((await open.run('true', 1000)).status, 0)
  const login = { user: 'lab', password: 'secret' }
  const closed = await enter(new FakeTarget({ login }), login)
  t.equal((await closed.run('true', 1000)).status, 0)
})

t.test('a wrong password is no shell', async t => {
  const target = new FakeTarget({ login: { user: 'root', password: 'other' } })
  t.equal((await refusal(enter(target))).code, 'CONSOLE_SILENT')
})

t.test('a target that loses the first lines is asked again', async t => {
  const shell = await enter(new FakeTarget({ deafFor: 3 }))
  t.equal((await shell.run('true', 1000)).status, 0)
})

t.test('a target that never answers is a fault', async t => {
  const error = await refusal(enter(new FakeTarget({ deafFor: 1000 })))
  t.match(error.message, /a shell that answers/)
})
