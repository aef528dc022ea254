/** Watches a board's console and decides what the boot comes to. */

import { BOOT_SIGNS, type BootSign, MILESTONES, type Milestone, PHASE_WORDS, type Phase } from './boot-signs.js'

export interface BootVerdict {
  readonly outcome: 'booted' | 'failed' | 'infrastructure'
  /**
   * The deciding sign: `login-prompt` or `prompt`; a row of the table of signs (`boot-signs.ts`) such as `kernel-panic`; or
   * `silence`, `timeout`, `console`, `power`, `agent`, `job`, `boot-loader`, `cancelled`
   */
  readonly sign: string
  /** one sentence: where and why */
  readonly reason: string
  /** lines of the console that show it, at most {@link VERDICT_LINES} */
  readonly lines: readonly string[]
  /** seconds from the start to each milestone seen: bootloader, starting-kernel, linux-version, userspace, prompt */
  readonly milestones: Readonly<Record<string, number>>
  /** what looked bad and decided nothing: rows of the table of signs, each with the first line that showed it */
  readonly warnings: readonly BootWarning[]
}

export interface BootWarning {
  readonly sign: string
  readonly line: string
}

/** Lines of the console that a verdict quotes at most. */
const VERDICT_LINES = 40

/** Of them, those before the line that decided. */
const LINES_BEFORE = 12

/** Lines within this time after the deciding line are quoted too, milliseconds. */
const AFTERMATH_MS = 2000

/** Characters at the end of a line part that are searched again with the next part. */
const OVERLAP = 256

/** Characters of a line that a sentence quotes. */
const QUOTED = 200

export interface BootWatchOptions {
  /** what the target prints when it has booted */
  readonly until: RegExp
  /** without a byte after the jump, milliseconds */
  readonly silenceMs: number
  /** ids of signs that decide nothing */
  readonly tolerate?: readonly string[]
}

type Decision = Pick<BootVerdict, 'outcome' | 'sign' | 'reason'>

/** Feed it lines; it decides once. */
export class BootWatch {
  readonly verdict: Promise<BootVerdict>
  readonly #options: BootWatchOptions
  readonly #until: RegExp
  readonly #started = performance.now()
  readonly #milestones: Record<string, number> = {}
  readonly #warnings = new Map<string, BootWarning & { readonly what: string }>()
  #resolve: (verdict: BootVerdict) => void = () => undefined
  #phase: Phase = 'power-on'
  #lines: string[] = []
  #tail = ''
  #jumped: number | null = null
  #silence: NodeJS.Timeout | undefined
  /** the verdict, while the following lines are collected */
  #decided: { readonly decision: Decision; readonly timer: NodeJS.Timeout } | null = null
  #closed = false

  constructor(options: BootWatchOptions) {
    this.#options = options
    // A global or sticky expression would remember where it was.
    this.#until = new RegExp(options.until.source, options.until.flags.replace(/[gy]/g, ''))
    this.verdict = new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  /** The boot is being typed: the boot loader's messages count now. */
  bootLoaderReached(): void {
    if (this.#phase === 'power-on') this.#phase = 'boot-loader'
  }

  /** From now on the next kernel that begins is the target. */
  handedOver(): void {
    if (this.#phase === 'power-on' || this.#phase === 'boot-loader') this.#phase = 'handed-over'
  }

  /** The board was asked to jump: from now on silence counts. */
  jumped(): void {
    this.handedOver()
    this.#jumped ??= performance.now()
    this.#milestones['starting-kernel'] ??= this.#elapsed()
    this.heard()
  }

  /** Bytes have come, whatever they are. */
  heard(): void {
    if (this.#jumped === null || this.#closed) return
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#fallSilent(), this.#options.silenceMs)
  }

  /**
   * A complete line.
   *
   * @param continues whether it continues the same line
   */
  line(text: string, continues = false): void {
    if (this.#closed) return
    const overlap = continues ? this.#tail : ''
    const searched = overlap + text
    this.#tail = searched.slice(-OVERLAP)
    /** Whether a pattern matches, not only in the text that was searched before. */
    const has = (pattern: RegExp): boolean => {
      const match = pattern.exec(searched)
      return match !== null && match.index + match[0].length > overlap.length
    }
    // A decision keeps the lines that show it.
    if (this.#lines.length >= VERDICT_LINES && this.#decided === null) this.#lines.shift()
    if (text.trim() !== '') this.#lines.push(text)
    if (this.#decided !== null) {
      if (this.#lines.length >= VERDICT_LINES) this.#close(this.#decided.decision)
      return
    }
    const sign = BOOT_SIGNS.find(({ pattern, phases }) => phases.includes(this.#phase) && has(pattern))
    for (const { name, pattern, from, to } of MILESTONES) {
      if (from.includes(this.#phase) && has(pattern)) this.#pass(name, to)
    }
    if (sign !== undefined) this.#meet(sign, text)
    else this.#seek(searched)
  }

  /** The line that has begun, as far as it is here: a prompt has no end. */
  begun(text: string): void {
    if (this.#closed || this.#decided !== null || text === '') return
    this.#seek(text)
  }

  /** Something else decides: a boot method that failed, a console that is gone, the time. */
  decide(decision: Decision): void {
    if (this.#decided === null) this.#close(this.#explained(decision))
    else this.#close(this.#decided.decision)
  }

  /** The time limit is reached: without a kernel, the board or the lab is to blame. */
  timeUp(seconds: number): void {
    const early = this.#phase === 'power-on' || this.#phase === 'boot-loader'
    const reason = `not booted within ${seconds} s: stopped ${this.#where()}`
    this.decide({ outcome: early ? 'infrastructure' : 'failed', sign: 'timeout', reason })
  }

  #pass(name: Milestone['name'], to: Phase | undefined): void {
    this.#milestones[name] ??= this.#elapsed()
    if (to !== undefined) this.#phase = to
  }

  #meet({ id, what, severity, outcome }: BootSign, line: string): void {
    if (severity === 'warning' || this.#options.tolerate?.includes(id)) {
      if (!this.#warnings.has(id)) this.#warnings.set(id, { sign: id, line: line.slice(0, QUOTED), what })
      return
    }
    const reason = `${what} ${this.#where()}: ${line.trim().slice(0, QUOTED)}`
    const decision = { outcome, sign: id, reason }
    clearTimeout(this.#silence)
    this.#lines = this.#lines.slice(-LINES_BEFORE)
    this.#decided = { decision, timer: setTimeout(() => this.#close(decision), AFTERMATH_MS) }
  }

  #seek(text: string): void {
    const phase = this.#phase
    if (phase === 'power-on' || phase === 'boot-loader') return
    const match = this.#until.exec(text)
    if (match === null) return
    this.#milestones.prompt = this.#elapsed()
    if (this.#lines.at(-1) !== text) this.#lines.push(text)
    const warned = this.#warned()
    const reason = `booted: ${text.trim().slice(0, QUOTED)}${warned === '' ? '' : `; on the way: ${warned}`}`
    this.#close({ outcome: 'booted', sign: /login/i.test(match[0]) ? 'login-prompt' : 'prompt', reason })
  }

  #fallSilent(): void {
    const seconds = this.#options.silenceMs / 1000
    const last = this.#lines.at(-1)?.trim().slice(0, QUOTED)
    const words =
      this.#phase === 'handed-over'
        ? `the kernel printed nothing for ${seconds} s after the jump; --earlycon may show more`
        : `nothing for ${seconds} s ${this.#where()}; the last line: ${last}`
    this.decide({ outcome: 'failed', sign: 'silence', reason: words })
  }

  /** Silence and lateness have a cause when the kernel complained before. */
  #explained(decision: Decision): Decision {
    const [first] = this.#warnings.values()
    if (first === undefined || !(decision.sign === 'silence' || decision.sign === 'timeout')) return decision
    const { sign, line, what } = first
    return { ...decision, sign, reason: `${what}: ${line.trim()}; then ${decision.reason}` }
  }

  #warned(): string {
    return Array.from(this.#warnings.values(), ({ what }) => what).join(', ')
  }

  #where(): string {
    if (this.#jumped === null) return PHASE_WORDS[this.#phase]
    const seconds = (performance.now() - this.#jumped) / 1000
    return `${PHASE_WORDS[this.#phase]}, ${seconds.toFixed(1)} s after the jump`
  }

  #elapsed(): number {
    return Math.round(performance.now() - this.#started) / 1000
  }

  #close(decision: Decision): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#silence)
    clearTimeout(this.#decided?.timer)
    const warnings = Array.from(this.#warnings.values(), ({ sign, line }) => ({ sign, line }))
    const lines = this.#lines.slice(-VERDICT_LINES)
    this.#resolve({ ...decision, lines, milestones: { ...this.#milestones }, warnings })
  }
}
