/** When to send again, and when to give up. */

/** The clock that a transfer lives by; tests have one of their own. */
export interface TftpClock {
  /** milliseconds, never going back */
  now(): number
  /** Call back once, unless the returned function is called before. */
  after(milliseconds: number, callback: () => void): () => void
}

/** A timer that every packet restarts; it reads the clock only when it runs out. */
export class LazyTimer {
  readonly #clock: TftpClock
  readonly #expired: () => void
  #deadline = Number.POSITIVE_INFINITY
  #wakesAt = Number.POSITIVE_INFINITY
  #cancel: () => void = () => undefined

  constructor(clock: TftpClock, expired: () => void) {
    this.#clock = clock
    this.#expired = expired
  }

  /** Expire this many milliseconds from now, instead of earlier. */
  set(milliseconds: number): void {
    const now = this.#clock.now()
    this.#deadline = now + milliseconds
    // A timer that wakes too early looks at the deadline again; only one that would wake too late is replaced.
    if (this.#wakesAt > this.#deadline) this.#arm(now)
  }

  stop(): void {
    this.#deadline = Number.POSITIVE_INFINITY
    this.#wakesAt = Number.POSITIVE_INFINITY
    this.#cancel()
  }

  #arm(now: number): void {
    this.#cancel()
    this.#wakesAt = this.#deadline
    this.#cancel = this.#clock.after(Math.max(0, this.#deadline - now), () => this.#wake())
  }

  #wake(): void {
    this.#wakesAt = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    if (now < this.#deadline) {
      this.#arm(now)
      return
    }
    this.#deadline = Number.POSITIVE_INFINITY
    this.#expired()
  }
}

/** Before the first measurement. RFC 6298 section 2.1 says one second, for the Internet; TFTP stays in a lab. */
const FIRST_INTERVAL = 500
/**
 * RFC 6298 demands at least a second because of TCP's delayed ACKs. TFTP has none, and resending too early costs
 * one small packet; so the floor is what a busy machine may need to answer.
 */
const SHORTEST_INTERVAL = 20

/** How long to wait for an answer before sending again, from the round trips there were (RFC 6298 section 2). */
export class RoundTrips {
  readonly #longest: number
  #smoothed: number | null = null
  #variation = 0
  #backoff = 1
  #fastest = Number.POSITIVE_INFINITY

  /** @param longest milliseconds that are waited at most */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** milliseconds until something is sent again */
  get interval(): number {
    return Math.min(this.#longest, this.usual * this.#backoff)
  }

  /** milliseconds within which an answer usually comes */
  get usual(): number {
    const measured = this.#smoothed === null ? FIRST_INTERVAL : this.#smoothed + 4 * this.#variation
    return Math.max(SHORTEST_INTERVAL, measured)
  }

  /** milliseconds of the fastest round trip; an answer that comes sooner answers something else */
  get fastest(): number {
    return this.#fastest
  }

  /** A packet that was sent only once was answered. After a retransmission, the answer would be ambiguous (Karn). */
  measured(milliseconds: number): void {
    this.#backoff = 1
    this.#fastest = Math.min(this.#fastest, milliseconds)
    if (this.#smoothed === null) {
      this.#smoothed = milliseconds
      this.#variation = milliseconds / 2
      return
    }
    this.#variation += (Math.abs(this.#smoothed - milliseconds) - this.#variation) / 4
    this.#smoothed += (milliseconds - this.#smoothed) / 8
  }

  /** Nothing came: wait twice as long the next time (RFC 6298 section 5.5). */
  expired(): void {
    if (this.interval < this.#longest) this.#backoff *= 2
  }
}

/** Gives a silent peer so many intervals in a row, and no more. */
export class Patience {
  readonly #timer: LazyTimer
  readonly #timeoutMs: number
  #silent = 0

  /**
   * @param timeoutMs length of an interval
   * @param retries intervals that are borne; the next one is the end
   * @param onTimeout called for each of them
   * @param onEnd called once, with the number of intervals
   */
  constructor(
    clock: TftpClock,
    timeoutMs: number,
    retries: number,
    onTimeout: () => void,
    onEnd: (attempts: number) => void,
  ) {
    this.#timeoutMs = timeoutMs
    this.#timer = new LazyTimer(clock, () => {
      this.#silent++
      if (this.#silent > retries) return onEnd(this.#silent)
      this.#timer.set(timeoutMs)
      onTimeout()
    })
    this.#timer.set(timeoutMs)
  }

  /** The transfer went on. */
  heard(): void {
    this.#silent = 0
    this.#timer.set(this.#timeoutMs)
  }

  /** The peer need not answer until `heard()`. */
  pause(): void {
    this.#timer.stop()
  }
}
