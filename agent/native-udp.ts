/** TFTP's UDP in the addon: blocks that come in order need no turn of the event loop each. */

import { closeSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { AddonError } from '../native/errors.js'
import { openUdp, receiveUdp, sendUdp, type UdpSocket } from '../native/udp.js'
import { fault } from './errors.js'
import type { TftpNetwork, TftpPeer, TftpPort, TftpRun, TftpRuns } from './transfer/tftp/peer-socket.js'
import { BUFFER_BYTES, udpNetwork } from './transfer/tftp/udp.js'

/** Bytes of a run: eight of the largest blocks. More than a cache holds slows the copy to memory. */
const RUN_BYTES = 512 << 10

type OnDatagram = (datagram: Uint8Array, from: TftpPeer) => void

const NEVER: TftpRuns = { expected: () => null, taken() {} }

const ADDON = { openUdp, receiveUdp, sendUdp }

/** The calls of the addon. */
type UdpCalls = typeof ADDON

class NativePort implements TftpPort {
  readonly #native: UdpCalls
  readonly #socket: UdpSocket
  readonly #memory = new Uint8Array(RUN_BYTES)
  #open = true

  constructor(native: UdpCalls, socket: UdpSocket, onDatagram: OnDatagram, runs: TftpRuns) {
    this.#native = native
    this.#socket = socket
    void this.#receive(onDatagram, runs)
  }

  get port(): number {
    return this.#socket.port
  }

  get bufferBytes(): number {
    return this.#socket.bufferBytes
  }

  send(datagram: Uint8Array, to: TftpPeer): void {
    if (this.#open) this.#native.sendUdp(this.#socket.fd, datagram, to.address, to.port)
  }

  /** Every call of the addon ends soon, and there is none after `close`. */
  unref(): void {}

  close(): void {
    this.#open = false
  }

  async #receive(onDatagram: OnDatagram, runs: TftpRuns): Promise<void> {
    try {
      while (this.#open) {
        const run = runs.expected()
        const { blocks, unacked, others } = await this.#native.receiveUdp(
          this.#socket.fd,
          this.#memory,
          run && blocksOf(run),
        )
        if (!this.#open) return
        if (run !== null && blocks > 0) {
          runs.taken({ blocks, unacked, payload: this.#memory.subarray(0, blocks * run.blockSize) })
        }
        for (const { bytes, address, port } of others) if (this.#open) onDatagram(bytes, { address, port })
      }
    } finally {
      closeSync(this.#socket.fd)
    }
  }
}

const blocksOf = ({ peer, received, ...rest }: TftpRun) => ({ ...peer, next: (received + 1) & 0xffff, ...rest })

/**
 * The addon's UDP for IPv4 and any port; Node's for IPv6, for a certain port, and where the addon is missing.
 *
 * @param native calls of the addon
 */
export function createUdpNetwork(native: UdpCalls = ADDON): TftpNetwork {
  return {
    ...udpNetwork,
    async open(options, onDatagram, runs = NEVER) {
      const { address, port } = options
      // A closed port is free for the next transfer only when the call that waits on it has ended.
      if (isIPv6(address) || port !== 0) return udpNetwork.open(options, onDatagram)
      try {
        return new NativePort(native, native.openUdp(address, port, BUFFER_BYTES), onDatagram, runs)
      } catch (thrown) {
        if (thrown instanceof AddonError) return udpNetwork.open(options, onDatagram)
        const reason = thrown instanceof Error ? thrown.message : String(thrown)
        throw fault('TFTP_PROTOCOL', { what: `UDP port ${port} of ${address}`, reason }, thrown)
      }
    },
  }
}
