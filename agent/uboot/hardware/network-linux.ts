/**
 * The network of the first stage. systemd-networkd looks after the links and has an address of its own accord; what U-Boot's
 * commands want beyond that is done beside it, with busybox: a lease for `dhcp`, which the server gives to the same MAC
 * address and so is the same as networkd's, and further addresses for `ipaddr`.
 */

import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { fault } from '../../errors.js'
import { pause } from '../../transfer/abort.js'
import type { TftpNetwork } from '../../transfer/tftp/peer-socket.js'
import { type CommandRunner, systemRunner } from './command-runner.js'
import { isBroadcast, LEASE_SCRIPT, leaseArguments, leaseOf } from './dhcp-lease.js'
import { prefixLength, sameNetwork } from './ipv4.js'
import type { EthernetDevice, Lease, Network } from './network.js'
import { ip, type Link, LinuxLinks, textOf } from './network-links.js'
import { SocketNetwork } from './network-sockets.js'
import { arpAnswered, defaultGateway, parseRoutes, parseVariables } from './network-state.js'

/** Milliseconds from one look at the ARP table to the next, and from one datagram that makes Linux ask to the next. */
const ARP_LOOK_MS = 20
const ARP_PROBE_MS = 1000
/** Seconds that a host has to answer a ping, as in U-Boot. */
const PING_SECONDS = 10
/** RFC 863: where a datagram goes that is only to make ARP ask. */
const DISCARD_PORT = 9

export interface LinuxNetworkOptions {
  /** a folder of our own, for the script of the DHCP client */
  readonly directory: string
  /** seconds that commands wait for a carrier */
  readonly linkSeconds: number
  readonly runner?: CommandRunner
  /** where `/sys` and `/proc` are; default the system's */
  readonly root?: string
  /** addresses of the interfaces; default the system's */
  readonly interfaces?: typeof networkInterfaces
  /** milliseconds that a host has to answer ARP; default 35 s, so that a port with spanning tree forwards in time */
  readonly arpMs?: number
  /** make the kernel ask for a host; default with a datagram */
  readonly probe?: (host: string) => Promise<void>
  /** what TFTP gets its files over; default Node's */
  readonly udp?: TftpNetwork
  /** Wait so many milliseconds; default `pause`. */
  readonly wait?: typeof pause
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

const deviceOf = ({ name, mac, active }: Link): EthernetDevice => ({ name, mac, active })

export class LinuxNetwork extends SocketNetwork {
  readonly #options: Required<Omit<LinuxNetworkOptions, 'udp'>>
  readonly #links: LinuxLinks

  constructor(options: LinuxNetworkOptions) {
    super(options.udp)
    this.#options = {
      runner: systemRunner,
      root: '/',
      arpMs: 35_000,
      interfaces: networkInterfaces,
      probe: sendProbe,
      wait: pause,
      ...options,
    }
    this.#links = new LinuxLinks(this.#options)
  }

  async devices(): Promise<readonly EthernetDevice[]> {
    return this.#links.all().map(deviceOf)
  }

  async connect(...args: Parameters<Network['connect']>): Promise<EthernetDevice | null> {
    const link = await this.#links.connect(...args)
    return link === null ? null : deviceOf(link)
  }

  async dhcp(broadcast: (attempt: number) => void, signal: AbortSignal): Promise<Lease> {
    const { link } = this.#firstLink()
    const script = join(this.#options.directory, 'dhcp-script')
    writeFileSync(script, LEASE_SCRIPT, { mode: 0o700 })
    let attempts = 0
    const onLine = (line: string): void => {
      if (isBroadcast(line)) broadcast(++attempts)
    }
    const { stdout } = await this.#options.runner.run('busybox', leaseArguments(link, script), { signal, onLine })
    const lease = leaseOf(parseVariables(stdout))
    if (lease === null) throw fault('TFTP_TIMEOUT', { what: 'DHCP', attempts, received: 0 })
    return lease
  }

  async configure({ ip: own, netmask, gateway }: Parameters<Network['configure']>[0]): Promise<void> {
    const { interfaces, root, runner } = this.#options
    const { link } = this.#firstLink()
    const has = (interfaces()[link] ?? []).some(({ address }) => address === own)
    if (!has) {
      await ip(runner, 'addr', 'add', `${own}/${prefixLength(netmask)}`, 'dev', link)
      // Hosts may know the address with another MAC address. U-Boot corrects that when it asks for its server.
      await runner.run('busybox', ['arping', '-U', '-q', '-c', '1', '-I', link, own])
    }
    // When networkd gets a lease during a transfer, its routes name the lease's address as the source.
    this.localAddress = own
    const routes = parseRoutes(textOf(join(root, 'proc/net/route')))
    // networkd's gateway stays, so that the board remains reachable.
    if (gateway === null || defaultGateway(routes, link) !== null || !sameNetwork(own, gateway, netmask)) return
    await ip(runner, 'route', 'add', 'default', 'via', gateway, 'dev', link)
  }

  async ping(host: string, signal: AbortSignal): Promise<boolean> {
    const args = ['ping', '-c', '1', '-W', String(PING_SECONDS), host]
    return (await this.#options.runner.run('busybox', args, { signal })).status === 0
  }

  async reachable(host: string, signal: AbortSignal): Promise<boolean> {
    if (!this.#isNeighbour(host)) return true
    const { root, probe, arpMs, wait } = this.#options
    for (let waited = 0; waited < arpMs; waited += ARP_LOOK_MS) {
      if (waited % ARP_PROBE_MS === 0) await probe(host)
      if (arpAnswered(textOf(join(root, 'proc/net/arp')), host)) return true
      await wait(ARP_LOOK_MS, signal)
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

  #firstLink(): Link {
    const [link] = this.#links.all()
    if (link === undefined) throw fault('INTERNAL', { doing: 'using the network', reason: 'there is no ethernet' })
    return link
  }
}
