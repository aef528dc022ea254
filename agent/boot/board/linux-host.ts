/** The machine that the agent runs on, read from `/proc` and `/sys` (`Documentation/ABI`, `proc(5)`). */

import { readFileSync } from 'node:fs'
import { readdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { freemem, machine, networkInterfaces, release, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import type { ConsoleLine } from '../../kexec/checks/console-line.js'
import type { BoardHost, HostLink, WatchdogView } from './board.js'
import { type SerialDamage, serialDamage, uartDriver } from './serial-damage.js'

/** `IFF_UP` and `IFF_LOOPBACK` of `netdevice(7)` */
const UP = 0x1
const LOOPBACK = 0x8

/** `0-3,6` as numbers; the kernel's list format. */
function countList(list: string): number {
  const ranges = list.split(',').map(range => range.split('-').map(Number))
  return ranges.reduce((count, [first = 0, last = first]) => count + last - first + 1, 0)
}

/** A field of `/proc/meminfo` in bytes. */
function meminfoField(text: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)
  return match === null ? undefined : Number(match[1]) * 1024
}

/**
 * Whether the kernel stops its watchdogs before a reboot, `/sys/module/watchdog/parameters/stop_on_reboot`. A kexec passes
 * through the same notifiers as a reboot. -1 leaves it to the driver: most, such as sunxi_wdt, have it stopped.
 */
const STOPS_ON_REBOOT: Readonly<Record<string, boolean>> = { 0: false, 1: true }

/** `MemAvailable` of this machine, bytes. */
export function availableMemory(): number {
  return meminfoField(readFileSync('/proc/meminfo', 'latin1'), 'MemAvailable') ?? freemem()
}

/**
 * Drivers that leave receive buffers with a device whose link is down. Only taking the driver away resets it, and a
 * target that starts over such buffers dies at random and silently.
 */
const RECEIVES_WHILE_DOWN = ['virtio_net']

class LinuxHost implements BoardHost {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  iomem(): Promise<string> {
    return readFile(this.#path('proc/iomem'), 'latin1')
  }

  async runningDtb(): Promise<Uint8Array | null> {
    return this.#bytes('sys/firmware/fdt')
  }

  async memory(): Promise<{ readonly total: number; readonly available: number }> {
    const text = this.#text('proc/meminfo') ?? ''
    return {
      total: meminfoField(text, 'MemTotal') ?? totalmem(),
      available: meminfoField(text, 'MemAvailable') ?? freemem(),
    }
  }

  async model(): Promise<string | null> {
    const [model] = this.#treeStrings('model')
    return model ?? this.#text('sys/class/dmi/id/product_name')
  }

  async compatible(): Promise<readonly string[]> {
    return this.#treeStrings('compatible')
  }

  machine(): string {
    return machine()
  }

  kernelRelease(): string {
    // The release of node:os is that of the machine on which the agent's snapshot was made.
    return this.#text('proc/sys/kernel/osrelease') ?? release()
  }

  async bootId(): Promise<string | null> {
    return this.#text('proc/sys/kernel/random/boot_id')
  }

  async links(): Promise<readonly HostLink[]> {
    const names = await this.#names('sys/class/net')
    return names.map(name => this.#link(name)).filter(link => link !== null)
  }

  async macAddresses(): Promise<Readonly<Record<string, string>>> {
    const byPath = new Map<string, string>()
    for (const { name, mac } of await this.links()) {
      const path = await this.#nodeOf(`sys/class/net/${name}`)
      if (path !== null && mac !== null) byPath.set(path, mac)
    }
    const byAlias = (await this.#names('proc/device-tree/aliases')).flatMap(alias => {
      const [path = ''] = alias.startsWith('ethernet') ? this.#treeStrings(`aliases/${alias}`) : []
      const mac = byPath.get(path) ?? this.#bootLoaderMac(path)
      return mac === null ? [] : [[alias, mac] as const]
    })
    return Object.fromEntries([...byPath, ...byAlias])
  }

  async watchdogs(): Promise<readonly WatchdogView[]> {
    const names = await this.#names('sys/class/watchdog')
    return names.map(name => this.#watchdog(name))
  }

  async consoleLine(tty: string | null): Promise<ConsoleLine | null> {
    // The kernel's own console is the last of those that are active.
    const name = tty ?? this.#text('sys/class/tty/console/active')?.split(' ').at(-1) ?? ''
    if (name === '') return null
    const consoles = (this.#text('proc/cmdline') ?? '').split(' ').filter(word => word.startsWith(`console=${name},`))
    const baud = Number.parseInt(consoles.at(-1)?.slice(`console=${name},`.length) ?? '', 10)
    return { tty: name, baud: baud > 0 ? baud : null, node: await this.#nodeOf(`sys/class/tty/${name}`) }
  }

  async serialDamage(tty: string): Promise<SerialDamage | null> {
    const driver = uartDriver(this.#text('proc/tty/drivers') ?? '', tty)
    return driver && serialDamage(this.#text(`proc/tty/driver/${driver.name}`) ?? '', driver.line)
  }

  async cpus(): Promise<{ readonly possible: number; readonly online: number; readonly hotplug: boolean | null }> {
    const count = (list: string): number => countList(this.#text(`sys/devices/system/cpu/${list}`) ?? '0')
    const [possible, online] = [count('possible'), count('online')]
    if (possible === 1) return { possible, online, hotplug: null }
    // The file is there when kernel and platform can stop the CPU.
    return { possible, online, hotplug: this.#text('sys/devices/system/cpu/cpu1/online') !== null }
  }

  async kexecLoadDisabled(): Promise<boolean | null> {
    const text = this.#text('proc/sys/kernel/kexec_load_disabled')
    return text === null ? null : text !== '0'
  }

  async capabilities(): Promise<bigint | null> {
    const digits = /^CapEff:\s+([0-9a-f]{1,16})$/m.exec(this.#text('proc/self/status') ?? '')?.[1]
    return digits === undefined ? null : BigInt(`0x${digits}`)
  }

  async detach(name: string): Promise<boolean> {
    const device = this.#path(`sys/class/net/${name}/device`)
    const driver = await realpath(join(device, 'driver')).catch(() => '')
    if (!RECEIVES_WHILE_DOWN.includes(basename(driver))) return false
    await writeFile(join(driver, 'unbind'), basename(await realpath(device)))
    return true
  }

  /** Path in the device tree of the node of a link, or of another one that has a device; null without one. */
  async #nodeOf(owner: string): Promise<string | null> {
    const node = await realpath(this.#path(`${owner}/device/of_node`)).catch(() => null)
    return node === null ? null : (/\/devicetree\/base(\/.*)$/.exec(node)?.[1] ?? null)
  }

  /** The address that the boot loader wrote into a node; null without one, or if it is zero. */
  #bootLoaderMac(path: string): string | null {
    const bytes = path === '' ? null : this.#bytes(`proc/device-tree${path}/local-mac-address`)
    if (bytes?.length !== 6 || bytes.every(byte => byte === 0)) return null
    return bytes.toString('hex').replace(/(..)(?=.)/g, '$1:')
  }

  #link(name: string): HostLink | null {
    const flags = Number(this.#text(`sys/class/net/${name}/flags`) ?? LOOPBACK)
    if ((flags & LOOPBACK) !== 0) return null
    const addresses = networkInterfaces()[name] ?? []
    return {
      name,
      up: (flags & UP) !== 0,
      mac: this.#text(`sys/class/net/${name}/address`) || null,
      addresses: addresses.map(({ address, cidr }) => cidr ?? address),
    }
  }

  #watchdog(name: string): WatchdogView {
    const read = (field: string): string | null => this.#text(`sys/class/watchdog/${name}/${field}`)
    const [state, timeout, nowayout] = [read('state'), read('timeout'), read('nowayout')]
    const stopsOnReboot = this.#text('sys/module/watchdog/parameters/stop_on_reboot') ?? ''
    return {
      name,
      identity: read('identity'),
      state: state === 'active' || state === 'inactive' ? state : null,
      timeout: timeout === null ? null : Number(timeout),
      // 0 stands for no limit.
      maxTimeout: Number(read('max_timeout')) || null,
      stopsOnReboot: STOPS_ON_REBOOT[stopsOnReboot] ?? null,
      nowayout: nowayout === null ? null : nowayout === '1',
    }
  }

  /** Strings of a property of the device tree, each ended by NUL. */
  #treeStrings(property: string): string[] {
    const bytes = this.#bytes(`proc/device-tree/${property}`)
    return bytes === null ? [] : bytes.toString('utf8').split('\0').slice(0, -1)
  }

  #path(path: string): string {
    return join(this.#root, path)
  }

  /** Null for anything unreadable: the kernel lacks it or hides it. */
  #bytes(path: string): Buffer | null {
    try {
      // sysfs gives one page at a time: the synchronous read goes on until it has all, and its 256 turns for a tree of
      // 1 MiB take the time of ten asynchronous ones.
      return readFileSync(this.#path(path))
    } catch {
      return null
    }
  }

  #text(path: string): string | null {
    return this.#bytes(path)?.toString('utf8').trim() ?? null
  }

  async #names(path: string): Promise<string[]> {
    return (await readdir(this.#path(path)).catch(() => [])).sort()
  }
}

/** @param root where `/proc` and `/sys` are; `/` unless given */
export function createBoardHost(root = '/'): BoardHost {
  return new LinuxHost(root)
}
