/** The receiving end of a transfer: RFC 1350 section 2, in windows of RFC 7440 section 4. */

import { fault } from '../../errors.js'
import type { TftpAgreement } from './options.js'
import { ackPacket, TFTP_ERROR } from './packets.js'
import type { TftpRunTaken } from './peer-socket.js'
import { LazyTimer, type RoundTrips, type TftpClock } from './timers.js'

/** Half of the block numbers are ahead of a block, half before it; the number after 65535 is 0. */
const HALF = 0x8000

/** Distance from a block to a 16-bit number; negative if the number comes before it. */
export const blocksAhead = (number: number, block: number): number => ((number - block + HALF) & 0xffff) - HALF

/** ACKs that are repeated if no block comes, because ours may be lost. */
export interface AckRepeats {
  /** milliseconds of silence before each of them; more when the round trips are longer */
  readonly afterMs: number
  readonly times: number
}

/**
 * After them the block itself is lost, and only the sender's own timer brings it back. tftp-hpa starts those five seconds
 * at every packet it receives, so it must receive nothing for that long.
 */
const QUIET_MS = 6000

/** What a block is to the window. */
export type BlockVerdict = 'next' | 'duplicate' | 'gap' | 'beyond'

/** Which block is awaited, and when an ACK is due. Pure: no time, no packets. */
export class ReceiverWindow {
  readonly #size: number
  /** last block that came in order, counted from 1 without rollover */
  #received = 0
  #acked = 0
  /** the highest block after the reported gap; null if none was reported since the last block in order */
  #gapSeen: number | null = null

  constructor(size: number) {
    this.#size = size
  }

  get received(): number {
    return this.#received
  }

  /** the window is full: the sender waits for an ACK */
  get ackDue(): boolean {
    return this.unacked >= this.#size
  }

  /** blocks since the last ACK */
  get unacked(): number {
    return this.#received - this.#acked
  }

  /** Blocks came in order, and were acknowledged but for the last ones. */
  run(blocks: number, unacked: number): void {
    this.#received += blocks
    this.#acked = this.#received - unacked
    this.#gapSeen = null
  }

  /** @param number of a DATA packet, 16 bits */
  take(number: number): BlockVerdict {
    const ahead = blocksAhead(number, this.#received)
    if (ahead <= 0) return 'duplicate'
    if (ahead > this.#size) return 'beyond'
    if (ahead > 1) return 'gap'
    this.#received++
    this.#gapSeen = null
    return 'next'
  }

  /**
   * Whether a block after a gap is the first to reveal it. The next blocks of the same burst reveal nothing new
   * and get no ACK, or every one of them would make the sender start its window again. A number that does not rise is
   * a new burst: the sender went back, and the same block was lost again.
   */
  showsGap(number: number): boolean {
    const ahead = blocksAhead(number, this.#received)
    const news = this.#gapSeen === null || ahead <= this.#gapSeen
    this.#gapSeen = ahead
    return news
  }

  /** An ACK of all that came in order goes out. */
  acked(): void {
    this.#acked = this.#received
  }
}

export interface ReceptionOptions {
  /** for messages: the file, and where it comes from */
  readonly what: string
  readonly clock: TftpClock
  readonly roundTrips: RoundTrips
  readonly agreement: TftpAgreement
  /** the packet that is repeated until the first block comes: ACK 0 or an OACK */
  readonly opening: Uint8Array | null
  readonly repeats: AckRepeats
  send(packet: Uint8Array): void
  /** takes the bytes of a block, or of a run of full ones; the next ACK waits for it */
  take(chunk: Uint8Array): void | Promise<void>
  /** a block came in order: the peer is alive */
  onBlock(): void
  /** blocks `first` to `last` were taken */
  onBlocks(first: number, last: number): void
  /** the peer need not send: it waits for us */
  onBusy(): void
  /** something was lost, or is late; milliseconds since the last block that came in order */
  onLoss(silentMs: number): void
  /** an ACK is sent again */
  onResend(): void
  /** the last block was taken and its ACK sent */
  onEnd(): void
  /** @param error for the peer's ERROR packet, with this number of RFC 1350 */
  onFailure(error: unknown, number: number): void
}

/**
 * A transfer that is being received, from the first block on. Memory is bounded: one window of blocks waits for a slow
 * `take`, because the sender gets no ACK before it.
 */
export class Reception {
  readonly #options: ReceptionOptions
  readonly #window: ReceiverWindow
  readonly #timer: LazyTimer
  readonly #waiting: { readonly payload: Uint8Array; readonly blocks: number }[] = []
  #reply: Uint8Array | null
  #repliedAt: number
  /** the reply on its way is the first of its kind, so the time until the next block is a round trip */
  #measuring: boolean
  #lastBlockAt: number
  /** ACKs sent again since the last block */
  #repeats = 0
  #taken = 0
  #busy = false
  #lastSeen = false
  #ended = false

  constructor(options: ReceptionOptions) {
    this.#options = options
    this.#window = new ReceiverWindow(options.agreement.windowSize)
    this.#timer = new LazyTimer(options.clock, () => this.#expired())
    this.#reply = options.opening
    this.#repliedAt = options.clock.now()
    this.#lastBlockAt = this.#repliedAt
    this.#measuring = this.#reply !== null
    if (this.#reply !== null) this.#options.send(this.#reply)
    this.#await()
  }

  /** A DATA packet came. */
  data(number: number, payload: Uint8Array): void {
    if (this.#ended && !this.#lastSeen) return
    const verdict = this.#lastSeen ? 'duplicate' : this.#window.take(number)
    if (verdict === 'next') {
      this.#first(payload)
      return
    }
    if (this.#busy) return
    if (verdict === 'duplicate') this.#duplicate()
    else if (verdict === 'gap' && this.#window.showsGap(number)) this.#gap()
  }

  /** What may come without us; null before the first block, and while blocks wait or something is missing. */
  get expected(): { readonly received: number; readonly unacked: number } | null {
    const { received, unacked } = this.#window
    return this.#ended || this.#busy || received === 0 ? null : { received, unacked }
  }

  /** A run of blocks of full length came in order. It is acknowledged but for the last `unacked` of them. */
  run({ payload, blocks, unacked }: TftpRunTaken): void {
    if (this.#ended) return
    this.#window.run(blocks, unacked)
    if (unacked < blocks) {
      this.#repliedAt = this.#options.clock.now()
      this.#measuring = false
    }
    this.#next(payload, blocks)
  }

  /** The peer repeated its opening packet, so it has not seen ours. */
  repeat(): void {
    if (this.#window.received === 0) this.#duplicate()
  }

  stop(): void {
    this.#ended = true
    this.#lastSeen = false
    this.#timer.stop()
    this.#waiting.length = 0
  }

  #first(payload: Uint8Array): void {
    const { agreement, clock, roundTrips, what } = this.#options
    if (payload.length > agreement.blockSize) {
      const reason = `a block has ${payload.length} bytes, agreed on were ${agreement.blockSize}`
      this.#options.onFailure(fault('TFTP_PROTOCOL', { what, reason }), TFTP_ERROR.illegalOperation)
      return
    }
    if (this.#measuring) roundTrips.measured(clock.now() - this.#repliedAt)
    this.#measuring = false
    this.#lastSeen = payload.length < agreement.blockSize
    this.#next(payload, 1)
  }

  #next(payload: Uint8Array, blocks: number): void {
    this.#repeats = 0
    this.#lastBlockAt = this.#options.clock.now()
    this.#waiting.push({ payload, blocks })
    if (this.#busy) return
    this.#options.onBlock()
    this.#drain()
  }

  /** Pass waiting blocks to the sink; an ACK is due when none waits, or after a window. */
  #drain(): void {
    const first = this.#taken + 1
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      let taking: void | Promise<void>
      try {
        taking = this.#options.take(next.payload)
      } catch (thrown) {
        this.#options.onFailure(thrown, TFTP_ERROR.diskFull)
        return
      }
      this.#taken += next.blocks
      if (taking === undefined) continue
      this.#wait(taking)
      break
    }
    if (this.#taken >= first) this.#options.onBlocks(first, this.#taken)
    if (!this.#busy) this.#answer()
  }

  #wait(taking: Promise<void>): void {
    this.#busy = true
    this.#timer.stop()
    this.#options.onBusy()
    taking.then(
      () => {
        this.#busy = false
        if (this.#ended) return
        this.#options.onBlock()
        this.#drain()
      },
      thrown => this.#options.onFailure(thrown, TFTP_ERROR.diskFull),
    )
  }

  #answer(): void {
    if (this.#ended) return
    if (this.#lastSeen) {
      this.#ended = true
      this.#timer.stop()
      this.#ack()
      this.#options.onEnd()
      return
    }
    if (this.#window.ackDue) {
      this.#ack()
      this.#measuring = true
    }
    this.#await()
  }

  /** Give the sender its time for the next block. */
  #await(): void {
    const { roundTrips, repeats } = this.#options
    this.#timer.set(Math.max(roundTrips.interval, repeats.afterMs))
  }

  #ack(): void {
    this.#window.acked()
    this.#reply = ackPacket(this.#window.received)
    this.#say()
  }

  #say(): void {
    if (this.#reply === null) return
    this.#repliedAt = this.#options.clock.now()
    this.#options.send(this.#reply)
  }

  /**
   * The sender repeats a received block: our ACK may be lost. But the network duplicates packets too, and one ACK
   * for each of them would set off a storm with senders that answer every ACK (RFC 1123 section 4.2.3.1).
   */
  #duplicate(): void {
    const { clock, roundTrips } = this.#options
    if (clock.now() - this.#repliedAt < roundTrips.usual) return
    this.#sayAgain()
  }

  /** RFC 7440 section 4: a gap is answered at once with the last block in order; the sender continues after it. */
  #gap(): void {
    this.#options.onLoss(this.#options.clock.now() - this.#lastBlockAt)
    if (this.#ended) return
    this.#options.onResend()
    this.#ack()
    this.#measuring = false
    this.#await()
  }

  #expired(): void {
    const { clock, roundTrips, repeats, onLoss } = this.#options
    roundTrips.expired()
    onLoss(clock.now() - this.#lastBlockAt)
    if (this.#ended) return
    const quiet = clock.now() - this.#repliedAt
    if (this.#repeats++ < repeats.times || quiet >= QUIET_MS) this.#sayAgain()
    this.#await()
  }

  #sayAgain(): void {
    this.#options.onResend()
    this.#measuring = false
    // This acknowledges the blocks in order before the window is full, because the rest may be lost.
    if (this.#window.received > 0) this.#ack()
    else this.#say()
  }
}
