/** One transfer of a server, on a port of its own (RFC 1350 section 4). */

import { type FauxbootError, fault } from '../../../errors.js'
import type { TftpTransferProgress } from '../client/transfer.js'
import { answerOptions, type OptionLimits, type TftpAgreement } from '../options.js'
import { ackPacket, errorPacket, optionsPacket, TFTP_ERROR, type TftpPacket, type TftpRequest } from '../packets.js'
import { TftpLine, type TftpNetwork, type TftpPeer, type TftpPort } from '../peer-socket.js'
import { type AckRepeats, Reception } from '../receiver.js'
import { Transmission } from '../sender.js'
import { Patience, RoundTrips } from '../timers.js'

/** A file that a client reads. */
export interface TftpOutgoing {
  /** bytes; null when it is not known before the end */
  readonly size: number | null
  /** The bytes from `offset` on, in bytes: exactly `length` of them, or fewer at the end of the file only. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>
  /** The transfer is over. @param error null if it is complete */
  closed?(error: unknown): void
  readonly progress?: TftpTransferProgress
}

/** A file that a client writes. */
export interface TftpIncoming {
  /** Take the next bytes; the ACK waits for a promise. Its error goes to the client. */
  write(chunk: Uint8Array): void | Promise<void>
  /** All is here; the last ACK waits for it, so the client learns whether the file was kept. */
  end(): void | Promise<void>
  /** The transfer broke off; not called after `end` was. */
  abort(error: unknown): void
  readonly progress?: TftpTransferProgress
}

export interface SessionOptions {
  readonly network: TftpNetwork
  readonly peer: TftpPeer
  readonly request: TftpRequest
  readonly limits: OptionLimits
  /** milliseconds of silence that count as a timeout */
  readonly timeoutMs: number
  /** timeouts in a row that are borne */
  readonly retries: number
  /** our address, which the request came to */
  readonly address: string
  /** bytes that are taken at most */
  readonly limit: number
  /** the number of RFC 1350 for an error of the file's; null: the usual one */
  errorNumber(error: unknown): number | null
  /** called once, when the client needs nothing more */
  onEnd(): void
}

/** One and a half times as long as a client may wait before it repeats its last block. */
const DALLY_FACTOR = 1.5

/**
 * Some clients take an ACK that comes twice for two: npm's then ends too early, or in an error. One that is merely busy
 * must not get it; one that lost an ACK waits for seconds unless it is helped, once.
 */
const REPEATS: AckRepeats = { afterMs: 1000, times: 1 }

export class ServerSession {
  readonly #options: SessionOptions
  readonly #what: string
  #port: TftpPort | null = null
  #line: TftpLine | null = null
  #flow: { packet(packet: TftpPacket): void; stop(): void } | null = null
  #patience: Patience | null = null
  /** called once with the end of the transfer */
  #report: ((error: unknown) => void) | null = null
  #closed = false
  #dallying = false
  /** the reason of a cancel before the start */
  #cancelled: unknown = null
  /** bytes that arrived, here or there */
  #received = 0

  constructor(options: SessionOptions) {
    this.#options = options
    this.#what = `${options.request.file} of ${options.peer.address}`
  }

  /**
   * Send a file.
   *
   * @throws TFTP_PROTOCOL when there is no port for it
   */
  async send(file: TftpOutgoing): Promise<void> {
    this.#report = error => file.closed?.(error)
    const line = await this.#open(file.progress)
    if (line === null) return
    const { request, limits } = this.#options
    const { agreement, accepted } = answerOptions(request, file.size, limits)
    file.progress?.started(agreement.blockSize, file.size)
    let offset = 0
    const transmission = new Transmission({
      ...this.#common(line, agreement),
      opening: accepted.size === 0 ? null : optionsPacket(accepted),
      source: {
        next: length => {
          const at = offset
          offset += length
          return file.read(at, length)
        },
      },
      onBlocks: (first, last) => {
        this.#received = last * agreement.blockSize
        this.#patience?.heard()
        file.progress?.blocks(first, last)
      },
      onResend: () => undefined,
      onReady: () => this.#patience?.heard(),
      onEnd: () => this.#close(null),
    })
    this.#run({
      packet: packet => {
        if (packet.op === 'ack') transmission.ack(packet.block)
      },
      stop: () => transmission.stop(),
    })
  }

  /**
   * Receive a file.
   *
   * @throws TFTP_PROTOCOL when there is no port for it
   */
  async receive(file: TftpIncoming): Promise<void> {
    this.#report = error => {
      if (error !== null) file.abort(error)
    }
    const line = await this.#open(file.progress)
    if (line === null) return
    const { request, limits } = this.#options
    const { agreement, accepted } = answerOptions(request, null, limits)
    const excess = this.#excess(agreement.size ?? 0)
    if (excess !== null) {
      this.#fail(excess, TFTP_ERROR.diskFull)
      return
    }
    file.progress?.started(agreement.blockSize, agreement.size)
    const reception = new Reception({
      what: this.#what,
      ...this.#common(line, agreement),
      opening: accepted.size === 0 ? ackPacket(0) : optionsPacket(accepted),
      repeats: REPEATS,
      take: chunk => {
        this.#received += chunk.length
        const excess = this.#excess(this.#received)
        if (excess !== null) throw excess
        const writing = file.write(chunk)
        return chunk.length === agreement.blockSize ? writing : this.#finish(file, writing)
      },
      onBlock: () => this.#patience?.heard(),
      onBlocks: (first, last) => file.progress?.blocks(first, last),
      onLoss: () => undefined,
      onResend: () => undefined,
      onEnd: () => this.#dally(agreement),
    })
    this.#run({
      packet: packet => {
        if (packet.op === 'data') reception.data(packet.block, packet.payload)
      },
      stop: () => reception.stop(),
    })
  }

  /** All is done; it only stays for a client that may have missed the last ACK. */
  get dallying(): boolean {
    return this.#dallying
  }

  /** Dally no longer. */
  leave(): void {
    if (this.#dallying) this.#close(null)
  }

  /** End it with an ERROR packet. */
  cancel(error: unknown): void {
    this.#fail(error, TFTP_ERROR.other)
  }

  async #finish(file: TftpIncoming, writing: void | Promise<void>): Promise<void> {
    await writing
    if (this.#closed) return
    this.#report = null
    await file.end()
  }

  #excess(size: number): FauxbootError | null {
    const { limit } = this.#options
    if (size <= limit) return null
    return fault('ARTIFACT_TOO_LARGE', { what: this.#what, size, limit, remedy: 'send a smaller file' })
  }

  #common(line: TftpLine, agreement: TftpAgreement) {
    const { network, timeoutMs, errorNumber } = this.#options
    const { timeoutSeconds } = agreement
    return {
      clock: network,
      // RFC 2349: the client may say after how long something is sent again, at the latest.
      roundTrips: new RoundTrips(timeoutSeconds === null ? timeoutMs : timeoutSeconds * 1000),
      agreement,
      send: (packet: Uint8Array) => line.send(packet),
      onBusy: () => this.#patience?.pause(),
      onFailure: (error: unknown, number: number) => this.#fail(error, errorNumber(error) ?? number),
    }
  }

  /** @returns null when the transfer was cancelled before it began */
  async #open(progress: TftpTransferProgress | undefined): Promise<TftpLine | null> {
    const { network, address, peer, timeoutMs, retries } = this.#options
    const port = await network.open({ address, port: 0 }, (datagram, from) => this.#line?.receive(datagram, from))
    if (this.#closed) {
      port.close()
      this.#report?.(this.#cancelled)
      return null
    }
    this.#port = port
    this.#line = new TftpLine(port, peer.address, peer, packet => this.#packet(packet))
    const onEnd = (attempts: number): void =>
      this.#fail(fault('TFTP_TIMEOUT', { what: this.#what, attempts, received: this.#received }), TFTP_ERROR.other)
    this.#patience = new Patience(network, timeoutMs, retries, () => progress?.timeout(), onEnd)
    return this.#line
  }

  /** The flow has begun, and may have ended already. */
  #run(flow: { packet(packet: TftpPacket): void; stop(): void }): void {
    if (this.#closed) flow.stop()
    else this.#flow = flow
  }

  #packet(packet: TftpPacket): void {
    if (packet.op !== 'error') {
      this.#flow?.packet(packet)
      return
    }
    const { number, text } = packet
    this.#close(fault('TFTP_REFUSED', { what: this.#what, text, number }))
  }

  #fail(error: unknown, number: number): void {
    if (this.#closed) return
    const text = error instanceof Error ? error.message : 'transfer cancelled'
    this.#line?.send(errorPacket(number, text.slice(0, 200)))
    this.#close(error)
  }

  /** The last ACK may be lost: stay and say it again (RFC 1350 section 6). */
  #dally({ timeoutSeconds }: TftpAgreement): void {
    this.#dallying = true
    this.#patience?.pause()
    const { network, timeoutMs } = this.#options
    network.after((timeoutSeconds === null ? timeoutMs : timeoutSeconds * 1000) * DALLY_FACTOR, () => this.#close(null))
  }

  #close(error: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#cancelled = error
    this.#patience?.pause()
    this.#flow?.stop()
    this.#port?.close()
    this.#report?.(error)
    this.#options.onEnd()
  }
}
