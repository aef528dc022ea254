/**
 * The network of the first stage. systemd-networkd looks after the links and has an address of its own accord; what U-Boot's
 * commands want beyond that is done beside it, with busybox: a lease for `dhcp`, which the server gives to the same MAC
 * address and so is the same as networkd's, and further addresses for `ipaddr`.
 */

import { createSocket } from 'node:dgram'
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { basename, join } from 'node:path'
import { fault } from '../../errors.js'
import { pause } from '../../transfer/abort.js'
import { type CommandRunner, systemRunner } from './command-runner.js'
import { isBroadcast, LEASE_SCRIPT, leaseArguments, leaseOf } from './dhcp-lease.js'
import { prefixLength, sameNetwork } from './ipv4.js'
import type { EthernetDevice, Lease, Network } from './network.js'
import { SocketNetwork } from './network-sockets.js'
import { arpAnswered, defaultGateway, parseRoutes, parseVariables } from './network-state.js'

const ARP_LOOK_MS = 20
/** Seconds that a host has to answer a ping, as in U-Boot. */
const PING_SECONDS = 10
/** Milliseconds that a link has to come up again after its MAC address was changed. */
const CARRIER_MS = 6000
const CARRIER_LOOK_MS = 50
/** RFC 863: where a datagram goes that is only to make ARP ask. */
const DISCARD_PORT = 9
/** linux/if_arp.h */
const ARPHRD_ETHER = '1'

export interface LinuxNetworkOptions {
  /** a folder of our own, for the script of the DHCP client */
  readonly directory: string
  readonly runner?: CommandRunner
  /** where `/sys` and `/proc` are; default the system's */
  readonly root?: string
  /** addresses of the interfaces; default the system's */
  readonly interfaces?: typeof networkInterfaces
  /** milliseconds that a host has to answer ARP; default 3500: Linux asks three times, once a second */
  readonly arpMs?: number
  /** make the kernel ask for a host; default with a datagram */
  readonly probe?: (host: string) => Promise<void>
}

/** Send one datagram; its fate does not matter. */
export function sendProbe(host: string): Promise<void> {
  return new Promise(resolve => {
    const socket = createSocket('udp4')
    const done = (): void => {
      socket.removeAllListeners('error').close(() => resolve())
    }
    socket.on('error', done)
    socket.send(Buffer.of(0), DISCARD_PORT, host, done)
  })
}

/** An interface, with the name by which Linux knows it. */
interface Link extends EthernetDevice {
  readonly link: string
}

/** Text of a small file of the kernel; empty when it cannot be read, as `carrier` of a link that is down. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1').trim()
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
    return ''
  }
}

export class LinuxNetwork extends SocketNetwork {
  readonly #options: Required<LinuxNetworkOptions>

  constructor(options: LinuxNetworkOptions) {
    super()
    this.#options = {
      runner: systemRunner,
      root: '/',
      arpMs: 3500,
      interfaces: networkInterfaces,
      probe: sendProbe,
      ...options,
    }
  }

  async devices(): Promise<readonly EthernetDevice[]> {
    return this.#links().map(({ name, mac, active }) => ({ name, mac, active }))
  }

  async dhcp(mac: string | null, broadcast: (attempt: number) => void, signal: AbortSignal): Promise<Lease> {
    const link = this.#firstLink()
    await this.#setMac(link, mac, signal)
    const script = join(this.#options.directory, 'dhcp-script')
    writeFileSync(script, LEASE_SCRIPT, { mode: 0o700 })
    let attempts = 0
    const onLine = (line: string): void => {
      if (isBroadcast(line)) broadcast(++attempts)
    }
    const { stdout } = await this.#options.runner.run('busybox', leaseArguments(link.link, script), { signal, onLine })
    const lease = leaseOf(parseVariables(stdout))
    if (lease === null) throw fault('TFTP_TIMEOUT', { what: 'DHCP', attempts, received: 0 })
    return lease
  }

  async configure({ ip, netmask, gateway, mac }: Parameters<Network['configure']>[0]): Promise<void> {
    const { link, ...device } = this.#firstLink()
    await this.#setMac({ link, ...device }, mac, undefined)
    const has = (this.#options.interfaces()[link] ?? []).some(({ address }) => address === ip)
    if (!has) await this.#ip('addr', 'add', `${ip}/${prefixLength(netmask)}`, 'dev', link)
    const routes = parseRoutes(textOf(join(this.#options.root, 'proc/net/route')))
    // networkd's gateway stays, so that the board remains reachable.
    if (gateway === null || defaultGateway(routes, link) !== null || !sameNetwork(ip, gateway, netmask)) return
    await this.#ip('route', 'add', 'default', 'via', gateway, 'dev', link)
  }

  async ping(host: string, signal: AbortSignal): Promise<boolean> {
    const args = ['ping', '-c', '1', '-W', String(PING_SECONDS), host]
    return (await this.#options.runner.run('busybox', args, { signal })).status === 0
  }

  async reachable(host: string, signal: AbortSignal): Promise<boolean> {
    if (!this.#isNeighbour(host)) return true
    const { root, probe, arpMs } = this.#options
    await probe(host)
    for (let waited = 0; waited < arpMs; waited += ARP_LOOK_MS) {
      if (arpAnswered(textOf(join(root, 'proc/net/arp')), host)) return true
      await pause(ARP_LOOK_MS, signal)
    }
    return false
  }

  /** On a link, and not the board itself. */
  #isNeighbour(host: string): boolean {
    const own = Object.values(this.#options.interfaces()).flatMap(addresses => addresses ?? [])
    if (own.some(({ address }) => address === host)) return false
    return own.some(
      ({ address, netmask, family, internal }) => family === 'IPv4' && !internal && sameNetwork(address, host, netmask),
    )
  }

  #links(): readonly Link[] {
    const base = join(this.#options.root, 'sys/class/net')
    const links = readdirSync(base)
      .sort()
      .filter(link => existsSync(join(base, link, 'device')) && textOf(join(base, link, 'type')) === ARPHRD_ETHER)
      .map(link => ({
        link,
        name: this.#driverName(link),
        mac: textOf(join(base, link, 'address')),
        active: textOf(join(base, link, 'carrier')) === '1',
      }))
    // sort() is stable: without a carrier anywhere, the first link is used.
    return links.sort((a, b) => Number(b.active) - Number(a.active))
  }

  #firstLink(): Link {
    const [link] = this.#links()
    if (link === undefined) throw fault('INTERNAL', { doing: 'using the network', reason: 'there is no ethernet' })
    return link
  }

  /** As U-Boot calls it: the node of the device tree, or driver and number. */
  #driverName(link: string): string {
    const device = join(this.#options.root, 'sys/class/net', link, 'device')
    const node = join(device, 'of_node')
    if (existsSync(node)) return basename(readlinkSync(node))
    const [, number] = /^virtio(\d+)$/.exec(basename(readlinkSync(device))) ?? []
    return number === undefined ? link : `virtio-net#${number}`
  }

  async #setMac({ link, mac: own }: Link, mac: string | null, signal: AbortSignal | undefined): Promise<void> {
    if (mac === null || mac.toLowerCase() === own.toLowerCase()) return
    await this.#ip('link', 'set', 'dev', link, 'down')
    await this.#ip('link', 'set', 'dev', link, 'address', mac)
    await this.#ip('link', 'set', 'dev', link, 'up')
    const carrier = join(this.#options.root, 'sys/class/net', link, 'carrier')
    for (let waited = 0; waited < CARRIER_MS && textOf(carrier) !== '1'; waited += CARRIER_LOOK_MS) {
      await pause(CARRIER_LOOK_MS, signal)
    }
  }

  async #ip(...args: readonly string[]): Promise<void> {
    const { status, stderr } = await this.#options.runner.run('busybox', ['ip', ...args])
    if (status === 0) return
    throw fault('INTERNAL', { doing: `ip ${args.join(' ')}`, reason: stderr.trim() || `it ended with ${status}` })
  }
}
