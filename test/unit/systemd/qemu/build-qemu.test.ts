import { spawnSync } from 'node:child_process'
import { chmod, readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import t from 'tap'
import { buildProgress } from '../../../../systemd/qemu/build-progress.js'
import {
  firmwareNames,
  lackingPackages,
  patchesOf,
  QEMU_BUILD_PACKAGES,
} from '../../../../systemd/qemu/cubieboard4-qemu.js'
import { aptConfiguration, mirrorsOf, versionOf } from '../../../../systemd/qemu/qemu-source.js'

const MACHINE = 'systemd/qemu/cubieboard4'

t.test("the mirror is the one that the host's apt uses for Debian", async t => {
  const targets = `http://mirror.lab/debian/ Debian
http://mirror.lab/debian/ Debian
http://mirror.lab/debian-security/ Debian
https://deb.nodesource.com/node_20.x/ nodesource
`
  t.same(mirrorsOf(targets), ['http://mirror.lab/debian', 'http://deb.debian.org/debian'])
})

t.test('a host without a mirror of Debian gets the one that everybody can reach', async t => {
  t.same(mirrorsOf(''), ['http://deb.debian.org/debian'])
})

t.test('apt keeps its state in the folder that it is given', async t => {
  const text = aptConfiguration('/made/here')
  t.match(text, 'Dir::State "/made/here/state";')
  t.match(text, 'Dir::Etc::sourcelist "/made/here/sources.list";')
  t.match(text, 'Dir::State::status "/dev/null";')
})

t.test("the version is that of Debian's package", async t => {
  t.equal(versionOf('Format: 3.0 (quilt)\nSource: qemu\nVersion: 1:10.0.13+ds-0+deb13u1\n'), '1:10.0.13+ds-0+deb13u1')
  t.throws(() => versionOf('Format: 3.0 (quilt)\n'), { code: 'BUILD_INPUT' })
})

t.test("Debian's patches are applied in their order, without what is commented out", async t => {
  t.same(patchesOf('# first\na.patch\n\n  b.diff # why\n#c.patch\n'), ['a.patch', 'b.diff'])
})

t.test('firmware that Debian leaves out is found in the list of the build', async t => {
  t.same(firmwareNames("roms = []\n\nblobs = [\n  'bios.bin',\n  'QEMU,tcx.bin',\n]\n\ndtc = ['x']\n"), [
    'bios.bin',
    'QEMU,tcx.bin',
  ])
  t.same(firmwareNames('roms = []\n'), [])
})

t.test('every C file of the machine is built, and every file says its licence', async t => {
  const files = await readdir(MACHINE)
  const mesonBuild = await readFile(join(MACHINE, 'meson.build'), 'utf8')
  for (const file of files.filter(name => /\.[ch]$/.test(name))) {
    t.match(await readFile(join(MACHINE, file), 'utf8'), 'SPDX-License-Identifier: GPL-2.0-or-later', file)
    if (file.endsWith('.c')) t.match(mesonBuild, `'${file}'`)
  }
})

t.test('the packages that the build needs are named', async t => {
  t.hasProps(QEMU_BUILD_PACKAGES, ['libglib2.0-dev', 'ninja-build', 'python3-venv'])
})

t.test('a package that dpkg does not know, or that was removed, is missing', async t => {
  const names = Object.keys(QEMU_BUILD_PACKAGES)
  const statusOf = (name: string): string => (name === 'patch' ? 'config-files' : 'installed')
  const statuses = names.filter(name => name !== 'bison').map(name => `${name} ${statusOf(name)}\n`)
  t.same(lackingPackages(statuses.join('')), ['bison', 'patch'])
  t.same(lackingPackages(names.map(name => `${name} installed\n`).join('')), [])
})

t.test('a build for which packages are missing fetches nothing, and says the line that installs them', async t => {
  const bin = t.testdir({ 'dpkg-query': '#!/bin/sh\nexit 1\n', cache: {} })
  await chmod(join(bin, 'dpkg-query'), 0o755)
  const program = join(import.meta.dirname, '../../../../systemd/qemu', `build-qemu${extname(import.meta.filename)}`)
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, FAUXBOOT_CACHE: join(bin, 'cache') }
  const { status, stderr } = spawnSync(process.execPath, [...process.execArgv, program], { encoding: 'utf8', env })
  t.equal(status, 1, stderr)
  t.match(
    stderr,
    /^building QEMU for a Cubieboard4: .*bison.*patch.*run `npm run setup -- cubieboard4`, then try again$/m,
  )
  t.same(await readdir(join(bin, 'cache')), [])
})

t.test('on a terminal the progress is one line', async t => {
  const written: string[] = []
  const progress = buildProgress({ isTTY: true, write: text => written.push(text) })
  progress(1, 4)
  progress(4, 4)
  t.same(written, ['\rbuilding QEMU: 25% (1 of 4)', '\rbuilding QEMU: 100% (4 of 4)\n'])
})

t.test('in a log the progress is a line per quarter', async t => {
  const written: string[] = []
  const progress = buildProgress({ write: text => written.push(text) })
  for (let done = 0; done <= 8; done++) progress(done, 8)
  t.same(written, [
    'building QEMU: 0% (0 of 8)\n',
    'building QEMU: 25% (2 of 8)\n',
    'building QEMU: 50% (4 of 8)\n',
    'building QEMU: 75% (6 of 8)\n',
    'building QEMU: 100% (8 of 8)\n',
  ])
})
