import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'

const NEWER = 'sudo npm install --global node@20, then open a new shell'

/**
 * Run `test/setup.sh` where only some programs are.
 *
 * @param programs scripts by their names; `dpkg-query` and `apt-get` note that they were called
 */
function setUp(t: Test, programs: Readonly<Record<string, string>>) {
  const note = '#!/bin/sh\ntouch "$FAUXBOOT_CACHE/called"\n'
  const all = { 'dpkg-query': note, 'apt-get': note, ...programs }
  const folder = t.testdir({ bin: all, cache: {} })
  for (const name of Object.keys(all)) chmodSync(join(folder, 'bin', name), 0o755)
  for (const name of ['dirname', 'id', 'grep', 'touch']) symlinkSync(`/usr/bin/${name}`, join(folder, 'bin', name))
  const env = { PATH: join(folder, 'bin'), FAUXBOOT_CACHE: join(folder, 'cache') }
  const { status, stderr } = spawnSync('/bin/sh', ['test/setup.sh', 'demo'], { env, encoding: 'utf8' })
  return { status, stderr, called: existsSync(join(folder, 'cache', 'called')) }
}

t.test('set-up prints the line that installs Node before it looks at any package', async t => {
  t.strictSame(setUp(t, {}), {
    status: 1,
    stderr: `test/setup.sh: needs Node 20.19 or newer with npm: sudo apt-get install nodejs npm; on Debian 12 then: ${NEWER}\n`,
    called: false,
  })
})

t.test('a Node that is too old is named with the line that installs a newer one', async t => {
  const node = '#!/bin/sh\n[ "$1" != --version ] || echo v18.20.4\n[ "$1" != -e ]\n'
  t.strictSame(setUp(t, { node, npm: '#!/bin/sh\n' }), {
    status: 1,
    stderr: `test/setup.sh: needs Node 20.19 or newer, found v18.20.4; with its npm: ${NEWER}\n`,
    called: false,
  })
})
