/** A TFTP client: RFC 1350, with options if the server accepts them (RFC 2347, 2348, 2349, 7440). */

import { fault } from '../../../errors.js'
import type { TftpAgreement } from '../options.js'
import { ackPacket, TFTP_ERROR } from '../packets.js'
import { type AckRepeats, Reception } from '../receiver.js'
import { Transmission } from '../sender.js'
import { sourceOf } from '../source.js'
import type { Exchange, TftpFlow } from './exchange.js'
import {
  ClientTransfer,
  SMALL_BLOCKS,
  type TftpDirection,
  type TftpTransferOptions,
  type TftpTransferred,
} from './transfer.js'
import { Trial } from './trial.js'

export type { TftpTransferOptions, TftpTransferred } from './transfer.js'

export interface TftpFetchOptions extends TftpTransferOptions {
  /** bytes that are taken at most; default no limit */
  readonly limit?: number
}

/** Takes the bytes of a file in order. When it returns a promise, the server gets no ACK before that resolves. */
export type TftpSink = (chunk: Uint8Array) => void | Promise<void>

/** RFC 2348: the largest. On Ethernet a server without windows saves 44 of 45 round trips by it. */
const LARGE_BLOCKS = 65464

/**
 * Servers are slow to say a block again: a lost ACK is repeated for them. Not within a moment, though: the other end may
 * just be busy, and there are servers (npm's `tftp`) that answer every ACK and never get over one too many.
 */
const REPEATS: AckRepeats = { afterMs: 1000, times: 1 }

/** A file that comes. */
class Download implements TftpDirection {
  readonly op = 'read'
  readonly blockSize = LARGE_BLOCKS
  readonly tellSize = 0
  readonly #sink: TftpSink
  readonly #limit: number
  readonly #onTrial: boolean
  received = 0

  constructor(sink: TftpSink, { limit, blockSize }: TftpFetchOptions) {
    this.#sink = sink
    this.#limit = limit ?? Number.POSITIVE_INFINITY
    this.#onTrial = (blockSize ?? null) === null
  }

  start(transfer: ClientTransfer, exchange: Exchange, agreement: TftpAgreement, accepted: boolean): TftpFlow {
    const { progress, network: clock, what } = transfer
    const { blockSize, size } = agreement
    const trial = new Trial(this.#onTrial && blockSize > SMALL_BLOCKS, transfer.patienceMs)
    this.received = 0
    transfer.heard()
    const excess = this.#excess(what, size ?? 0)
    if (excess !== null) exchange.fail(excess, TFTP_ERROR.diskFull)
    else trial.deliver(() => progress.started(blockSize, size))
    const reception = new Reception({
      what,
      clock,
      roundTrips: exchange.roundTrips,
      agreement,
      opening: accepted && excess === null ? ackPacket(0) : null,
      repeats: REPEATS,
      send: packet => exchange.line.send(packet),
      take: chunk => {
        this.#count(what, chunk, agreement)
        const taking = trial.deliver(() => this.#sink(chunk))
        return trial.block(chunk.length < blockSize) ?? taking
      },
      onBlock: () => transfer.heard(),
      onBlocks: (first, last) => {
        trial.deliver(() => progress.blocks(first, last))
      },
      onBusy: () => transfer.waitForUs(),
      onResend: () => {
        exchange.retransmits++
      },
      onLoss: silentMs => {
        if (trial.loss(silentMs)) exchange.giveUpFor('with small blocks')
      },
      onEnd: () => exchange.end(),
      onFailure: (error, number) => exchange.fail(error, number),
    })
    return {
      packet: packet => {
        if (packet.op === 'data') reception.data(packet.block, packet.payload)
        // The server has not seen ACK 0 (RFC 2347).
        else if (packet.op === 'options') reception.repeat()
      },
      stop: () => reception.stop(),
      runs: {
        expected: () => {
          const { peer } = exchange.line
          const { expected } = reception
          return expected === null || peer === null || !trial.over ? null : { peer, ...agreement, ...expected }
        },
        taken: run => reception.run(run),
      },
    }
  }

  #excess(what: string, size: number): Error | null {
    if (size <= this.#limit) return null
    const remedy = 'delete artifacts or send a smaller file'
    return fault('ARTIFACT_TOO_LARGE', { what, size, limit: this.#limit, remedy })
  }

  /** Check a block, or a run of full ones, before it reaches the sink. */
  #count(what: string, chunk: Uint8Array, { blockSize, size }: TftpAgreement): void {
    this.received += chunk.length
    const excess = this.#excess(what, this.received)
    if (excess !== null) throw excess
    if (size === null || this.received === size) return
    // RFC 2349: the size is the file's. More than it, or an end before it, is another file.
    if (this.received < size && chunk.length >= blockSize) return
    const reason = `the server announced ${size} bytes, and sent ${this.received < size ? 'only' : 'at least'} ${this.received}`
    throw fault('TFTP_PROTOCOL', { what, reason })
  }
}

/** A file that goes. */
class Put implements TftpDirection {
  readonly op = 'write'
  /** The source is read only once, so larger blocks cannot be tried. */
  readonly blockSize = SMALL_BLOCKS
  readonly tellSize: number
  readonly #pieces: Iterable<Uint8Array>
  received = 0

  constructor(pieces: Iterable<Uint8Array>, size: number) {
    this.#pieces = pieces
    this.tellSize = size
  }

  start(transfer: ClientTransfer, exchange: Exchange, agreement: TftpAgreement): TftpFlow {
    const { progress, network: clock } = transfer
    const { blockSize } = agreement
    transfer.heard()
    progress.started(blockSize, this.tellSize)
    const transmission = new Transmission({
      clock,
      roundTrips: exchange.roundTrips,
      agreement,
      source: sourceOf(this.#pieces),
      opening: null,
      send: packet => exchange.line.send(packet),
      onBlocks: (first, last) => {
        this.received = Math.min(this.tellSize, last * blockSize)
        transfer.heard()
        progress.blocks(first, last)
      },
      onResend: () => {
        exchange.retransmits++
      },
      onBusy: () => transfer.waitForUs(),
      onReady: () => transfer.heard(),
      onEnd: bytes => {
        this.received = bytes
        exchange.end()
      },
      onFailure: (error, number) => exchange.fail(error, number),
    })
    return {
      packet: packet => {
        if (packet.op === 'ack') transmission.ack(packet.block)
      },
      stop: () => transmission.stop(),
    }
  }
}

/**
 * Get a file. Lost, doubled and reordered packets are made good; a server that refuses or ignores options is asked
 * without; a path that loses large blocks is given small ones.
 *
 * @param sink receives the bytes in order; its error ends the transfer
 * @throws TFTP_REFUSED, TFTP_TIMEOUT, TFTP_PROTOCOL; ARTIFACT_TOO_LARGE as soon as the server states the size, or when
 * more bytes come than the limit; the reason of the signal; what `sink` throws
 */
export const fetchTftp = (options: TftpFetchOptions, sink: TftpSink): Promise<TftpTransferred> =>
  new ClientTransfer(new Download(sink, options), options).run()

/**
 * Put a file.
 *
 * @param source in chunks of any size, read once, on demand
 * @param size total bytes, which the request announces
 * @throws as `fetchTftp`, without ARTIFACT_TOO_LARGE; what `source` throws
 */
export const putTftp = (
  options: TftpTransferOptions,
  source: Iterable<Uint8Array>,
  size: number,
): Promise<TftpTransferred> => new ClientTransfer(new Put(source, size), options).run()
