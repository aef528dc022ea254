/** The shell of `fauxboot-set-clock@.service`, as systemd starts it: with a request on its input. */

import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'

const NOW = 1_780_000_000
const TWENTY_YEARS = 631_152_000
const SYNCHRONIZED = '/run/systemd/timesync/synchronized'

/** The script, as systemd passes it to the shell: `systemd.service(5)`, "Command lines". */
function script(): string {
  const unit = readFileSync('systemd/units/fauxboot-set-clock@.service', 'utf8')
  const [, quoted = ''] = /^ExecStart=\/bin\/sh -c '(.*?)'$/ms.exec(unit) ?? []
  return quoted.replaceAll('\\\n', ' ').replaceAll('$$', '$').replaceAll('%%', '%')
}

/**
 * Send a request to the script, with a `date` of the test's in place of the real one.
 *
 * @param refusal what that `date` prints when it is to set the clock; none: it succeeds
 * @returns the answer, and the time that was set
 */
function request(t: Test, text: string, { synchronized = false, refusal = '' } = {}) {
  const folder = t.testdir({ set: '' })
  const [date, set, marker] = ['date', 'set', 'synchronized'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const refuse = `echo "${refusal}" >&2; exit 1`
  const body = `if [ "$1" = +%s ]; then echo ${NOW}; exit; fi\n${refusal === '' ? `echo "$2" >${set}` : refuse}\n`
  writeFileSync(date, `#!/bin/sh\n${body}`)
  chmodSync(date, 0o755)
  if (synchronized) writeFileSync(marker, '')
  const { stdout } = spawnSync('/bin/sh', ['-c', script().replace(SYNCHRONIZED, marker)], {
    input: text,
    encoding: 'utf8',
    env: { PATH: `${folder}:/usr/bin:/bin` },
  })
  return { answer: stdout.trim(), set: readFileSync(set, 'utf8').trim() }
}

t.test('the clock goes forward, by 20 years at most', async t => {
  for (const ahead of [1, TWENTY_YEARS]) {
    t.same(request(t, `${NOW + ahead}\n`), { answer: 'set', set: `@${NOW + ahead}` }, String(ahead))
  }
  for (const ahead of [-1, 0, TWENTY_YEARS + 1]) {
    t.same(request(t, `${NOW + ahead}\n`), { answer: 'kept', set: '' }, String(ahead))
  }
})

t.test('a clock that a time server has set stays', async t => {
  t.same(request(t, `${NOW + 1}\n`, { synchronized: true }), { answer: 'kept', set: '' })
})

t.test('a request that is no time changes nothing', async t => {
  const requests = ['', '\n', '0\n', '-1\n', '1e9\n', '$(id)\n', '1 -o 1\n', '* \n', '*\n', '017800000001\n']
  for (const text of [...requests, `${NOW + 1};id\n`, `${NOW + 1}0\n`, '9'.repeat(100_000), '`id`\n']) {
    t.same(request(t, text), { answer: 'kept', set: '' }, JSON.stringify(text.slice(0, 20)))
  }
})

t.test('a date that the system refuses is answered with its words', async t => {
  const answer = request(t, `${NOW + 1}\n`, { refusal: 'date: cannot set date: Operation not permitted' })
  t.same(answer, { answer: 'date: cannot set date: Operation not permitted', set: '' })
})
