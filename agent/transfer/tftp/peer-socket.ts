/** The UDP below a transfer, and the rule that a transfer accepts packets only from its peer (RFC 1350 section 4). */

import { errorPacket, parseTftpPacket, TFTP_ERROR, type TftpPacket } from './packets.js'
import type { TftpClock } from './timers.js'

/** An end of a transfer: its address, and the port that RFC 1350 calls transfer identifier (TID). */
export interface TftpPeer {
  readonly address: string
  readonly port: number
}

/** An open UDP port. */
export interface TftpPort {
  readonly port: number
  /** bytes of datagrams that the system keeps for us while we are busy */
  readonly bufferBytes: number
  /** Send; UDP reports no loss. */
  send(datagram: Uint8Array, to: TftpPeer): void
  /** The process may end although the port is open. */
  unref(): void
  close(): void
}

export interface TftpPortOptions {
  /** our own address, which selects IPv4 or IPv6 */
  readonly address: string
  /** 0: any */
  readonly port: number
}

/** UDP and time: the system's (`tftp-udp.ts`), or a test's. */
export interface TftpNetwork extends TftpClock {
  /** @throws TFTP_PROTOCOL when the port cannot be had */
  open(options: TftpPortOptions, onDatagram: (datagram: Uint8Array, from: TftpPeer) => void): Promise<TftpPort>
}

/** Answer a stranger with "unknown transfer ID", but never an ERROR packet: two ends would repeat that forever. */
export function refuseStranger(port: TftpPort, packet: TftpPacket, from: TftpPeer): void {
  if (packet.op !== 'error') port.send(errorPacket(TFTP_ERROR.unknownTransfer, 'Unknown transfer ID'), from)
}

/**
 * The line to one peer. While the peer's port is not known, because a server answers a request from a port of its own,
 * the first packet from its address shows the port.
 */
export class TftpLine {
  readonly #port: TftpPort
  readonly #host: string
  readonly #onPacket: (packet: TftpPacket) => void
  #peer: TftpPeer | null

  /**
   * @param host address of the peer
   * @param peer null while its port is to be learned
   * @param onPacket called for every packet from the peer, and for no other
   */
  constructor(port: TftpPort, host: string, peer: TftpPeer | null, onPacket: (packet: TftpPacket) => void) {
    this.#port = port
    this.#host = host
    this.#peer = peer
    this.#onPacket = onPacket
  }

  send(datagram: Uint8Array): void {
    if (this.#peer !== null) this.#port.send(datagram, this.#peer)
  }

  /** Datagrams that are not TFTP are dropped without an answer, so that nobody is flooded with ours. */
  receive(datagram: Uint8Array, from: TftpPeer): void {
    const packet = parseTftpPacket(datagram)
    if (packet === null) return
    if (this.#peer === null && this.#mayBePeer(packet, from)) this.#peer = from
    if (this.#peer?.port === from.port && this.#peer.address === from.address) this.#onPacket(packet)
    else refuseStranger(this.#port, packet, from)
  }

  #mayBePeer({ op }: TftpPacket, from: TftpPeer): boolean {
    return from.address === this.#host && op !== 'read' && op !== 'write'
  }
}
