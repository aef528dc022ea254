import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { availableMemory, createBoardHost } from '../../../../../agent/boot/board/linux-host.js'

const ORANGE_PI = {
  proc: {
    'device-tree': { model: 'Xunlong Orange Pi PC\0', compatible: 'xunlong,orangepi-pc\0allwinner,sun8i-h3\0' },
    iomem: '40000000-7fffffff : System RAM\n',
    meminfo: 'MemTotal:        1020000 kB\nMemFree:          800000 kB\nMemAvailable:     900000 kB\n',
    self: { status: 'Name:\tnode\nCapEff:\t0000000000401000\n' },
    sys: { kernel: { kexec_load_disabled: '0\n', osrelease: '6.12.0-armmp\n', random: { boot_id: 'b8e1f3a0\n' } } },
  },
  sys: {
    class: {
      net: {
        lo: { flags: '0x9\n', address: '00:00:00:00:00:00\n' },
        end0: { flags: '0x1003\n', address: '02:00:00:00:00:01\n' },
        wlan9: { flags: '0x1002\n' },
      },
      watchdog: {
        watchdog0: {
          identity: 'sunxi-wdt\n',
          state: 'inactive\n',
          timeout: '16\n',
          max_timeout: '16\n',
          nowayout: '0\n',
        },
        watchdog1: {},
      },
    },
    devices: { system: { cpu: { possible: '0-3\n', online: '0,2-3\n', cpu1: { online: '1\n' } } } },
    firmware: { fdt: 'tree' },
    module: { watchdog: { parameters: { stop_on_reboot: '0\n' } } },
  },
}

t.test('a board is read from /proc and /sys', async t => {
  const host = createBoardHost(t.testdir(ORANGE_PI))
  t.match(await host.iomem(), 'System RAM')
  t.same(await host.runningDtb(), Buffer.from('tree'))
  t.same(await host.memory(), { total: 1020000 * 1024, available: 900000 * 1024 })
  t.equal(await host.model(), 'Xunlong Orange Pi PC')
  t.same(await host.compatible(), ['xunlong,orangepi-pc', 'allwinner,sun8i-h3'])
  t.same(await host.cpus(), { possible: 4, online: 3, hotplug: true })
  t.equal(await host.kexecLoadDisabled(), false)
  t.equal(await host.bootId(), 'b8e1f3a0')
  t.equal(await host.capabilities(), 0x401000n)
  t.match(host.machine(), /\w/)
  t.equal(host.kernelRelease(), '6.12.0-armmp')
})

t.test('links are all interfaces but loopback, up or down, with or without an address', async t => {
  const host = createBoardHost(t.testdir(ORANGE_PI))
  t.same(await host.links(), [
    { name: 'end0', up: true, mac: '02:00:00:00:00:01', addresses: [] },
    { name: 'wlan9', up: false, mac: null, addresses: [] },
  ])
})

t.test('the MAC address of a link is found by the path and the alias of its node', async t => {
  const root = t.testdir({
    proc: { 'device-tree': { aliases: { ethernet0: '/soc/ethernet@830000\0', serial0: '/soc/serial@0\0' } } },
    sys: {
      firmware: { devicetree: { base: { soc: { 'ethernet@830000': {} } } } },
      class: {
        net: {
          eth0: {
            flags: '0x1003\n',
            address: '02:02:c3:99:67:87\n',
            device: { of_node: t.fixture('symlink', '../../../../firmware/devicetree/base/soc/ethernet@830000') },
          },
          // A USB adapter has no node.
          eth1: { flags: '0x1003\n', address: '02:00:00:00:00:01\n', device: {} },
        },
      },
    },
  })
  t.same(await createBoardHost(root).macAddresses(), {
    '/soc/ethernet@830000': '02:02:c3:99:67:87',
    ethernet0: '02:02:c3:99:67:87',
  })
})

t.test('the serial line has the speed of the kernel command line, and its node in the device tree', async t => {
  const of_node = t.fixture('symlink', '../../../../firmware/devicetree/base/soc/serial@0')
  const host = createBoardHost(
    t.testdir({
      proc: { cmdline: 'console=tty0 console=ttyS0,9600 console=ttyS0,115200n8 quiet\n' },
      sys: {
        firmware: { devicetree: { base: { soc: { 'serial@0': {} } } } },
        class: { tty: { console: { active: 'tty0 ttyS0\n' }, ttyS0: { device: { of_node } } } },
      },
    }),
  )
  const ttyS0 = { tty: 'ttyS0', baud: 115200, node: '/soc/serial@0' }
  t.same(await host.consoleLine('ttyS0'), ttyS0)
  t.same(await host.consoleLine(null), ttyS0, "the kernel's console is the last of those that are active")
  t.same(await host.consoleLine('ttyS1'), { tty: 'ttyS1', baud: null, node: null })
  t.equal(await createBoardHost(t.testdir({})).consoleLine(null), null)
})

t.test('before a link has its driver, its MAC address is the one that the boot loader wrote into the tree', async t => {
  const aliases = { ethernet0: '/soc/ethernet@830000\0', ethernet1: '/soc/ethernet@2\0', ethernet2: '/none\0' }
  const soc = {
    'ethernet@830000': { 'local-mac-address': Buffer.from('0202c3996787', 'hex') },
    'ethernet@2': { 'local-mac-address': Buffer.alloc(6) },
  }
  const host = createBoardHost(t.testdir({ proc: { 'device-tree': { aliases, soc } }, sys: { class: { net: {} } } }))
  t.same(await host.macAddresses(), { ethernet0: '02:02:c3:99:67:87' })
})

t.test('a watchdog whose driver tells nothing has nulls', async t => {
  const host = createBoardHost(t.testdir(ORANGE_PI))
  t.same(await host.watchdogs(), [
    {
      name: 'watchdog0',
      identity: 'sunxi-wdt',
      state: 'inactive',
      timeout: 16,
      maxTimeout: 16,
      stopsOnReboot: false,
      nowayout: false,
    },
    {
      name: 'watchdog1',
      identity: null,
      state: null,
      timeout: null,
      maxTimeout: null,
      stopsOnReboot: false,
      nowayout: null,
    },
  ])
})

t.test('an ordinary machine has no model, no device tree, no watchdog and one CPU', async t => {
  const host = createBoardHost(t.testdir({}))
  t.equal(await host.model(), null)
  t.same(await host.compatible(), [])
  t.equal(await host.runningDtb(), null)
  t.same(await host.watchdogs(), [])
  t.same(await host.links(), [])
  t.same(await host.cpus(), { possible: 1, online: 1, hotplug: null })
  t.equal(await host.kexecLoadDisabled(), null)
  t.equal(await host.capabilities(), null)
  await t.rejects(host.iomem(), { code: 'ENOENT' })
})

t.test('CPUs that cannot be stopped are reported', async t => {
  const host = createBoardHost(t.testdir({ sys: { devices: { system: { cpu: { possible: '0-1\n' } } } } }))
  t.same(await host.cpus(), { possible: 2, online: 1, hotplug: false })
})

t.test('possible CPUs are counted in the form that the kernel lists them', async t => {
  const host = createBoardHost(t.testdir({ sys: { devices: { system: { cpu: { possible: '0-3,6,8-9\n' } } } } }))
  t.equal((await host.cpus()).possible, 7)
})

t.test(
  'what is no interface is passed over, and a machine without a device tree has the name of its maker',
  async t => {
    const machine = { net: { bonding_masters: '' }, dmi: { id: { product_name: 'Standard PC\n' } } }
    const host = createBoardHost(t.testdir({ sys: { class: machine } }))
    t.same(await host.links(), [])
    t.equal(await host.model(), 'Standard PC')
    t.ok((await host.memory()).total > 0, 'the total is known to Node too')
  },
)

t.test('the machine that runs this test can be read', async t => {
  for (const { addresses } of await createBoardHost().links()) {
    for (const address of addresses) t.match(address, /^[0-9a-f.:%a-z]+\/\d+$/)
  }
  const { total, available } = await createBoardHost().memory()
  t.ok(total > available && available > 0)
})

t.test('the memory that may be taken is a part of what this machine has', async t => {
  const available = availableMemory()
  t.ok(available > 0 && available <= totalmem(), `${available} bytes`)
})

t.test('a link whose device receives while it is down loses its driver; others keep theirs', async t => {
  const root = t.testdir({
    sys: {
      bus: { drivers: { virtio_net: { unbind: '' }, 'sun8i-emac': { unbind: '' } } },
      devices: {
        virtio0: { driver: t.fixture('symlink', '../../bus/drivers/virtio_net') },
        '1c30000.ethernet': { driver: t.fixture('symlink', '../../bus/drivers/sun8i-emac') },
      },
      class: {
        net: {
          eth0: { device: t.fixture('symlink', '../../../devices/virtio0') },
          end0: { device: t.fixture('symlink', '../../../devices/1c30000.ethernet') },
          dummy0: {},
        },
      },
    },
  })
  const host = createBoardHost(root)
  const unbound = (driver: string) => readFileSync(join(root, 'sys/bus/drivers', driver, 'unbind'), 'utf8')
  t.equal(await host.detach('eth0'), true)
  t.equal(unbound('virtio_net'), 'virtio0')
  t.equal(await host.detach('end0'), false)
  t.equal(unbound('sun8i-emac'), '')
  t.equal(await host.detach('dummy0'), false)
})
