/** A clock that runs while the other side is awaited. */

/** Calls back once if the peer was silent for the whole time, without a `heard()`. */
export class StallTimer {
  readonly #timer: NodeJS.Timeout
  #waiting = true

  /**
   * @param seconds of silence that are borne
   * @param onStall called once at most
   */
  constructor(seconds: number, onStall: () => void) {
    this.#timer = setTimeout(() => {
      // The silence was ours: bytes are there, but the sink has not taken the last ones yet.
      if (this.#waiting) onStall()
      else this.#timer.refresh()
    }, seconds * 1000)
  }

  /** The peer was heard; the clock stops until `wait()`. */
  heard(): void {
    this.#waiting = false
  }

  /** From here on it is the other side's turn. */
  wait(): void {
    this.#waiting = true
    this.#timer.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
