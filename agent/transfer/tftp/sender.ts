/** The sending end of a transfer: RFC 1350 section 2, in windows of RFC 7440 section 4. */

import type { TftpAgreement } from './options.js'
import { dataPacket, TFTP_ERROR } from './packets.js'
import { blocksAhead } from './receiver.js'
import type { TftpSource } from './source.js'
import { LazyTimer, type RoundTrips, type TftpClock } from './timers.js'

/** What an ACK means: nothing, success, or that the blocks after it must be sent again. */
export type AckVerdict = 'stale' | 'advance' | 'rewind'

/** Which blocks are on their way. Pure: no time, no packets. */
export class SenderWindow {
  readonly #size: number
  /** the first block without an ACK, counted from 1 without rollover */
  #base = 1
  /** the block that is sent next */
  #next = 1
  /** the window was started again because of an ACK for the block before it */
  #restarted = false

  constructor(size: number) {
    this.#size = size
  }

  get base(): number {
    return this.#base
  }

  get next(): number {
    return this.#next
  }

  /** another block may go out */
  get open(): boolean {
    return this.#next < this.#base + this.#size
  }

  sent(): void {
    this.#next++
  }

  /** Send all again that has no ACK. */
  rewind(): void {
    this.#next = this.#base
  }

  /**
   * @param number of an ACK, 16 bits
   * @param tooSoon the ACK cannot be an answer to the window: no packet travels that fast
   */
  take(number: number, tooSoon: boolean): AckVerdict {
    const block = this.#base + blocksAhead(number, this.#base)
    if (block < this.#base - 1 || block >= this.#next) return 'stale'
    if (block === this.#base - 1) return this.#repeated(tooSoon)
    this.#base = block + 1
    this.#restarted = false
    // RFC 7440 section 4: an ACK within the window means that the next block was lost.
    const lost = this.#next > this.#base
    this.rewind()
    return lost ? 'rewind' : 'advance'
  }

  /**
   * The ACK that opened the window came again. With windows it may say that the first block was lost, but it does so
   * once only. Without, DATA is never sent again for an ACK: the sorcerer's apprentice (RFC 1123 section 4.2.3.1).
   */
  #repeated(tooSoon: boolean): AckVerdict {
    if (this.#size === 1 || this.#restarted || tooSoon || this.#next === this.#base) return 'stale'
    this.#restarted = true
    this.rewind()
    return 'rewind'
  }
}

export interface TransmissionOptions {
  readonly clock: TftpClock
  readonly roundTrips: RoundTrips
  readonly agreement: TftpAgreement
  readonly source: TftpSource
  /** an OACK, which the peer answers with ACK 0 before the first block goes out (RFC 2347); null: start at once */
  readonly opening: Uint8Array | null
  send(packet: Uint8Array): void
  /** blocks `first` to `last` arrived */
  onBlocks(first: number, last: number): void
  /** something is sent again */
  onResend(): void
  /** the source is slow: it is not the peer's turn */
  onBusy(): void
  /** the source has delivered: it is the peer's turn again */
  onReady(): void
  /** @param bytes of the file */
  onEnd(bytes: number): void
  /** @param error for the peer's ERROR packet, with this number of RFC 1350 */
  onFailure(error: unknown, number: number): void
}

/** A transfer that is being sent. Memory is bounded: the packets of one window. */
export class Transmission {
  readonly #options: TransmissionOptions
  readonly #window: SenderWindow
  readonly #timer: LazyTimer
  /** packets that were read and have no ACK, from `base` on */
  readonly #packets: Uint8Array[] = []
  #opening: Uint8Array | null
  #bytes = 0
  #lastRead = false
  #reading = false
  #ended = false
  #sentAt = 0
  /** the blocks on their way were sent only once, so the time until their ACK is a round trip */
  #measuring = true

  constructor(options: TransmissionOptions) {
    this.#options = options
    this.#window = new SenderWindow(options.agreement.windowSize)
    this.#timer = new LazyTimer(options.clock, () => this.#expired())
    this.#opening = options.opening
    if (this.#opening === null) this.#pump()
    else this.#sayOpening(this.#opening)
  }

  /** An ACK packet came. */
  ack(number: number): void {
    if (this.#ended) return
    if (this.#opening !== null) {
      if (number === 0) this.#opened()
      return
    }
    const { clock, roundTrips, onResend } = this.#options
    const elapsed = clock.now() - this.#sentAt
    const before = this.#window.base
    const verdict = this.#window.take(number, elapsed < roundTrips.fastest / 2)
    if (verdict === 'stale') return
    if (verdict === 'rewind') {
      this.#measuring = false
      onResend()
    } else {
      if (this.#measuring) roundTrips.measured(elapsed)
      this.#measuring = true
    }
    this.#advanced(before)
  }

  stop(): void {
    this.#ended = true
    this.#timer.stop()
    this.#packets.length = 0
  }

  #advanced(before: number): void {
    const { base } = this.#window
    this.#packets.splice(0, base - before)
    if (base > before) this.#options.onBlocks(before, base - 1)
    if (this.#lastRead && this.#packets.length === 0) {
      this.stop()
      this.#options.onEnd(this.#bytes)
      return
    }
    this.#pump()
  }

  /** Send what the window allows. */
  #pump(): void {
    if (this.#reading || this.#ended) return
    while (this.#window.open) {
      const packet = this.#packets[this.#window.next - this.#window.base]
      if (packet !== undefined) this.#sendBlock(packet)
      else if (this.#lastRead || !this.#read()) break
    }
    if (!this.#reading && !this.#ended) this.#timer.set(this.#options.roundTrips.interval)
  }

  #sendBlock(packet: Uint8Array): void {
    this.#options.send(packet)
    this.#sentAt = this.#options.clock.now()
    this.#window.sent()
  }

  /** @returns false when the block is not here yet */
  #read(): boolean {
    let block: Uint8Array | Promise<Uint8Array>
    try {
      block = this.#options.source.next(this.#options.agreement.blockSize)
    } catch (thrown) {
      this.#options.onFailure(thrown, TFTP_ERROR.other)
      return false
    }
    if (block instanceof Uint8Array) {
      this.#add(block)
      return true
    }
    this.#reading = true
    this.#timer.stop()
    this.#options.onBusy()
    block.then(
      bytes => {
        this.#reading = false
        if (this.#ended) return
        this.#options.onReady()
        this.#add(bytes)
        this.#pump()
      },
      thrown => this.#options.onFailure(thrown, TFTP_ERROR.other),
    )
    return false
  }

  #add(block: Uint8Array): void {
    this.#packets.push(dataPacket(this.#window.base + this.#packets.length, block))
    this.#bytes += block.length
    this.#lastRead = block.length < this.#options.agreement.blockSize
  }

  #sayOpening(opening: Uint8Array): void {
    this.#options.send(opening)
    this.#sentAt = this.#options.clock.now()
    this.#timer.set(this.#options.roundTrips.interval)
  }

  #opened(): void {
    this.#opening = null
    if (this.#measuring) this.#options.roundTrips.measured(this.#options.clock.now() - this.#sentAt)
    this.#measuring = true
    this.#pump()
  }

  #expired(): void {
    this.#options.roundTrips.expired()
    this.#measuring = false
    this.#options.onResend()
    if (this.#ended) return
    if (this.#opening !== null) {
      this.#sayOpening(this.#opening)
      return
    }
    this.#window.rewind()
    this.#pump()
  }
}
