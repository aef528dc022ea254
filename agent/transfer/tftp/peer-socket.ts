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
  /** The transfer is complete, and only what its peer repeats still comes. The process may end although the port is open. */
  dally(): void
  close(): void
}

/** The data packets that come next in order, all of full length. */
export interface TftpRun {
  readonly peer: TftpPeer
  /** the last block that came, counted from 1 without rollover */
  readonly received: number
  /** blocks since the last ACK */
  readonly unacked: number
  readonly blockSize: number
  /** blocks from one ACK to the next (RFC 7440) */
  readonly windowSize: number
}

/** Blocks of a run that came. */
export interface TftpRunTaken {
  readonly blocks: number
  /** those since the last ACK */
  readonly unacked: number
  /** all their bytes; the port uses the memory again as soon as another run is expected */
  readonly payload: Uint8Array
}

/** A transfer that lets its port receive and acknowledge runs of blocks by itself, if the port can. */
export interface TftpRuns {
  /** What may be taken now; null: every packet is the transfer's own business. */
  expected(): TftpRun | null
  taken(run: TftpRunTaken): void
}

export interface TftpPortOptions {
  /** our own address, which selects IPv4 or IPv6 */
  readonly address: string
  /** 0: any */
  readonly port: number
}

/** UDP and time: Node's (`udp.ts`), the addon's (`agent/native-udp.ts`), or a test's. */
export interface TftpNetwork extends TftpClock {
  /**
   * @param runs for a port that can take more than single datagrams
   * @throws TFTP_PROTOCOL when the port cannot be had
   */
  open(
    options: TftpPortOptions,
    onDatagram: (datagram: Uint8Array, from: TftpPeer) => void,
    runs?: TftpRuns,
  ): Promise<TftpPort>
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

  /** null while its port is not known */
  get peer(): TftpPeer | null {
    return this.#peer
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
