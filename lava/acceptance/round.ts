/** One round: the board from power-on to the target's shell, the checks there, and the reboot. */

import type { BoardView } from '../../agent/boot/board/board.js'
import { FauxbootError } from '../../agent/errors.js'
import type { PlanJson } from '../../agent/kexec/render/plan-json.js'
import type { BoardClient } from '../client/board-client.js'
import { type BootWatcher, type Target, uploadTarget } from '../client/boot-job.js'
import type { Expect } from '../console/expect.js'
import { type Login, TargetShell, withoutKernelMessages } from '../console/target-shell.js'
import type { BoardSessionOptions, BoardSessionResult } from '../monitor/board-session.js'
import { type BootMethod, bootOverHttp } from '../monitor/boot-methods.js'
import type { BootVerdict } from '../monitor/boot-watch.js'
import { type CheckOutcome, outcomeOf, runChecks, skipped } from './check.js'
import { JobRecord } from './job-record.js'
import { COUNTDOWN, type Phase, PhaseClock } from './phase-clock.js'
import { TARGET_CHECKS } from './target-checks.js'

/** Boots a board: `runBoardSession`, or its replacement in tests. */
export type RunSession = (options: BoardSessionOptions) => Promise<BoardSessionResult>

/** What a round needs of the session that boots the board. */
type SessionOptions = Pick<
  BoardSessionOptions,
  'console' | 'power' | 'until' | 'timeoutMs' | 'silenceMs' | 'tolerate' | 'onLine' | 'note' | 'logFile' | 'signal'
>

export interface RoundOptions extends SessionOptions {
  readonly client: BoardClient
  readonly target: Target
  readonly watcher: BootWatcher
  readonly login: Login
  /** typed at the target's shell */
  readonly rebootCommand: string
  /** for the agent after power-on, and for boot loader and agent after a reboot */
  readonly waitSeconds: number
  readonly runSession: RunSession
  readonly onOutcome: (outcome: CheckOutcome) => void
}

export interface Round {
  /** ISO 8601 */
  readonly started: string
  readonly seconds: number
  /** null: the board was not there for this round */
  readonly verdict: BootVerdict | null
  readonly checks: readonly CheckOutcome[]
  readonly phases: readonly Phase[]
  /** as the first stage described it; null if it did not get that far */
  readonly board: BoardView | null
  readonly job: string | null
}

/** A round and what the agent said in it. */
export interface RoundResult {
  readonly round: Round
  readonly jobLog: string
  readonly plan: PlanJson | null
}

/** For a command that a check types, milliseconds. */
const COMMAND_MS = 30_000

/** Damaged lines that are kept. */
const GARBLED_LIMIT = 20

const BOOT_CHECK = { name: 'boot', compares: 'the console with the prompt that ends a boot' } as const

/**
 * Boot the target once and check it. What the board does wrong is in the result.
 *
 * @throws CLI_USAGE, CLI_FILE, the signal's reason
 */
export async function runRound(options: RoundOptions): Promise<RoundResult> {
  return new RoundRun(options).run()
}

class RoundRun {
  readonly #options: RoundOptions
  readonly #clock = new PhaseClock()
  readonly #job: JobRecord
  readonly #checks: CheckOutcome[] = []
  readonly #garbled: string[] = []
  #board: BoardView | null = null
  /** the target has the console */
  #listening = false

  constructor(options: RoundOptions) {
    this.#options = options
    this.#job = new JobRecord(options.client, options.watcher, () => {
      this.#clock.mark('jump')
      this.#listening = true
    })
  }

  async run(): Promise<RoundResult> {
    const { console, power, until, timeoutMs, silenceMs, tolerate, onLine, note, logFile, signal } = this.#options
    const began = performance.now()
    const { verdict, started, duration } = await this.#options.runSession({
      ...{ console, power, until, timeoutMs, silenceMs, tolerate, note, logFile, signal },
      // The next round, or the end of all of them, switches the board.
      keepOn: true,
      method: this.#method,
      whenBooted: (expect, over) => this.#check(expect, over),
      onText: said => this.#clock.text(said),
      onLine: line => {
        this.#listen(line)
        onLine?.(line)
      },
    })
    if (verdict.outcome !== 'booted') this.#failBoot(verdict)
    const { 'linux-version': kernel, prompt } = verdict.milestones
    if (kernel !== undefined) this.#clock.mark('kernel', began + kernel * 1000)
    if (prompt !== undefined) this.#clock.mark('prompt', began + prompt * 1000)
    const { phases } = this.#clock
    const { log: jobLog, id: job } = this.#job
    const [checks, board, seconds] = [this.#checks, this.#board, duration]
    const round = { started: started.toISOString(), seconds, verdict, checks, phases, board, job }
    return { round, jobLog, plan: await this.#job.plan }
  }

  readonly #method: BootMethod = context => {
    const { client, target, waitSeconds } = this.#options
    if (context.poweredAt !== undefined) this.#clock.mark('power', context.poweredAt)
    const job = async (signal: AbortSignal) => {
      this.#clock.mark('agent')
      this.#board = await client.board(signal)
      const { body } = await uploadTarget(client, target, this.#job, signal)
      this.#clock.mark('uploaded')
      return body
    }
    return bootOverHttp({ client, job, watcher: this.#job, waitSeconds })(context)
  }

  async #check(expect: Expect, signal: AbortSignal): Promise<void> {
    const [board, job] = [this.#board, this.#job.id]
    if (board === null || job === null) throw new TypeError('a target without a job has booted')
    this.#add(outcomeOf(BOOT_CHECK, { result: 'pass', expected: 'prompt', found: 'prompt', reason: '' }))
    let shell: TargetShell | null = null
    const run = async (command: string): Promise<string> => {
      shell ??= await TargetShell.enter(expect, this.#options.login)
      const { output } = await shell.run(command, COMMAND_MS)
      return withoutKernelMessages(output).trim()
    }
    const recover = async (): Promise<string | null> =>
      shell === null ? 'the target has no shell that answers' : lossOf(shell)
    const reboot = (): Promise<void> => this.#reboot(expect, signal)
    await runChecks(TARGET_CHECKS, { board, job, garbled: this.#garbled, run, reboot }, recover, outcome =>
      this.#add(outcome),
    )
  }

  async #reboot(expect: Expect, signal: AbortSignal): Promise<void> {
    const { client, rebootCommand, waitSeconds } = this.#options
    this.#listening = false
    this.#clock.mark('reboot')
    const since = performance.now()
    await expect.type(`${rebootCommand}\n`)
    const expected = `the boot loader's countdown after ${JSON.stringify(rebootCommand)}`
    await expect.waitFor(COUNTDOWN, { timeoutMs: waitSeconds * 1000, expected })
    try {
      await client.waitUntilReady(waitSeconds, signal, since)
    } catch (thrown) {
      // Why the session is over says more than that a wait was aborted.
      throw signal.aborted ? signal.reason : thrown
    }
    this.#clock.mark('agent-again')
  }

  #failBoot({ sign, reason }: BootVerdict): void {
    this.#add(outcomeOf(BOOT_CHECK, { result: 'fail', expected: 'prompt', found: sign, reason }))
    for (const check of TARGET_CHECKS) this.#add(outcomeOf(check, skipped('the target has not booted')))
  }

  #add(outcome: CheckOutcome): void {
    this.#checks.push(outcome)
    this.#options.onOutcome(outcome)
  }

  #listen(line: string): void {
    if (this.#listening && line.includes('\ufffd') && this.#garbled.length < GARBLED_LIMIT) this.#garbled.push(line)
  }
}

/** Interrupt what the shell runs. @returns why there is no shell any more, or null */
async function lossOf(shell: TargetShell): Promise<string | null> {
  try {
    await shell.interrupt()
    return null
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError) || !/^CONSOLE_/.test(thrown.code)) throw thrown
    return 'the shell was lost in an earlier check'
  }
}

/** A round that could not begin: all of its checks are skipped. */
export function roundLeftOut(reason: string): Round {
  const checks = [BOOT_CHECK, ...TARGET_CHECKS].map(check => outcomeOf(check, skipped(reason)))
  const started = new Date().toISOString()
  return { started, seconds: 0, verdict: null, checks, phases: new PhaseClock().phases, board: null, job: null }
}
