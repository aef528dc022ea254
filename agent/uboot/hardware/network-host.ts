/** The network at a desk, without root: files come over the host's own sockets, and its address is the lease. */

import { networkInterfaces } from 'node:os'
import { fault } from '../../errors.js'
import { type CommandRunner, systemRunner } from './command-runner.js'
import type { EthernetDevice, Lease } from './network.js'
import { SocketNetwork } from './network-sockets.js'

/** Seconds that a host has to answer a ping, as in U-Boot. */
const PING_SECONDS = 10

interface Own extends EthernetDevice {
  readonly address: string
  readonly netmask: string
}

export class HostNetwork extends SocketNetwork {
  readonly #interfaces: typeof networkInterfaces
  readonly #runner: CommandRunner
  readonly #server: string | null
  readonly #bootFile: string | null

  /** @param options `server`: what DHCP is to name as server, default the host itself; `bootFile`: and as file, default none */
  constructor(
    options: {
      readonly server?: string
      readonly bootFile?: string
      readonly runner?: CommandRunner
      readonly interfaces?: typeof networkInterfaces
    } = {},
  ) {
    super()
    this.#interfaces = options.interfaces ?? networkInterfaces
    this.#runner = options.runner ?? systemRunner
    this.#server = options.server ?? null
    this.#bootFile = options.bootFile ?? null
  }

  /** Links of the host with an IPv4 address; without one, loopback. */
  #own(): readonly Own[] {
    const all = Object.entries(this.#interfaces()).flatMap(([name, addresses = []]) =>
      addresses
        .filter(({ family }) => family === 'IPv4')
        .map(({ address, netmask, mac, internal }) => ({ name, address, netmask, mac, internal, active: true })),
    )
    const links = all.filter(({ internal }) => !internal)
    return links.length > 0 ? links : all
  }

  async devices(): Promise<readonly EthernetDevice[]> {
    return this.#own().map(({ name, mac, active }) => ({ name, mac, active }))
  }

  /** The host looks after its links. */
  async connect(): Promise<EthernetDevice | null> {
    const [device] = await this.devices()
    return device ?? null
  }

  async dhcp(broadcast: (attempt: number) => void, signal: AbortSignal): Promise<Lease> {
    signal.throwIfAborted()
    broadcast(1)
    const [own] = this.#own()
    if (own === undefined) throw fault('TFTP_TIMEOUT', { what: 'DHCP', attempts: 1, received: 0 })
    const { address, netmask } = own
    const server = this.#server ?? address
    const unknown = { gateway: null, hostname: null, domain: null, rootPath: null, bootFile: this.#bootFile }
    return { address, netmask, server, dns: [], ...unknown }
  }

  /** The host keeps the addresses that it has. */
  async configure(): Promise<void> {}

  /** @throws PROGRAM_MISSING on a host without `ping` */
  async ping(host: string, signal: AbortSignal): Promise<boolean> {
    const { status, stderr } = await this.#runner.run('ping', ['-c', '1', '-W', String(PING_SECONDS), host], { signal })
    if (status === null) throw fault('PROGRAM_MISSING', { program: 'ping', reason: stderr, package: 'iputils-ping' })
    return status === 0
  }

  /** The host's own ARP decides; a silent host ends in a timeout. */
  async reachable(): Promise<boolean> {
    return true
  }
}
