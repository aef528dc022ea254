import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { needs } from '../../../peer.js'

const UNITS = 'systemd/units'
const names = readdirSync(UNITS).sort()
const read = (name: string): string => readFileSync(join(UNITS, name), 'utf8')

/** Files that the units name; this machine need not have them. */
const BOARD_FILES = [
  'bin/sh',
  'usr/bin/modprobe',
  'usr/bin/node',
  'usr/bin/systemctl',
  'usr/bin/udevadm',
  'usr/lib/systemd/systemd-timesyncd',
  'etc/fauxboot/board.env',
]

/** Debian's units that ours refer to; what they refer to in turn is not looked at. */
const TARGETS = ['shutdown', 'sockets', 'sysinit', 'umount'].map(name => `${name}.target`)

/** A folder that looks like the board to systemd-analyze. */
function boardRoot(t: Test): { root: string; units: string } {
  const root = t.testdir({})
  const units = join(root, 'usr/lib/systemd/system')
  mkdirSync(units, { recursive: true })
  for (const name of BOARD_FILES) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), '#!/bin/sh\n')
    chmodSync(join(root, name), 0o755)
  }
  for (const name of TARGETS) writeFileSync(join(units, name), `[Unit]\nDescription=${name}\n`)
  for (const name of names) if (!name.endsWith('.network')) cpSync(join(UNITS, name), join(units, name))
  return { root, units }
}

function verify(root: string, unit: string): { status: number | null; words: string } {
  const args = ['verify', '--man=no', `--root=${root}`, unit]
  const { status, stdout, stderr, error } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
  if (error !== undefined) throw error
  return { status, words: `${stdout}${stderr}` }
}

t.test('systemd-analyze verify finds nothing wrong with any unit', needs('systemd-analyze'), async t => {
  const { root, units } = boardRoot(t)
  for (const name of readdirSync(units).filter(unit => !unit.endsWith('.target'))) {
    t.strictSame(verify(root, join(units, name)), { status: 0, words: '' }, name)
  }
})

t.test('systemd-analyze verify finds what is wrong with a broken unit', needs('systemd-analyze'), async t => {
  const { root, units } = boardRoot(t)
  const broken = join(units, 'broken.service')
  writeFileSync(broken, read('fauxboot-agent.service').replace('Restart=always', 'Restart=often'))
  t.match(verify(root, broken).words, /broken\.service:\d+: Failed to parse .*often/)
})

t.test('the agent may load a kernel, reboot, set links, read memory, and little else', async t => {
  const unit = read('fauxboot-agent.service')
  const bounding = /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? []
  t.strictSame(bounding.sort(), [
    'CAP_NET_ADMIN',
    'CAP_NET_BIND_SERVICE',
    'CAP_NET_RAW',
    'CAP_SYS_ADMIN',
    'CAP_SYS_BOOT',
    'CAP_SYS_RAWIO',
  ])
  for (const line of [
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'PrivateTmp=yes',
    'ProtectHome=yes',
    'ProtectClock=yes',
  ]) {
    t.ok(unit.includes(`\n${line}\n`), line)
  }
  t.notMatch(unit, /^MemoryDenyWriteExecute=(yes|true|1)/m, 'V8 writes code')
  // ProtectClock closes every device that is not listed.
  for (const type of ['char', 'block']) t.match(unit, new RegExp(`^DeviceAllow=${type}-\\* rw$`, 'm'))
})

t.test('systemd-analyze security rates the agent as at most 3.5', needs('systemd-analyze'), async t => {
  const args = ['security', '--offline=true', '--no-pager', join(UNITS, 'fauxboot-agent.service')]
  const { stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
  const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? []
  t.ok(Number(exposure) <= 3.5, `${exposure} ${stderr}`)
})

t.test('the agent is started again whatever ends it, and waits for no network', async t => {
  const unit = read('fauxboot-agent.service')
  for (const line of ['Type=notify', 'NotifyAccess=main', 'Restart=always', 'StartLimitIntervalSec=0']) {
    t.ok(unit.includes(`\n${line}\n`), line)
  }
  t.match(unit, /^WatchdogSec=\d+/m)
  t.notMatch(unit, /network.*\.target/)
})

t.test(
  'artifacts, and the memory of the fake U-Boot, lie in file systems in memory that are there before the agent',
  async t => {
    const agent = read('fauxboot-agent.service')
    for (const folder of ['artifacts', 'uboot']) {
      const name = `run-fauxboot-${folder}.mount`
      const unit = read(name)
      t.ok(unit.includes(`\nWhere=/run/fauxboot/${folder}\n`))
      t.match(unit, /^Type=tmpfs$/m)
      t.match(unit, /^Options=size=75%,/m)
      for (const key of ['After', 'Requires']) t.match(agent, new RegExp(`^${key}=.*\\b${name}\\b`, 'm'))
    }
  },
)

t.test('every wired link asks for an address by its MAC address', async t => {
  const network = read('80-fauxboot-wired.network')
  t.match(network, /^\[Match\]\nType=ether$/m)
  t.match(network, /^DHCP=yes$/m)
  t.match(network, /^ClientIdentifier=mac$/m)
  t.match(network, /^UseNTP=yes$/m, "the lease's time servers set the clock")
})
