import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { pause } from '../../../../../agent/transfer/abort.js'
import type { CommandRunner } from '../../../../../agent/uboot/hardware/command-runner.js'
import { LinuxLinks } from '../../../../../agent/uboot/hardware/network-links.js'

const MAC = '02:11:22:33:44:55'
const OTHER_MAC = '02:11:22:33:44:66'
const IFF_UP = '0x1003\n'

/** What happens while a test waits, by milliseconds since its start. */
type Events = Readonly<Record<number, () => void>>

interface Cables {
  readonly links: LinuxLinks
  /** commands that were run */
  readonly ran: string[]
  /** names for which there was a sign of waiting */
  readonly signs: (string | null)[]
  readonly sign: (name: string | null) => void
  /** milliseconds that passed */
  passed(): number
  /** A driver makes a link. */
  appear(link: string): void
  plug(link: string, attribute: string, text: string): void
}

/** A board whose clock jumps, with no link at first. @param status of each `ip`. @param leased ms with an address after `down` */
function board(
  t: Test,
  { events = {}, status = 0, leased = 0 }: { events?: Events; status?: number; leased?: number } = {},
): Cables {
  const root = t.testdir({ sys: { class: { net: {} } }, devices: { virtio3: {} } })
  const ran: string[] = []
  const signs: (string | null)[] = []
  let passed = 0
  const folder = (link: string): string => join(root, 'sys/class/net', link)
  const plug = (link: string, attribute: string, text: string): void => {
    writeFileSync(join(folder(link), attribute), text)
  }
  const runner: CommandRunner = {
    async run(program, args) {
      ran.push([program, ...args].join(' '))
      if (args.includes('down')) rmSync(join(folder(args[4] ?? ''), 'carrier'))
      const isLeased = args.includes('show') && passed < leased
      return { status, stdout: isLeased ? '    inet 10.0.2.15/24 scope global eth1\n' : '', stderr: '' }
    },
  }
  const wait: typeof pause = async (milliseconds, signal) => {
    signal?.throwIfAborted()
    passed += milliseconds
    events[passed]?.()
  }
  return {
    links: new LinuxLinks({ runner, root, linkSeconds: 60, wait }),
    ran,
    signs,
    sign: name => void signs.push(name),
    passed: () => passed,
    appear(link) {
      mkdirSync(folder(link))
      symlinkSync(join(root, 'devices/virtio3'), join(folder(link), 'device'))
      plug(link, 'type', '1\n')
      plug(link, 'address', `${MAC}\n`)
      plug(link, 'flags', '0x1002\n')
    },
    plug,
  }
}

const { signal } = new AbortController()
const NAME = 'virtio-net#3'

t.test('a link with a carrier is used at once', async t => {
  const { links, ran, signs, sign, passed, appear, plug } = board(t)
  appear('eth0')
  plug('eth0', 'carrier', '1\n')
  t.match(await links.connect(MAC.toUpperCase(), sign, signal), { link: 'eth0', active: true })
  t.same([ran, signs, passed()], [[], [], 0])
})

t.test('a link that is down is brought up, and its carrier waited for with a sign each half second', async t => {
  const events = { 50: () => plug('eth0', 'flags', IFF_UP), 30000: () => plug('eth0', 'carrier', '1\n') }
  const { links, ran, signs, sign, passed, appear, plug } = board(t, { events })
  appear('eth0')
  t.match(await links.connect(null, sign, signal), { link: 'eth0', active: true })
  t.same(ran, ['busybox ip link set dev eth0 up'])
  t.same(
    signs,
    Array.from({ length: 60 }, () => NAME),
  )
  t.equal(passed(), 30_000)
})

t.test('a link whose driver refuses to bring it up is tried again', async t => {
  const { links, ran, sign, appear, plug } = board(t, {
    status: 2,
    events: { 950: () => plug('eth0', 'carrier', '1\n') },
  })
  appear('eth0')
  t.match(await links.connect(null, sign, signal), { active: true })
  t.equal(ran.length, 2)
})

t.test('a link whose driver comes late is waited for', async t => {
  const events = { 1000: () => appear('eth0'), 1250: () => plug('eth0', 'carrier', '1\n') }
  const { links, signs, sign, appear, plug } = board(t, { events })
  t.match(await links.connect(null, sign, signal), { active: true })
  t.same(signs, [null, null, NAME])
})

t.test('of several links, the first one with a carrier is used', async t => {
  const { links, sign, appear, plug } = board(t, { events: { 100: () => plug('eth1', 'carrier', '1\n') } })
  for (const link of ['eth0', 'eth1']) appear(link)
  t.match(await links.connect(null, sign, signal), { link: 'eth1' })
})

t.test('another MAC address is set on the link that has a carrier, and its carrier waited for once more', async t => {
  const { links, ran, signs, sign, passed, appear, plug } = board(t, {
    events: { 3000: () => plug('eth1', 'carrier', '1\n') },
  })
  for (const link of ['eth0', 'eth1']) {
    appear(link)
    plug(link, 'flags', IFF_UP)
  }
  plug('eth1', 'carrier', '1\n')
  t.match(await links.connect(OTHER_MAC, sign, signal), { link: 'eth1', active: true })
  t.same(ran, [
    'busybox ip link set dev eth1 down',
    'busybox ip -4 addr show dev eth1',
    `busybox ip link set dev eth1 address ${OTHER_MAC}`,
    'busybox ip link set dev eth1 up',
  ])
  t.same([signs.length, passed()], [6, 3000])
})

t.test('the lease of the old MAC address is gone before the new one is set, unless nobody takes it away', async t => {
  for (const [leased, looks] of [
    [200, 5],
    [Number.POSITIVE_INFINITY, 60],
  ] as const) {
    const events = Object.fromEntries(
      Array.from({ length: 99 }, (_, n) => [n * 50, () => plug('eth0', 'carrier', '1\n')]),
    )
    const { links, ran, sign, appear, plug } = board(t, { events, leased })
    appear('eth0')
    plug('eth0', 'carrier', '1\n')
    await links.connect(OTHER_MAC, sign, signal)
    const shown = ran.filter(line => line === 'busybox ip -4 addr show dev eth0').length
    t.equal(shown, looks)
    t.equal(ran.indexOf(`busybox ip link set dev eth0 address ${OTHER_MAC}`), looks + 1)
  }
})

t.test('a carrier that does not come is waited for as long as the setting says', async t => {
  const { links, sign, passed, appear } = board(t)
  t.equal(await links.connect(null, sign, signal), null)
  t.equal(passed(), 60_000)
  appear('eth0')
  t.match(await links.connect(OTHER_MAC, sign, signal), { active: false })
})

t.test('the wait ends with ^C', async t => {
  const { links, sign, appear } = board(t)
  appear('eth0')
  await t.rejects(links.connect(null, sign, AbortSignal.abort(new Error('^C'))), { message: '^C' })
})
