/** A network in memory. */

import { type FauxbootError, fault } from '../../../../agent/errors.js'
import type { EthernetDevice, Lease, Network, TftpOptions } from '../../../../agent/uboot/hardware/network.js'

/** What there is on the network; what is left out is not there. */
export interface FakeWorld {
  readonly devices?: readonly EthernetDevice[]
  /** half seconds without a carrier */
  readonly carrierAfter?: number
  /** whether there is a carrier then; default true */
  readonly carrierInTime?: boolean
  /** what the DHCP server gives; without it there is no server */
  readonly lease?: Lease
  /** addresses of hosts that answer, the server's among them */
  readonly hosts?: readonly string[]
  /** by name */
  readonly addresses?: Readonly<Record<string, string>>
  /** of the TFTP server, by name */
  readonly files?: Readonly<Record<string, Uint8Array>>
  /** of HTTP servers, by URL */
  readonly pages?: Readonly<Record<string, Uint8Array>>
  /** largest block that the TFTP server agrees to; default 65464 */
  readonly blockSize?: number
  /** the TFTP server tells the size of its files */
  readonly tellsSize?: boolean
  /** what ends each transfer, if it is to fail */
  readonly failure?: FauxbootError
  /** requests that go unanswered before an answer comes */
  readonly timeouts?: number
}

/** What a fake network was asked. */
export interface FakeRequests {
  readonly configured: Parameters<Network['configure']>[0][]
  readonly macs: (string | null)[]
  readonly tftp: Partial<TftpOptions>[]
  readonly uploads: Map<string, Buffer>
}

/** Bytes of a chunk as they come from a fake server that agreed to no smaller block. */
const LARGEST_BLOCK = 65_464

export class FakeNetwork implements Network {
  readonly asked: FakeRequests = { configured: [], macs: [], tftp: [], uploads: new Map() }

  constructor(private readonly world: FakeWorld) {}

  async devices(): Promise<readonly EthernetDevice[]> {
    return this.world.devices ?? []
  }

  async connect(
    mac: string | null,
    waiting: (name: string | null) => void,
    signal: AbortSignal,
  ): Promise<EthernetDevice | null> {
    this.asked.macs.push(mac)
    const { devices: [device] = [], carrierAfter = 0, carrierInTime = true } = this.world
    for (let count = 0; count < carrierAfter; count++) {
      waiting(device?.name ?? null)
      signal.throwIfAborted()
    }
    return device === undefined ? null : { ...device, active: carrierInTime }
  }

  async dhcp(broadcast: (attempt: number) => void, signal: AbortSignal): Promise<Lease> {
    const { lease, timeouts = 0 } = this.world
    for (let attempt = 1; attempt <= timeouts + 1; attempt++) broadcast(attempt)
    signal.throwIfAborted()
    if (lease === undefined) throw fault('TFTP_TIMEOUT', { what: 'DHCP', attempts: timeouts + 1, received: 0 })
    return lease
  }

  async configure(address: Parameters<Network['configure']>[0]): Promise<void> {
    this.asked.configured.push(address)
  }

  async ping(host: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    return this.#knows(host)
  }

  async reachable(host: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    return this.#knows(host)
  }

  async resolve(name: string, _server: string, signal: AbortSignal): Promise<string | null> {
    signal.throwIfAborted()
    return this.world.addresses?.[name] ?? null
  }

  async tftpGet(options: TftpOptions, sink: (chunk: Uint8Array) => void): Promise<number> {
    const { server, file, blockSize, windowSize, port } = options
    this.asked.tftp.push({ server, file, blockSize, windowSize, port })
    this.#answer(options)
    const bytes = this.world.files?.[file]
    if (bytes === undefined) throw fault('TFTP_REFUSED', { what: file, text: 'File not found', number: 1 })
    return this.#send(options, bytes, sink)
  }

  async tftpPut(options: TftpOptions, source: Iterable<Uint8Array>, size: number): Promise<void> {
    this.#answer(options)
    const block = this.#blockSize(options)
    options.progress.started(block, null)
    const bytes = Buffer.concat([...source])
    for (let number = 1; number <= Math.floor(size / block) + 1; number++) options.progress.blocks(number, number)
    this.asked.uploads.set(options.file, bytes)
  }

  async tftpServe(options: Omit<TftpOptions, 'server' | 'file'>, sink: (chunk: Uint8Array) => void): Promise<number> {
    const { blockSize, windowSize, port } = options
    this.asked.tftp.push({ server: '', file: '', blockSize, windowSize, port })
    this.#answer(options)
    const [bytes] = Object.values(this.world.files ?? {})
    if (bytes === undefined) throw fault('TFTP_TIMEOUT', { what: 'tftpsrv', attempts: 10, received: 0 })
    return this.#send(options, bytes, sink)
  }

  async httpGet(
    url: string,
    sink: (chunk: Uint8Array) => void,
    signal: AbortSignal,
    progress: (received: number, size: number | null) => void,
  ): Promise<number> {
    signal.throwIfAborted()
    if (this.world.failure !== undefined) throw this.world.failure
    const bytes = this.world.pages?.[url]
    if (bytes === undefined) throw fault('FETCH_STATUS', { url, status: 404, reason: 'Not Found' })
    for (let at = 0; at < bytes.length; at += LARGEST_BLOCK) {
      const chunk = bytes.subarray(at, at + LARGEST_BLOCK)
      progress(at + chunk.length, this.world.tellsSize === true ? bytes.length : null)
      sink(chunk)
    }
    return bytes.length
  }

  #knows(host: string): boolean {
    return this.world.hosts?.includes(host) ?? false
  }

  #blockSize({ blockSize }: Pick<TftpOptions, 'blockSize'>): number {
    return Math.min(blockSize ?? LARGEST_BLOCK, this.world.blockSize ?? LARGEST_BLOCK)
  }

  /** The silence and the failure that each transfer begins with. */
  #answer({ progress, signal }: { readonly progress: { timeout(): void }; readonly signal: AbortSignal }): void {
    for (let count = 0; count < (this.world.timeouts ?? 0); count++) progress.timeout()
    signal.throwIfAborted()
    if (this.world.failure !== undefined) throw this.world.failure
  }

  #send(
    options: Pick<TftpOptions, 'progress' | 'blockSize'>,
    bytes: Uint8Array,
    sink: (chunk: Uint8Array) => void,
  ): number {
    const block = this.#blockSize(options)
    options.progress.started(block, this.world.tellsSize === true ? bytes.length : null)
    for (let number = 1; number <= Math.floor(bytes.length / block) + 1; number++) {
      sink(bytes.subarray((number - 1) * block, number * block))
      options.progress.blocks(number, number)
    }
    return bytes.length
  }
}
