/**
 * Whether a path takes large blocks. Each is many IP fragments, and is lost when one of them is: a path that drops some
 * packets drops most large blocks. So the first ones are kept back until they have shown that they get through; if they
 * do not, the transfer starts over with small ones, unnoticed by the user.
 */

/** Blocks that must get through. */
const TRIAL_BLOCKS = 16
/** Blocks among them that may come late. Where 1 datagram in 20 is lost, that is more than enough. */
const TRIAL_LOSSES = 5
/** Silence that is borne: tftpd-hpa sends again after one second. */
const TRIAL_SILENCE_MS = 2500

/** Output to the user: bytes or progress. */
type Delivery = () => void | Promise<void>

/** Keeps back what a transfer delivers while its path is on trial. */
export class Trial {
  readonly #silenceMs: number
  readonly #held: Delivery[] = []
  #open: boolean
  #blocks = 0
  #losses = 0
  /** the loss of this block is counted */
  #lossOf = -1

  /**
   * @param needed false: the trial is over before it begins
   * @param patienceMs longest silence of the peer in all; half of it must remain for the small blocks
   */
  constructor(needed: boolean, patienceMs: number) {
    this.#open = !needed
    this.#silenceMs = Math.min(TRIAL_SILENCE_MS, patienceMs / 2)
  }

  get over(): boolean {
    return this.#open
  }

  /** Deliver now, or when the trial is over. */
  deliver(delivery: Delivery): void | Promise<void> {
    if (this.#open) return delivery()
    this.#held.push(delivery)
  }

  /** Another block arrived. @returns a promise if the sink takes the held output slowly */
  block(last: boolean): void | Promise<void> {
    if (this.#open || (++this.#blocks < TRIAL_BLOCKS && !last)) return
    this.#open = true
    return this.#release()
  }

  /**
   * Something was lost.
   *
   * @returns whether the blocks are too large for this path
   */
  loss(silentMs: number): boolean {
    if (this.#open) return false
    if (this.#lossOf !== this.#blocks) this.#losses++
    this.#lossOf = this.#blocks
    return silentMs >= this.#silenceMs || this.#losses > TRIAL_LOSSES
  }

  async #release(): Promise<void> {
    for (const delivery of this.#held) await delivery()
    this.#held.length = 0
  }
}
