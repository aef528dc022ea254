/** One request of a client and its transfer, on a port of its own. */

import { fault } from '../../../errors.js'
import { PLAIN_AGREEMENT, proposeOptions, readAcceptedOptions, type TftpAgreement } from '../options.js'
import { errorPacket, requestPacket, TFTP_ERROR, type TftpPacket } from '../packets.js'
import type { TftpLine, TftpRun, TftpRuns, TftpRunTaken } from '../peer-socket.js'
import { LazyTimer, RoundTrips, type TftpClock } from '../timers.js'

/** Unanswered requests with options before one without: old servers drop requests that they cannot parse. */
const UNANSWERED_REQUESTS = 3

/**
 * Errors that may mean the options (RFC 2347: 8); servers from before it use the others. A file that is not there or not
 * allowed has numbers of its own.
 */
const MAY_MEAN_OPTIONS: readonly number[] = [TFTP_ERROR.options, TFTP_ERROR.other, TFTP_ERROR.illegalOperation]

/** Why another request is to be made. */
export type TftpRetry = 'without options' | 'with small blocks'

/** The transfer after an accepted request. */
export interface TftpFlow {
  packet(packet: TftpPacket): void
  stop(): void
  /** for blocks that need no look at every packet */
  readonly runs?: TftpRuns
}

export interface ExchangeOptions {
  readonly clock: TftpClock
  readonly op: 'read' | 'write'
  readonly file: string
  /** for messages: the file and the server */
  readonly what: string
  /** Send to the port of the server that listens for requests. */
  sendRequest(packet: Uint8Array): void
  /** null: a request without options */
  readonly proposal: TftpAgreement | null
  /** milliseconds after which something is sent again at the latest */
  readonly timeoutMs: number
  /** The server has answered; `accepted`: with an OACK. */
  startFlow(exchange: Exchange, agreement: TftpAgreement, accepted: boolean): TftpFlow
}

/** From the request to the end of its transfer. */
export class Exchange implements TftpRuns {
  readonly roundTrips: RoundTrips
  readonly line: TftpLine
  readonly #options: ExchangeOptions
  readonly #timer: LazyTimer
  readonly #outcome: Promise<TftpRetry | null>
  #settle: { resolve(retry: TftpRetry | null): void; reject(error: unknown): void } | null = null
  #flow: TftpFlow | null = null
  #requests = 0
  /** packets that were sent again */
  retransmits = 0

  constructor(options: ExchangeOptions, line: (onPacket: (packet: TftpPacket) => void) => TftpLine) {
    this.#options = options
    this.roundTrips = new RoundTrips(options.timeoutMs)
    this.line = line(packet => this.#packet(packet))
    this.#timer = new LazyTimer(options.clock, () => this.#unanswered())
    this.#outcome = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.#request()
  }

  /**
   * @returns null when the transfer is complete, or how to ask again
   * @throws TFTP_REFUSED, TFTP_PROTOCOL, and what the transfer was ended with
   */
  get outcome(): Promise<TftpRetry | null> {
    return this.#outcome
  }

  expected(): TftpRun | null {
    return this.#flow?.runs?.expected() ?? null
  }

  taken(run: TftpRunTaken): void {
    this.#flow?.runs?.taken(run)
  }

  /** The transfer is complete. Duplicates are still answered. */
  end(): void {
    this.#timer.stop()
    this.#settle?.resolve(null)
    this.#settle = null
  }

  /** End it with an error, and send the peer an ERROR packet. */
  fail(error: unknown, number: number): void {
    const text = error instanceof Error ? error.message : 'transfer cancelled'
    this.#stop(errorPacket(number, text.slice(0, 200)))?.reject(error)
  }

  /** Give up this request for another one. */
  giveUpFor(retry: TftpRetry): void {
    this.#stop(errorPacket(TFTP_ERROR.options, `trying ${retry}`))?.resolve(retry)
  }

  /** The peer broke the rules. */
  protocolError(reason: string, number: number): void {
    this.fail(fault('TFTP_PROTOCOL', { what: this.#options.what, reason }), number)
  }

  /** @param errorPacket sent to the peer; null if the peer ended the transfer */
  #stop(
    errorPacket: Uint8Array | null,
  ): { resolve(retry: TftpRetry | null): void; reject(error: unknown): void } | null {
    const settle = this.#settle
    this.#settle = null
    this.#timer.stop()
    this.#flow?.stop()
    if (settle !== null && errorPacket !== null) this.line.send(errorPacket)
    return settle
  }

  #request(): void {
    const { op, file, proposal, sendRequest } = this.#options
    this.#requests++
    sendRequest(requestPacket(op, file, proposal === null ? new Map() : proposeOptions(proposal)))
    this.#timer.set(this.roundTrips.interval)
  }

  #unanswered(): void {
    if (this.#options.proposal !== null && this.#requests >= UNANSWERED_REQUESTS) {
      this.giveUpFor('without options')
      return
    }
    this.roundTrips.expired()
    this.retransmits++
    this.#request()
  }

  #packet(packet: TftpPacket): void {
    if (packet.op === 'error') this.#error(packet.number, packet.text)
    else if (this.#flow !== null) this.#flow.packet(packet)
    else if (this.#settle !== null) this.#answer(packet)
  }

  #error(number: number, text: string): void {
    const { what, proposal } = this.#options
    const mayHelp = this.#flow === null && proposal !== null && MAY_MEAN_OPTIONS.includes(number)
    const settle = this.#stop(null)
    if (mayHelp) settle?.resolve('without options')
    else settle?.reject(fault('TFTP_REFUSED', { what, text, number }))
  }

  /** The first packet from the server: OACK, or what RFC 1350 has without options. */
  #answer(packet: TftpPacket): void {
    if (packet.op === 'options') {
      this.#negotiate(packet)
      return
    }
    const { op } = this.#options
    const first = op === 'read' ? packet.op === 'data' && packet.block === 1 : packet.op === 'ack' && packet.block === 0
    if (first) this.#start(PLAIN_AGREEMENT, packet, false)
  }

  #negotiate(packet: TftpPacket & { readonly op: 'options' }): void {
    const { proposal } = this.#options
    if (proposal === null) {
      this.protocolError('the server accepts options that were not requested', TFTP_ERROR.options)
      return
    }
    const agreement = readAcceptedOptions(packet.options, proposal)
    if (typeof agreement === 'string') this.giveUpFor('without options')
    else this.#start(agreement, packet, true)
  }

  #start(agreement: TftpAgreement, packet: TftpPacket, accepted: boolean): void {
    this.#timer.stop()
    const flow = this.#options.startFlow(this, agreement, accepted)
    // Starting may have ended it: a file may be too large.
    if (this.#settle === null) {
      flow.stop()
      return
    }
    this.#flow = flow
    if (!accepted) flow.packet(packet)
  }
}
