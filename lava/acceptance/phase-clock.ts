/** How long each phase of a round takes. */

/** Moments of a round, in their usual order. */
type Moment =
  | 'power'
  | 'countdown'
  | 'agent'
  | 'uploaded'
  | 'jump'
  | 'kernel'
  | 'prompt'
  | 'reboot'
  | 'countdown-again'
  | 'agent-again'

export interface Phase {
  readonly name: string
  /** null: one of its ends was not seen */
  readonly seconds: number | null
}

const PHASES: readonly { readonly name: string; readonly from: Moment; readonly to: Moment }[] = [
  { name: 'power-on to countdown', from: 'power', to: 'countdown' },
  { name: 'power-on to agent', from: 'power', to: 'agent' },
  { name: 'upload', from: 'agent', to: 'uploaded' },
  { name: 'plan and load', from: 'uploaded', to: 'jump' },
  { name: 'jump to first kernel line', from: 'jump', to: 'kernel' },
  { name: 'first kernel line to prompt', from: 'kernel', to: 'prompt' },
  { name: 'reboot to countdown', from: 'reboot', to: 'countdown-again' },
  { name: 'reboot to agent', from: 'reboot', to: 'agent-again' },
]

/** What a boot loader prints before its countdown. */
export const COUNTDOWN = /Hit any key to stop/

/** Characters that are searched again with the next text. */
const OVERLAP = 32

export class PhaseClock {
  readonly #moments = new Map<Moment, number>()
  #tail = ''

  /** @param at by `performance.now()` */
  mark(moment: Moment, at = performance.now()): void {
    this.#moments.set(moment, at)
  }

  /** Text of the console, cut anywhere: a countdown is a moment. */
  text(said: string): void {
    const searched = this.#tail + said
    const seen = COUNTDOWN.test(searched)
    this.#tail = seen ? '' : searched.slice(-OVERLAP)
    if (!seen) return
    // Where the real boot loader counts down too, the last one is the agent's.
    if (this.#moments.has('reboot')) this.mark('countdown-again')
    else if (!this.#moments.has('jump')) this.mark('countdown')
  }

  get phases(): readonly Phase[] {
    return PHASES.map(({ name, from, to }) => {
      const [began, ended] = [this.#moments.get(from), this.#moments.get(to)]
      // News of the jump may come later than the kernel's first line.
      const seconds = began === undefined || ended === undefined ? null : Math.max(0, Math.round(ended - began) / 1000)
      return { name, seconds }
    })
  }
}
