/** The first stage's ethernet links, as `/sys/class/net` shows them: their names, MAC addresses and carriers. */

import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fault } from '../../errors.js'
import type { pause } from '../../transfer/abort.js'
import type { CommandRunner } from './command-runner.js'
import type { EthernetDevice, Network } from './network.js'

/** Milliseconds from one look at the carrier to the next, and between two signs of life: as in U-Boot's `phy.c`. */
const LOOK_MS = 50
const SIGN_MS = 500
/** Milliseconds that networkd gets to take its address off a link that goes down. */
const RELEASE_MS = 3000
/** linux/if_arp.h */
const ARPHRD_ETHER = '1'
/** linux/if.h */
const IFF_UP = 1

export interface LinuxLinksOptions {
  readonly runner: CommandRunner
  /** where `/sys` is */
  readonly root: string
  /** seconds that a carrier may take */
  readonly linkSeconds: number
  /** Wait so many milliseconds. */
  readonly wait: typeof pause
}

/** An interface, with the name by which Linux knows it. */
export interface Link extends EthernetDevice {
  readonly link: string
}

/** Text of a small file of the kernel; empty when it cannot be read, as `carrier` of a link that is down. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1').trim()
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
    return ''
  }
}

/** Run busybox' `ip`. @throws INTERNAL with its words */
export async function ip(runner: CommandRunner, ...args: readonly string[]): Promise<void> {
  const { status, stderr } = await runner.run('busybox', ['ip', ...args])
  if (status === 0) return
  throw fault('INTERNAL', { doing: `ip ${args.join(' ')}`, reason: stderr.trim() || `it ended with ${status}` })
}

export class LinuxLinks {
  readonly #options: LinuxLinksOptions

  constructor(options: LinuxLinksOptions) {
    this.#options = options
  }

  /** Those with a carrier first. */
  all(): readonly Link[] {
    const base = join(this.#options.root, 'sys/class/net')
    const links = readdirSync(base)
      .sort()
      .filter(link => existsSync(join(base, link, 'device')) && this.#attribute(link, 'type') === ARPHRD_ETHER)
      .map(link => ({
        link,
        name: this.#driverName(link),
        mac: this.#attribute(link, 'address'),
        active: this.#attribute(link, 'carrier') === '1',
      }))
    // sort() is stable: without a carrier anywhere, the first link is used.
    return links.sort((a, b) => Number(b.active) - Number(a.active))
  }

  /** See {@link Network.connect}. */
  async connect(...[mac, waiting, signal]: Parameters<Network['connect']>): Promise<Link | null> {
    const { linkSeconds, wait } = this.#options
    let waited = 0
    const withCarrier = async (wanted: string | null): Promise<Link | null> => {
      for (;;) {
        const links = this.all()
        const found = links.find(({ link }) => wanted === null || link === wanted) ?? null
        if (found?.active === true || waited >= linkSeconds * 1000) return found
        if (waited % SIGN_MS === 0) {
          waiting(found?.name ?? null)
          await this.#bringUp(links, signal)
        }
        await wait(LOOK_MS, signal)
        waited += LOOK_MS
      }
    }
    const found = await withCarrier(null)
    if (found === null || !found.active || mac === null || mac.toLowerCase() === found.mac.toLowerCase()) return found
    await this.#setMac(found.link, mac, signal)
    return withCarrier(found.link)
  }

  /** A driver may refuse until its PHY is there, so a refusal only means that the carrier does not come yet. */
  async #bringUp(links: readonly Link[], signal: AbortSignal): Promise<void> {
    const { runner } = this.#options
    for (const { link } of links) {
      const isUp = (Number(this.#attribute(link, 'flags')) & IFF_UP) !== 0
      if (!isUp) await runner.run('busybox', ['ip', 'link', 'set', 'dev', link, 'up'], { signal })
    }
  }

  async #setMac(link: string, mac: string, signal: AbortSignal): Promise<void> {
    const { runner } = this.#options
    await ip(runner, 'link', 'set', 'dev', link, 'down')
    await this.#released(link, signal)
    await ip(runner, 'link', 'set', 'dev', link, 'address', mac)
    await ip(runner, 'link', 'set', 'dev', link, 'up')
  }

  /**
   * The lease belongs to the old MAC address, and networkd takes its address away. If that came after `ipaddr` had set the
   * same address, it would be lost in the middle of a transfer. Without networkd, it stays.
   */
  async #released(link: string, signal: AbortSignal): Promise<void> {
    const { runner, wait } = this.#options
    for (let waited = 0; waited < RELEASE_MS; waited += LOOK_MS) {
      const { stdout } = await runner.run('busybox', ['ip', '-4', 'addr', 'show', 'dev', link], { signal })
      if (!stdout.includes('inet ')) return
      await wait(LOOK_MS, signal)
    }
  }

  #attribute(link: string, name: string): string {
    return textOf(join(this.#options.root, 'sys/class/net', link, name))
  }

  /** As U-Boot calls it: the node of the device tree, or driver and number. */
  #driverName(link: string): string {
    const device = join(this.#options.root, 'sys/class/net', link, 'device')
    const node = join(device, 'of_node')
    if (existsSync(node)) return basename(readlinkSync(node))
    const [, number] = /^virtio(\d+)$/.exec(basename(readlinkSync(device))) ?? []
    return number === undefined ? link : `virtio-net#${number}`
  }
}
