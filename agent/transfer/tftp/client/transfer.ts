/** A client's transfer over several requests: its options, ports and time limits. */

import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { fault } from '../../../errors.js'
import { unlessAborted } from '../../abort.js'
import { PLAIN_AGREEMENT, type TftpAgreement } from '../options.js'
import { isTftpName, TFTP_ERROR } from '../packets.js'
import { TftpLine, type TftpNetwork, type TftpPeer, type TftpPort, type TftpRuns } from '../peer-socket.js'
import { Patience } from '../timers.js'
import { udpNetwork } from '../udp.js'
import { Exchange, type TftpFlow, type TftpRetry } from './exchange.js'

/** Progress of a transfer. */
export interface TftpTransferProgress {
  /** Options are negotiated, or the first block has arrived. `size`: bytes; null if the server does not say */
  started(blockSize: number, size: number | null): void
  /** Blocks `first` to `last` arrived in order, counted from 1 */
  blocks(first: number, last: number): void
  /** nothing came for `timeoutMs` */
  timeout(): void
}

export interface TftpTransferOptions {
  /** address or host name */
  readonly server: string
  /** latin1, one byte per character; 1 to 400 bytes, none of them zero */
  readonly file: string
  /** bytes, 8 to 65464; null or undefined: the client chooses */
  readonly blockSize?: number | null
  /** blocks, 1 to 1024; null or undefined: as many as our buffer holds */
  readonly windowSize?: number | null
  /** milliseconds of silence that count as a timeout; default 2000. Lost packets are sent again sooner */
  readonly timeoutMs?: number
  /** timeouts in a row that are borne; default 5 */
  readonly retries?: number
  /** UDP port of the server; default 69 */
  readonly port?: number
  /** our own UDP port; null or undefined: any */
  readonly localPort?: number | null
  /** our own address, so that it stays the same when the system gets another one; null or undefined: what the route says */
  readonly localAddress?: string | null
  /** ends the transfer at once with an ERROR packet; the promise rejects with its reason */
  readonly signal?: AbortSignal
  readonly progress?: TftpTransferProgress
  /** UDP and time; default the system's */
  readonly network?: TftpNetwork
}

export interface TftpTransferred {
  /** bytes of the file */
  readonly size: number
  readonly blockSize: number
  readonly windowSize: number
  /** packets that were sent again */
  readonly retransmits: number
}

const DEFAULTS = { port: 69, timeoutMs: 2000, retries: 5 }
const NO_PROGRESS: TftpTransferProgress = { started() {}, blocks() {}, timeout() {} }

/** RFC 2348: what fits Ethernet without IP fragments. */
export const SMALL_BLOCKS = 1468
/** Largest requested window, by default and at all. */
const OWN_WINDOW = 64
const MOST_WINDOW = 1024
/** How long a server that missed our last ACK may ask for it: tftpd-hpa does so after one second. */
export const DALLY_MS = 1500

/** Largest default window in bytes: more than a cache holds slows both sides down. */
const OWN_WINDOW_BYTES = 128 << 10

/** The window that our buffer surely holds while we are busy: the system counts up to twice the bytes of a block. */
function ownWindow(port: TftpPort, blockSize: number): number {
  const bytes = Math.min(OWN_WINDOW_BYTES, port.bufferBytes / 2)
  return Math.max(1, Math.min(OWN_WINDOW, Math.floor(bytes / blockSize)))
}

/** What the two directions of a transfer do differently. */
export interface TftpDirection {
  readonly op: 'read' | 'write'
  /** block size to be asked for first, when the user leaves it to us; smaller ones may follow */
  readonly blockSize: number
  /** bytes to announce in the request: 0 asks the server for the size (RFC 2349) */
  readonly tellSize: number
  /** The server has answered; `accepted`: with an OACK. */
  start(transfer: ClientTransfer, exchange: Exchange, agreement: TftpAgreement, accepted: boolean): TftpFlow
  /** bytes that arrived */
  readonly received: number
}

/** One transfer of a client. */
export class ClientTransfer {
  readonly #direction: TftpDirection
  readonly #options: TftpTransferOptions
  readonly network: TftpNetwork
  readonly progress: TftpTransferProgress
  readonly timeoutMs: number
  readonly #retries: number
  /** `tftp://server/file`, for messages */
  readonly what: string
  #patience: Patience | null = null
  #exchange: Exchange | null = null
  #retransmits = 0

  constructor(direction: TftpDirection, options: TftpTransferOptions) {
    this.#direction = direction
    this.#options = options
    this.network = options.network ?? udpNetwork
    this.progress = options.progress ?? NO_PROGRESS
    this.timeoutMs = options.timeoutMs ?? DEFAULTS.timeoutMs
    this.#retries = options.retries ?? DEFAULTS.retries
    this.what = `tftp://${options.server}/${options.file}`
  }

  /** milliseconds that a silent server is borne */
  get patienceMs(): number {
    return this.timeoutMs * (this.#retries + 1)
  }

  /** The transfer went on: the server has all its time again. */
  heard(): void {
    this.#patience?.heard()
  }

  /** It is not the server's turn. */
  waitForUs(): void {
    this.#patience?.pause()
  }

  /** @throws as `fetchTftp` */
  async run(): Promise<TftpTransferred> {
    const { file, server, signal } = this.#options
    if (!isTftpName(file)) {
      throw fault('TFTP_PROTOCOL', { what: this.what, reason: 'names have 1 to 400 bytes, none of them zero' })
    }
    signal?.throwIfAborted()
    const address = await unlessAborted(this.#addressOf(server), signal)
    const onAbort = (): void => this.#exchange?.fail(signal?.reason, TFTP_ERROR.other)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await this.#requests({ address, port: this.#options.port ?? DEFAULTS.port })
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#patience?.pause()
    }
  }

  async #addressOf(server: string): Promise<string> {
    if (isIP(server) !== 0) return server
    try {
      return (await lookup(server)).address
    } catch (thrown) {
      throw fault('TFTP_PROTOCOL', { what: this.what, reason: 'the host name is unknown' }, thrown)
    }
  }

  /** Ask, and ask again more modestly while that may help. */
  async #requests(server: TftpPeer): Promise<TftpTransferred> {
    let blockSize = this.#options.blockSize ?? this.#direction.blockSize
    for (;;) {
      const result = await this.#request(server, blockSize)
      if (typeof result === 'object') return result
      blockSize = result === 'with small blocks' ? SMALL_BLOCKS : 0
    }
  }

  /** @param blockSize 0: without options */
  async #request(server: TftpPeer, blockSize: number): Promise<TftpTransferred | TftpRetry> {
    const { localAddress, localPort, signal } = this.#options
    const local = { address: localAddress ?? (isIPv6(server.address) ? '::' : '0.0.0.0'), port: localPort ?? 0 }
    let line: TftpLine | null = null
    const runs: TftpRuns = {
      expected: () => this.#exchange?.expected() ?? null,
      taken: run => this.#exchange?.taken(run),
    }
    const port = await this.network.open(local, (datagram, from) => line?.receive(datagram, from), runs)
    this.#patience ??= this.#newPatience()
    let agreement = PLAIN_AGREEMENT
    const exchange = new Exchange(
      {
        clock: this.network,
        op: this.#direction.op,
        file: this.#options.file,
        what: this.what,
        sendRequest: packet => port.send(packet, server),
        proposal: blockSize === 0 ? null : this.#proposal(port, blockSize),
        timeoutMs: this.timeoutMs,
        startFlow: (exchange, agreed, accepted) => {
          agreement = agreed
          return this.#direction.start(this, exchange, agreed, accepted)
        },
      },
      onPacket => {
        line = new TftpLine(port, server.address, null, onPacket)
        return line
      },
    )
    this.#exchange = exchange
    let complete = false
    try {
      if (signal?.aborted === true) exchange.fail(signal.reason, TFTP_ERROR.other)
      const retry = await exchange.outcome
      complete = retry === null
      this.#retransmits += exchange.retransmits
      if (retry !== null) return retry
    } finally {
      if (complete && local.port === 0 && this.#direction.op === 'read') this.#dally(port)
      else port.close()
    }
    const { windowSize } = agreement
    return {
      size: this.#direction.received,
      blockSize: agreement.blockSize,
      windowSize,
      retransmits: this.#retransmits,
    }
  }

  #proposal(port: TftpPort, blockSize: number): TftpAgreement {
    const windowSize = Math.min(MOST_WINDOW, this.#options.windowSize ?? ownWindow(port, blockSize))
    // RFC 2349 has whole seconds. atftpd waits five of them by default.
    const timeoutSeconds = Math.min(255, Math.max(1, Math.floor(this.timeoutMs / 1000)))
    return { blockSize, windowSize, size: this.#direction.tellSize, timeoutSeconds }
  }

  #newPatience(): Patience {
    const onEnd = (attempts: number): void => {
      const error = fault('TFTP_TIMEOUT', { what: this.what, attempts, received: this.#direction.received })
      this.#exchange?.fail(error, TFTP_ERROR.other)
    }
    return new Patience(this.network, this.timeoutMs, this.#retries, () => this.progress.timeout(), onEnd)
  }

  /** RFC 1350 section 6: stay for a while after the last ACK, which may be lost. Nobody waits for it. */
  #dally(port: TftpPort): void {
    port.dally()
    this.network.after(DALLY_MS, () => port.close())
  }
}
