import { Duplex } from 'node:stream'
import t from 'tap'
import { Qmp } from '../../../../systemd/qemu/qmp.js'

/** A monitor that says something of its own before each answer. */
class Monitor extends Duplex {
  readonly commands: unknown[] = []

  constructor(readonly answer: string) {
    super()
    this.push('{"QMP": {"version": {}}}\n')
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const command: unknown = JSON.parse(chunk.toString())
    this.commands.push(command)
    this.push(`{"event": "RESET", "timestamp": {}}\n${this.answer}`)
    done()
  }
}

t.test('a command is answered, whatever happens in between', async t => {
  const monitor = new Monitor('{"return": "host 1234"}\n')
  t.equal(await new Qmp(monitor).execute('human-monitor-command', { 'command-line': 'info usernet' }), 'host 1234')
  const [command] = monitor.commands
  t.strictSame(command, { execute: 'human-monitor-command', arguments: { 'command-line': 'info usernet' } })
})

t.test("QEMU's error is thrown with its words", async t => {
  const monitor = new Monitor('{"error": {"class": "CommandNotFound", "desc": "no such thing"}}\n')
  await t.rejects(new Qmp(monitor).execute('nonsense'), { code: 'BUILD_TOOL', message: /no such thing/ })
})

t.test('a command that QEMU does not live to answer fails', async t => {
  const monitor = new Monitor('')
  const asked = new Qmp(monitor).execute('system_reset')
  monitor.destroy()
  await t.rejects(asked, { code: 'BUILD_TOOL', message: /QEMU ended/ })
})
