/** The part of the network that needs no privileges: TFTP, HTTP and names over the system's sockets. */

import { Resolver } from 'node:dns/promises'
import { fault } from '../../errors.js'
import { unlessAborted } from '../../transfer/abort.js'
import { fetchHttp } from '../../transfer/http/fetch.js'
import { fetchTftp, putTftp } from '../../transfer/tftp/client/client.js'
import type { TftpNetwork } from '../../transfer/tftp/peer-socket.js'
import { udpNetwork } from '../../transfer/tftp/udp.js'
import type { EthernetDevice, Lease, Network, TftpOptions } from './network.js'
import { receiveOneFile } from './network-receive.js'

/** Milliseconds and attempts that a name server gets. */
const LOOKUP = { timeout: 2000, tries: 2 }

export abstract class SocketNetwork implements Network {
  readonly #udp: TftpNetwork
  /** our own address for TFTP; null: what the route says */
  protected localAddress: string | null = null

  /** @param udp what TFTP gets its files over */
  constructor(udp: TftpNetwork = udpNetwork) {
    this.#udp = udp
  }

  abstract devices(): Promise<readonly EthernetDevice[]>
  abstract connect(...args: Parameters<Network['connect']>): Promise<EthernetDevice | null>
  abstract dhcp(broadcast: (attempt: number) => void, signal: AbortSignal): Promise<Lease>
  abstract configure(address: Parameters<Network['configure']>[0]): Promise<void>
  abstract ping(host: string, signal: AbortSignal): Promise<boolean>
  abstract reachable(host: string, signal: AbortSignal): Promise<boolean>

  async resolve(name: string, server: string, signal: AbortSignal): Promise<string | null> {
    const resolver = new Resolver(LOOKUP)
    resolver.setServers([server])
    try {
      const [address] = await unlessAborted(resolver.resolve4(name), signal)
      return address ?? null
    } catch (thrown) {
      signal.throwIfAborted()
      if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
      // Any error of c-ares (ENOTFOUND, ETIMEOUT, EBADNAME) means that there is no address.
      return null
    } finally {
      resolver.cancel()
    }
  }

  async tftpGet(options: TftpOptions, sink: (chunk: Uint8Array) => void): Promise<number> {
    // Nothing that the sink may return is a promise to be waited for, and it keeps none of the bytes.
    const take = (chunk: Uint8Array): void => {
      sink(chunk)
    }
    return (await fetchTftp({ ...options, localAddress: this.localAddress, network: this.#udp }, take)).size
  }

  async tftpPut(options: TftpOptions, source: Iterable<Uint8Array>, size: number): Promise<void> {
    await putTftp({ ...options, localAddress: this.localAddress }, source, size)
  }

  tftpServe(options: Omit<TftpOptions, 'server' | 'file'>, sink: (chunk: Uint8Array) => void): Promise<number> {
    return receiveOneFile(options, sink)
  }

  async httpGet(
    url: string,
    sink: (chunk: Uint8Array) => void,
    signal: AbortSignal,
    progress: (received: number, size: number | null) => void,
  ): Promise<number> {
    // The bytes are written where they belong: a file that starts over just starts there again.
    let received = 0
    const fetched = await fetchHttp(
      url,
      {
        async write(chunk) {
          received += chunk.length
          sink(chunk)
        },
        async reset() {
          if (received > 0) throw fault('FETCH_RANGE', { url, reason: 'it cannot be taken from its start once more' })
        },
      },
      { signal, limit: Number.MAX_SAFE_INTEGER, retries: 2, onProgress: progress },
    )
    return fetched.size
  }
}
