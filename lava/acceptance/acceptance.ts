/** Whether a board does what a lab needs of it: the same boot several times, each with checks at the target's shell. */

import type { BoardView } from '../../agent/boot/board/board.js'
import { switchOff } from '../monitor/power.js'
import type { CheckOutcome } from './check.js'
import { type Round, type RoundOptions, type RoundResult, roundLeftOut, runRound } from './round.js'

/** `infrastructure`: the console, the power or the board did not respond, so there is no result. */
type Outcome = 'passed' | 'failed' | 'infrastructure'

/** The target, for people. */
interface TargetFiles {
  readonly kernel: string
  readonly ramdisk?: string
  readonly dtb?: string
  readonly modules?: string
  readonly cmdline: string
}

export interface AcceptanceReport {
  /** of fauxboot in the lab */
  readonly version: string
  /** ISO 8601 */
  readonly started: string
  readonly seconds: number
  readonly outcome: Outcome
  /** as its first stage described it before the first jump; null if it never answered */
  readonly board: BoardView | null
  readonly target: TargetFiles
  readonly rounds: readonly Round[]
}

export interface AcceptanceOptions extends Omit<RoundOptions, 'logFile' | 'onOutcome'> {
  readonly version: string
  readonly boots: number
  /** leave the board on at the end */
  readonly keepOn: boolean
  /** file for the console's log of a round */
  readonly logFile: (round: number) => string
  readonly onOutcome: (round: number, outcome: CheckOutcome) => void
  /** called with each round that was run */
  readonly onRound: (round: number, result: RoundResult) => Promise<void>
}

/**
 * Run all rounds. The board is switched off at the end if it can be.
 *
 * @throws CLI_USAGE, CLI_FILE, the signal's reason
 */
export async function runAcceptance(options: AcceptanceOptions): Promise<AcceptanceReport> {
  const { version, boots, keepOn, power, note, target } = options
  const started = new Date()
  const since = performance.now()
  const rounds: Round[] = []
  try {
    for (let number = 1; number <= boots; number++) rounds.push(await nextRound(options, number, rounds.at(-1)))
  } finally {
    if (power?.off !== undefined && !keepOn) await switchOff(power.off, note)
  }
  const { kernel, ramdisk, dtb, modules, cmdline } = target
  return {
    version,
    started: started.toISOString(),
    seconds: Math.round(performance.now() - since) / 1000,
    outcome: outcomeOfRounds(rounds),
    board: rounds.find(({ board }) => board !== null)?.board ?? null,
    target: { kernel, ramdisk, dtb, modules, cmdline },
    rounds,
  }
}

async function nextRound(options: AcceptanceOptions, number: number, last: Round | undefined): Promise<Round> {
  const { power, note, logFile, onOutcome, onRound } = options
  const switched = power?.on !== undefined || power?.reset !== undefined
  if (!switched && last !== undefined && !isBack(last)) {
    return roundLeftOut('the board did not come back from the last round, and no power command is given')
  }
  note?.(`boot ${number} of ${options.boots}`)
  const result = await runRound({
    ...options,
    logFile: logFile(number),
    onOutcome: outcome => onOutcome(number, outcome),
  })
  await onRound(number, result)
  return result.round
}

/** Whether the first stage has the board again. */
function isBack({ checks }: Round): boolean {
  return checks.at(-1)?.result === 'pass'
}

function outcomeOfRounds(rounds: readonly Round[]): Outcome {
  const failed = rounds.filter(({ checks }) => checks.some(({ result }) => result === 'fail'))
  if (failed.length === 0) return 'passed'
  return failed.every(({ verdict }) => verdict?.outcome === 'infrastructure') ? 'infrastructure' : 'failed'
}
