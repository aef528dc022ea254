import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { POSTINST, POSTRM, PRERM } from '../../../../systemd/deb/control-files.js'
import { buildDeb } from '../../../../systemd/deb/deb-package.js'
import { AGENT_BUNDLE, AGENT_PREBUILDS } from '../../../../systemd/paths.js'
import { needs } from '../../../peer.js'

const BUILT = [AGENT_BUNDLE, AGENT_PREBUILDS].map(file => ({ file, madeBy: 'npm run build' }))
const OPTIONS = { maintainer: 'A Lab <lab@lab.fauxboot.net>', date: new Date('2026-01-02T03:04:05Z') }

t.test('the package of the agent', needs('dpkg-deb', 'lintian', ...BUILT), async t => {
  const deb = await buildDeb({ ...OPTIONS, out: t.testdir() })

  await t.test('holds the agent, its addon, units, manual and settings, all of root', async t => {
    const list = execFileSync('dpkg-deb', ['--contents', deb], { encoding: 'utf8' })
    for (const name of [
      'usr/lib/fauxboot/fauxboot-agent.cjs',
      'usr/lib/fauxboot/prebuilds/linux-arm/fauxboot.node',
      'usr/lib/systemd/system/fauxboot-agent.service',
      'usr/sbin/fauxboot-agent',
      'usr/share/man/man8/fauxboot-agent.8.gz',
      'etc/fauxboot/agent.json',
    ]) {
      t.match(list, ` ./${name}\n`)
    }
    t.notMatch(list, 'snapshot', 'an update of Node would make it useless')
    for (const line of list.trim().split('\n')) t.match(line, / root\/root /)
  })

  await t.test('needs every program that the agent runs', async t => {
    const depends = execFileSync('dpkg-deb', ['--field', deb, 'Depends'], { encoding: 'utf8' })
    for (const name of ['nodejs (>= 20.19)', 'busybox | busybox-static', 'bzip2', 'xz-utils', 'zstd']) {
      t.ok(depends.trim().split(', ').includes(name), name)
    }
  })

  await t.test('has nothing that lintian warns of', async t => {
    const { status, stdout } = spawnSync('lintian', ['--allow-root', '--fail-on', 'warning', deb], { encoding: 'utf8' })
    t.equal(stdout, '')
    t.equal(status, 0)
  })
})

t.test('the code is compiled with the options of the Node that the unit starts', async t => {
  const unit = readFileSync('systemd/units/fauxboot-agent.service', 'utf8')
  const [, options] = /^Environment=(NODE_OPTIONS=\S+)/m.exec(unit) ?? []
  t.match(POSTINST, ` ${options} `)
})

t.test("the package's scripts are valid shell", async t => {
  for (const script of [POSTINST, PRERM, POSTRM]) {
    const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' })
    t.equal(stderr, '')
    t.equal(status, 0)
  }
})
