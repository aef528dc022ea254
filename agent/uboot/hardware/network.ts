/** The network as the commands see it. The real one is `network-linux.ts`; `network-fake.ts` serves tests. */

/** What DHCP brought. Addresses are dotted quads. */
export interface Lease {
  readonly address: string
  readonly netmask: string | null
  readonly gateway: string | null
  /** siaddr, or else the server that answered */
  readonly server: string | null
  readonly dns: readonly string[]
  readonly hostname: string | null
  readonly domain: string | null
  readonly rootPath: string | null
  readonly bootFile: string | null
}

/** A network interface, as U-Boot lists it. */
export interface EthernetDevice {
  /** the driver's name for it: `ethernet@1c30000`, `virtio-net#33` */
  readonly name: string
  readonly mac: string
  /** a carrier is there */
  readonly active: boolean
}

/** Progress of a TFTP transfer, so that the console can draw U-Boot's marks. */
interface TftpProgress {
  /** Options are negotiated, or the first block has arrived. `size`: bytes; null if the server does not say */
  started(blockSize: number, size: number | null): void
  /** Blocks `first` to `last` arrived in order, counted from 1 */
  blocks(first: number, last: number): void
  /** nothing came in time: something is sent again */
  timeout(): void
}

export interface TftpOptions {
  /** dotted quad */
  readonly server: string
  readonly file: string
  /** bytes; null for the client's own choice */
  readonly blockSize: number | null
  readonly windowSize: number | null
  /** milliseconds before something is sent again */
  readonly timeoutMs: number
  /** how often in a row */
  readonly retries: number
  /** UDP port of the server */
  readonly port: number
  /** our own UDP port; null: any */
  readonly localPort: number | null
  readonly signal: AbortSignal
  readonly progress: TftpProgress
}

export interface Network {
  /** the active one first; empty: no ethernet */
  devices(): Promise<readonly EthernetDevice[]>
  /**
   * Prepare a device: bring it up, give it a MAC address, and wait for its carrier as U-Boot waits for its PHY. A device
   * whose driver is not loaded yet is waited for, too.
   *
   * @param mac to be used instead of the device's own; null: as it is
   * @param waiting called every half second while there is no carrier, with the device's name; null while there is no device
   * @returns the first device, which is not `active` when no carrier came in time; null: no ethernet
   * @throws the reason of `signal`
   */
  connect(
    mac: string | null,
    waiting: (name: string | null) => void,
    signal: AbortSignal,
  ): Promise<EthernetDevice | null>
  /**
   * Get a lease on the first device, which is connected.
   *
   * @param broadcast called for each request that goes out, with its number from 1
   * @throws TFTP_TIMEOUT when there is no server; the reason of `signal`
   */
  dhcp(broadcast: (attempt: number) => void, signal: AbortSignal): Promise<Lease>
  /** Give the device a static address, as `ipaddr` and its friends say, unless it has it already. */
  configure(address: { ip: string; netmask: string | null; gateway: string | null }): Promise<void>
  /** Whether a host answers, on the link or beyond the gateway. */
  ping(host: string, signal: AbortSignal): Promise<boolean>
  /** Whether a host on the link answers ARP, so that a transfer can start; hosts beyond a gateway count as reachable. */
  reachable(host: string, signal: AbortSignal): Promise<boolean>
  /** @returns dotted quad, or null */
  resolve(name: string, server: string, signal: AbortSignal): Promise<string | null>
  /**
   * Get a file; `sink` is called in order.
   *
   * @returns bytes
   * @throws TFTP_REFUSED, TFTP_TIMEOUT, TFTP_PROTOCOL; whatever `sink` throws; the reason of the signal
   */
  tftpGet(options: TftpOptions, sink: (chunk: Uint8Array) => void): Promise<number>
  /** Put a file. @throws as `tftpGet` */
  tftpPut(options: TftpOptions, source: Iterable<Uint8Array>, size: number): Promise<void>
  /**
   * Wait for one file that a client puts (`tftpsrv`).
   *
   * @throws as `tftpGet`
   */
  tftpServe(options: Omit<TftpOptions, 'server' | 'file'>, sink: (chunk: Uint8Array) => void): Promise<number>
  /**
   * Get a file over HTTP.
   *
   * @param progress called for each chunk; `size` is null if the server does not say
   * @throws FETCH_*; the reason of `signal`
   */
  httpGet(
    url: string,
    sink: (chunk: Uint8Array) => void,
    signal: AbortSignal,
    progress: (received: number, size: number | null) => void,
  ): Promise<number>
}
