/** The shell of `fauxboot-card@.service`, as systemd starts it: with a connection as its input and output. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'

/** The script, as systemd passes it to the shell, with another modprobe. */
function script(modprobe: string): string {
  const unit = readFileSync('systemd/units/fauxboot-card@.service', 'utf8')
  const [, quoted = ''] = /^ExecStart=\/bin\/sh -c '(.*?)'$/ms.exec(unit) ?? []
  return quoted.replaceAll('\\\n', ' ').replaceAll('$$', '$').replaceAll('/usr/bin/modprobe', modprobe)
}

/** @param fails what modprobe says when it cannot load a module */
function connect(t: Test, modules: string, fails = '') {
  const folder = t.testdir({ calls: '' })
  const [modprobe, calls] = [join(folder, 'modprobe'), join(folder, 'calls')]
  writeFileSync(modprobe, `#!/bin/sh\necho "$*" >>${calls}\n${fails === '' ? '' : `echo "${fails}" >&2; exit 1\n`}`)
  chmodSync(modprobe, 0o755)
  const child = spawn('/bin/sh', ['-c', script(modprobe)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { CARD_MODULES: modules, PATH: '/usr/bin:/bin' },
  })
  return { child, ended: once(child, 'close'), calls: () => readFileSync(calls, 'utf8').split('\n').filter(Boolean) }
}

t.test('the driver of the card stays as long as the connection does', async t => {
  const { child, ended, calls } = connect(t, 'one two')
  const [answer] = await once(child.stdout, 'data')
  t.equal(String(answer), 'ready\n')
  t.strictSame(calls(), ['--all one two'])
  child.stdin.end()
  await ended
  t.strictSame(calls(), ['--all one two', '--remove one two'])
})

t.test('what modprobe says instead is the answer, and so is a board without a card', async t => {
  for (const [modules, fails, expected] of [
    ['one', 'modprobe: FATAL: Module one not found', 'modprobe: FATAL: Module one not found\n'],
    ['', '', 'the board does not boot from an SD card\n'],
  ] as const) {
    const { child, ended } = connect(t, modules, fails)
    const [answer] = await once(child.stdout, 'data')
    t.equal(String(answer), expected)
    await ended
  }
})
