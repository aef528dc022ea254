/** The shells of `fauxboot-agent.service`, as systemd starts them. */

import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { nodeFlags } from '../../../../systemd/image/agent-files.js'

const UNIT = readFileSync('systemd/units/fauxboot-agent.service', 'utf8')
const AGENT = '/usr/lib/fauxboot/fauxboot-agent.cjs'
const SNAPSHOT = '/usr/lib/fauxboot/fauxboot-agent.snapshot'

/** A script as systemd passes it to the shell: `systemd.service(5)`, "Command lines". */
function script(key: 'ExecStart' | 'ExecStopPost'): string {
  const [, quoted = ''] = new RegExp(`^${key}=/bin/sh -c '(.*?)'$`, 'ms').exec(UNIT) ?? []
  return quoted.replaceAll('\\\n', ' ').replaceAll('$$', '$')
}

/** A board whose Node prints its arguments. */
function board(t: Test, files: Readonly<Record<string, string>> = { snapshot: '' }) {
  const folder = t.testdir(files)
  const [node, marker, snapshot] = [join(folder, 'node'), join(folder, 'no-snapshot'), join(folder, 'snapshot')]
  writeFileSync(node, '#!/bin/sh\necho "$@"\n')
  chmodSync(node, 0o755)
  const run = (key: 'ExecStart' | 'ExecStopPost', env: NodeJS.ProcessEnv = {}): string => {
    const places = { '/usr/bin/node': node, '/run/fauxboot/no-snapshot': marker, [SNAPSHOT]: snapshot }
    const text = Object.entries(places).reduce((text, [path, here]) => text.replaceAll(path, here), script(key))
    return spawnSync('/bin/sh', ['-c', text], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', ...env },
    }).stdout.trim()
  }
  return {
    start: () => run('ExecStart'),
    ended: (EXIT_STATUS: string) => run('ExecStopPost', { EXIT_STATUS }),
    marker,
    snapshot,
  }
}

t.test('the agent starts from its snapshot', async t => {
  const { start, snapshot } = board(t)
  t.equal(start(), `--snapshot-blob ${snapshot} ${AGENT}`)
})

t.test('without a snapshot, as in the Debian package, the agent starts from its bundle', async t => {
  t.equal(board(t, {}).start(), AGENT)
})

t.test('a snapshot that Node refuses, or that crashes it, is not used again', async t => {
  for (const status of ['14', 'ABRT', 'SEGV']) {
    const { start, ended } = board(t)
    t.equal(ended(status), `the agent ended with ${status}; it starts without its snapshot now`)
    t.equal(start(), AGENT)
    t.equal(ended(status), '', 'said once')
  }
})

t.test('an agent that ends otherwise keeps its snapshot', async t => {
  for (const status of ['0', '1', 'TERM', 'KILL', '']) {
    const { ended, marker } = board(t)
    t.equal(ended(status), '')
    t.notOk(existsSync(marker), status)
  }
})

t.test("the image builder makes the snapshot with the unit's flags", async t => {
  t.strictSame(nodeFlags(UNIT), [])
  const flags = ['--optimize-for-size', '--max-semi-space-size=1']
  t.strictSame(nodeFlags(UNIT.replace('bin/node ', `bin/node ${flags.join(' ')} `)), flags)
  t.throws(() => nodeFlags('ExecStart=/bin/true'), { code: 'BUILD_INPUT' })
})
