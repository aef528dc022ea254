/** `fauxboot boot --console`: the boot is followed to a prompt, and its result is written down. */

import { randomUUID } from 'node:crypto'
import { isFdt, parseFdt } from '../../../agent/image/fdt/fdt.js'
import { propStrings } from '../../../agent/image/fdt/fdt-query.js'
import type { JobDisplay } from '../../client/job-display.js'
import { readInput, writeText } from '../../client/local-file.js'
import { type BoardSessionResult, runBoardSession } from '../../monitor/board-session.js'
import type { BootMethod } from '../../monitor/boot-methods.js'
import type { BootVerdict } from '../../monitor/boot-watch.js'
import { junitReport } from '../../results/junit.js'
import { kcidbSubmission, kcidbTest } from '../../results/kcidb.js'
import { runTargetTests } from '../../target-tests/run-tests.js'
import type { TargetTest, TestOutcome } from '../../target-tests/target-test.js'
import type { Progress } from '../../terminal/progress.js'
import { printable, type Style, type Terminal } from '../../terminal/terminal.js'
import { consoleEcho } from './console-echo.js'
import type { ConsoleOptions } from './console-options.js'
import { powerCommands } from './session-options.js'

export interface WatchedBoot {
  readonly console: string
  readonly method: BootMethod
  readonly options: ConsoleOptions
  /** of the job, for people */
  readonly name: string
  /** the device tree, where it is a file of this machine */
  readonly dtb?: string
  /** what runs on the target when it has booted */
  readonly tests: readonly TargetTest[]
  readonly json: boolean
}

/** Test systems have no password for root. */
const LOGIN = { user: 'root' } as const

const EXIT_CODES: Readonly<Record<BootVerdict['outcome'], number>> = { booted: 0, failed: 1, infrastructure: 2 }

const STYLES: Readonly<Record<BootVerdict['outcome'], Style>> = {
  booted: 'green',
  failed: 'red',
  infrastructure: 'yellow',
}

/** A device tree is some tens of kilobytes. */
const DTB_LIMIT = 16 * 1024 * 1024

/**
 * Boot, watch, run the tests, and report.
 *
 * @throws CLI_USAGE, CLI_FILE, the signal's reason
 */
export async function bootWatched(
  boot: WatchedBoot,
  display: JobDisplay,
  progress: Progress,
  terminal: Terminal,
): Promise<void> {
  const { options, console, method, tests, json } = boot
  const compatible = await compatibleOf(boot.dtb)
  const note = (line: string): void => display.note(printable(line))
  const outcomes = new Map<string, TestOutcome>()
  const result = await runBoardSession({
    ...{ console, method, power: powerCommands(options), keepOn: options.keepOn, until: options.until },
    ...{ timeoutMs: options.timeout * 1000, silenceMs: options.silence * 1000, tolerate: options.tolerate },
    logFile: options.log,
    onLine: consoleEcho(terminal, progress),
    whenBooted: (expect, signal) => runTargetTests(expect, tests, outcomes, { login: LOGIN, note, signal }),
    note,
    signal: terminal.io.signal,
  })
  progress.stop()
  const ended = [...outcomes.values()]
  await writeReports(boot, compatible, result, ended)
  const { verdict, duration } = result
  const failed = ended.filter(test => test.result === 'fail').length
  terminal.exitCode = failed > 0 ? 1 : EXIT_CODES[verdict.outcome]
  if (json) return terminal.printJson({ ...verdict, duration, ...(tests.length > 0 && { tests: ended }) })
  const outcome = terminal.styled(STYLES[verdict.outcome], verdict.outcome)
  const lines = verdict.outcome === 'booted' ? [] : verdict.lines.map(line => `  ${line}`)
  terminal.print(
    [`${outcome} after ${duration} s (${verdict.sign}): ${printable(verdict.reason)}`, ...lines].join('\n'),
  )
  if (ended.length > 0) terminal.print(`${ended.length} tests and cases, ${failed} failed`)
}

async function writeReports(
  { name, options }: WatchedBoot,
  compatible: readonly string[] | undefined,
  result: BoardSessionResult,
  tests: readonly TestOutcome[],
): Promise<void> {
  const { junit, kcidb, buildId, origin } = options
  if (junit !== undefined) await writeText(junit, junitReport({ suite: 'boot', name }, result, tests))
  if (kcidb !== undefined && buildId !== undefined) {
    const facts = { id: `${origin}:${randomUUID()}`, buildId, origin, compatible, comment: name }
    await writeText(kcidb, `${JSON.stringify(kcidbSubmission([kcidbTest(facts, result)]), null, 2)}\n`)
  }
}

/** The board's name in the device tree. */
async function compatibleOf(dtb: string | undefined): Promise<readonly string[] | undefined> {
  if (dtb === undefined) return undefined
  const bytes = await readInput(dtb, DTB_LIMIT)
  return isFdt(bytes) ? (propStrings(parseFdt(bytes, dtb).root, 'compatible') ?? undefined) : undefined
}
