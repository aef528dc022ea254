/** TFTP's UDP in the addon: blocks that come in order need no turn of the event loop each. */

import { closeSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { AddonError } from '../native/errors.js'
import { openUdp, pollUdp, receiveUdp, sendUdp, type UdpReceived, type UdpSocket } from '../native/udp.js'
import { fault } from './errors.js'
import { yieldToEventLoop } from './event-loop.js'
import type { TftpNetwork, TftpPeer, TftpPort, TftpRun, TftpRuns } from './transfer/tftp/peer-socket.js'
import { BUFFER_BYTES, udpNetwork } from './transfer/tftp/udp.js'

/** Bytes of a run: eight of the largest blocks. More than a cache holds slows the copy to memory. */
const RUN_BYTES = 512 << 10

/** How often a port looks for datagrams that its peer repeats, milliseconds: peers wait a second before they do. */
const LOOK_MS = 100

type OnDatagram = (datagram: Uint8Array, from: TftpPeer) => void

const NEVER: TftpRuns = { expected: () => null, taken() {} }

const ADDON = { openUdp, receiveUdp, pollUdp, sendUdp }

/** The calls of the addon. */
type UdpCalls = typeof ADDON

class NativePort implements TftpPort {
  readonly #native: UdpCalls
  readonly #socket: UdpSocket
  readonly #memory = new Uint8Array(RUN_BYTES)
  #open = true
  #dallying = false

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

  /** No call of the addon waits any more: each keeps one of libuv's four threads, and other transfers and all files need those. */
  dally(): void {
    this.#dallying = true
  }

  close(): void {
    this.#open = false
  }

  async #next(run: TftpRun | null): Promise<UdpReceived> {
    const { fd } = this.#socket
    if (!this.#dallying) return this.#native.receiveUdp(fd, this.#memory, run && blocksOf(run))
    await later(LOOK_MS)
    return this.#native.pollUdp(fd)
  }

  async #receive(onDatagram: OnDatagram, runs: TftpRuns): Promise<void> {
    try {
      while (this.#open) {
        const run = this.#dallying ? null : runs.expected()
        const { blocks, unacked, others } = await this.#next(run)
        if (!this.#open) return
        if (run !== null && blocks > 0) {
          runs.taken({ blocks, unacked, payload: this.#memory.subarray(0, blocks * run.blockSize) })
        }
        for (const { bytes, address, port } of others) if (this.#open) onDatagram(bytes, { address, port })
        // The transfer may be complete now, and learns of it in its own turn.
        if (others.length > 0) await yieldToEventLoop()
      }
    } finally {
      closeSync(this.#socket.fd)
    }
  }
}

const later = (milliseconds: number): Promise<void> => new Promise(resolve => udpNetwork.after(milliseconds, resolve))

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
