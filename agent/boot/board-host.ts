/** What the running Linux says of its board: `/proc` and `/sys`, as `proc(5)`, `sysfs(5)` and the kernel's ABI documents tell. */

import { readdir, readFile } from 'node:fs/promises'
import { machine, networkInterfaces, release } from 'node:os'
import { join } from 'node:path'
import type { BoardHost, HostLink, WatchdogView } from './board.js'

/** `IFF_UP` and `IFF_LOOPBACK` of `netdevice(7)`. */
const IFF_UP = 0x1
const IFF_LOOPBACK = 0x8

/**
 * The machine that the agent runs on.
 *
 * @param root where `/proc` and `/sys` are; tests have their own
 */
export function createBoardHost(root = '/'): BoardHost {
  const path = (...parts: string[]): string => join(root, ...parts)

  /** A file that is not there on every machine: its text without the white space around it, or null. */
  const text = async (...parts: string[]): Promise<string | null> => {
    const bytes = await content(path(...parts))
    return bytes === null ? null : bytes.toString('utf8').trim()
  }
  const list = async (...parts: string[]): Promise<string[]> => {
    const names = await optional(readdir(path(...parts)))
    return names?.sort() ?? []
  }
  /** Strings of a device tree's property, each ended by a NUL. */
  const strings = async (property: string): Promise<string[]> => {
    const value = await content(path('proc/device-tree', property))
    return value === null ? [] : value.toString('utf8').split('\0').slice(0, -1)
  }

  async function link(name: string): Promise<HostLink | null> {
    const flags = Number(await text('sys/class/net', name, 'flags'))
    if (Number.isNaN(flags) || (flags & IFF_LOOPBACK) !== 0) return null
    const mac = await text('sys/class/net', name, 'address')
    const addresses = (networkInterfaces()[name] ?? []).flatMap(({ cidr }) => cidr ?? [])
    return { name, up: (flags & IFF_UP) !== 0, mac: mac || null, addresses }
  }

  async function watchdog(name: string): Promise<WatchdogView> {
    const attribute = (file: string): Promise<string | null> => text('sys/class/watchdog', name, file)
    const [identity, state, timeout, nowayout] = await Promise.all(
      ['identity', 'state', 'timeout', 'nowayout'].map(attribute),
    )
    return {
      name,
      identity: identity ?? null,
      state: state === 'active' || state === 'inactive' ? state : null,
      timeout: number(timeout),
      nowayout: flag(nowayout),
    }
  }

  return {
    iomem: () => readFile(path('proc/iomem'), 'utf8'),
    runningDtb: () => content(path('sys/firmware/fdt')),
    async memory() {
      const meminfo = (await text('proc/meminfo')) ?? ''
      const bytes = (field: string): number =>
        Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(meminfo)?.[1]) * 1024
      return { total: bytes('MemTotal'), available: bytes('MemAvailable') }
    },
    model: async () => (await strings('model'))[0] ?? null,
    compatible: () => strings('compatible'),
    machine,
    kernelRelease: release,
    async links() {
      const links = await Promise.all((await list('sys/class/net')).map(link))
      return links.filter(found => found !== null)
    },
    watchdogs: async () => Promise.all((await list('sys/class/watchdog')).map(watchdog)),
    async cpus() {
      // `0-3`, or `0` (Documentation/admin-guide/cputopology.rst).
      const last = /(\d+)$/.exec((await text('sys/devices/system/cpu/possible')) ?? '')?.[1]
      const possible = last === undefined ? 1 : Number(last) + 1
      if (possible === 1) return { possible, hotplug: null }
      // The file is there when the kernel and the platform can stop the CPU.
      return { possible, hotplug: (await text('sys/devices/system/cpu/cpu1/online')) !== null }
    },
    kexecLoadDisabled: async () => flag(await text('proc/sys/kernel/kexec_load_disabled')),
    async capabilities() {
      const mask = /^CapEff:\s+([0-9a-f]+)$/m.exec((await text('proc/self/status')) ?? '')?.[1]
      return mask === undefined ? null : BigInt(`0x${mask}`)
    },
  }
}

/** Bytes of a file; null when it is not there or not to be read. */
const content = (file: string): Promise<Buffer | null> => optional(readFile(file))

/** A missing file is no error: not every machine has every device, and some hide what they have. */
async function optional<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) return null
    throw thrown
  }
}

const number = (text: string | null | undefined): number | null => (text && /^\d+$/.test(text) ? Number(text) : null)
const flag = (text: string | null | undefined): boolean | null => (text === '1' ? true : text === '0' ? false : null)
