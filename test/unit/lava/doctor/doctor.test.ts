import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { examine, installLine } from '../../../../lava/doctor/checks.js'
import { type MachineProbe, thisMachine } from '../../../../lava/doctor/machine-probe.js'
import { fauxboot } from '../capture.js'

/** A machine that has everything. */
const WHOLE: MachineProbe = {
  nodeVersion: '20.19.0',
  isRoot: false,
  hasProgram: async () => true,
  hasFile: async () => true,
  serialPorts: async () => [{ path: '/dev/ttyUSB0', open: true }],
  takesDatagrams: async () => true,
  loads: async () => true,
}

const lacking = async (changes: Partial<MachineProbe>) =>
  (await examine({ ...WHOLE, ...changes }, null)).filter(({ verdict }) => verdict !== 'ok')

t.test('a machine that has everything lacks nothing', async t => {
  t.same(await lacking({}), [])
  t.equal(installLine(await examine(WHOLE, null)), null)
})

t.test('each thing that is missing has the line that mends it', async t => {
  const missing = ['mdir', 'qemu-system-arm', 'newuidmap']
  const programs = await lacking({ hasProgram: async name => !missing.includes(name) })
  t.same(
    programs.map(({ what, fix }) => `${what}: ${fix}`),
    [
      'mdir: sudo apt-get install mtools',
      'qemu-system-arm: sudo apt-get install qemu-system-arm',
      'newuidmap: sudo apt-get install uidmap',
    ],
  )
  t.equal(installLine(programs), 'sudo apt-get install mtools qemu-system-arm uidmap')
  t.same(await lacking({ isRoot: true, hasProgram: async name => name !== 'newuidmap' }), [], 'root needs no uidmap')
  t.match(await lacking({ nodeVersion: '20.18.3' }), [
    {
      what: 'Node 20.18.3',
      fix: /install Node 20\.19 or newer: sudo apt-get install nodejs npm; .*npm install --global node@20/,
    },
  ])
  t.match(await lacking({ nodeVersion: '18.20.0' }), [{ verdict: 'lacks' }])
  t.same(await lacking({ nodeVersion: '22.1.0' }), [])
  t.match(await lacking({ hasFile: async () => false }), [
    { fix: 'sudo apt-get install debian-archive-keyring' },
    { what: "the agent's bundle and its addon for the boards", fix: /npm run build/ },
  ])
  t.match(await lacking({ loads: async () => false }), [{ fix: 'npm rebuild @serialport/bindings-cpp' }])
  const locked = await lacking({ serialPorts: async () => [{ path: '/dev/ttyUSB0', open: false }] })
  t.match(locked, [{ verdict: 'lacks', what: '/dev/ttyUSB0', fix: /usermod -aG dialout/ }])
})

t.test('every program that builds a board image is looked for', async t => {
  const folder = 'systemd/image'
  const sources = readdirSync(folder).map(name => readFileSync(join(folder, name), 'utf8'))
  const started = sources.flatMap(source =>
    [...source.matchAll(/\brun\([^[\n]*\[\s*'([\w.-]+)'/g)].map(([, name]) => name),
  )
  t.ok(started.includes('readelf'), 'the sources are read as they are written')
  const known = (await lacking({ hasProgram: async () => false })).map(({ what }) => what)
  // apt and tar are part of every Debian, and mcopy comes with mdir.
  const unasked = ['apt-config', 'tar', 'mcopy']
  t.same(
    started.filter(name => ![...unasked, ...known].includes(String(name))),
    [],
  )
})

t.test('no adapter and no TFTP server may be as it should be', async t => {
  t.match(await lacking({ serialPorts: async () => [], takesDatagrams: async () => false }), [
    { verdict: 'note', what: 'no USB serial adapter' },
    { verdict: 'note', what: 'no TFTP server (UDP port 69)', fix: /tftpd-hpa/ },
  ])
  t.match(await lacking({ takesDatagrams: async () => null }), [{ verdict: 'note' }])
})

t.test('--for leaves out what another purpose needs', async t => {
  const found = await examine({ ...WHOLE, hasProgram: async () => false }, 'console')
  t.same(
    found.map(({ what }) => what),
    ['Node 20.19.0', 'ping', 'mdir', 'debugfs'],
  )
})

t.test('this machine can be asked', async t => {
  t.equal(await thisMachine.hasProgram('node'), true)
  t.equal(await thisMachine.hasProgram('no-such-program'), false)
  t.equal(await thisMachine.hasFile('package.json'), true)
  t.equal(await thisMachine.loads('node:fs'), true)
  t.equal(await thisMachine.loads('no-such-module'), false)
  t.type(await thisMachine.takesDatagrams(69), 'boolean')
  t.ok(Array.isArray(await thisMachine.serialPorts()))
})

t.test('fauxboot doctor prints a line for each thing, as JSON too', async t => {
  const { stdout, code } = await fauxboot(['doctor', '--for', 'console'])
  t.match(stdout, /^ok +Node \d/m)
  t.ok(code === 0 || code === 1)
  const json: unknown = JSON.parse((await fauxboot(['doctor', '--json', '--for', 'console'])).stdout)
  t.match(json, [{ verdict: 'ok', what: /^Node / }])
  t.match((await fauxboot(['doctor', '--for', 'fun'])).stderr, /Allowed choices are console, lab, image, demo/)
})
