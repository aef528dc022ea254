/** Results as JUnit XML, which CI servers show. */

import junit, { type Builder, type TestSuite } from 'junit-report-builder'
import type { BoardSessionResult } from '../monitor/board-session.js'
import type { TestOutcome } from '../target-tests/target-test.js'

/** The package is CommonJS whose `module.exports` is the builder; its types speak of a `default` in it. */
const REPORTS = junit as unknown as Builder

/** The subject of the test, for the names in the report. */
export interface JunitFacts {
  /** `boot` */
  readonly suite: string
  /** the board or the job */
  readonly name: string
}

/** One test of a suite. */
export interface JunitCase {
  /** what it belongs to: `fauxboot.acceptance.round-1` */
  readonly className: string
  readonly name: string
  readonly seconds: number
  /** `error`: the lab is to blame, and there is no result */
  readonly result: 'pass' | 'fail' | 'skip' | 'error'
  /** why; empty for a test that passed */
  readonly message: string
}

export interface JunitSuite {
  readonly name: string
  readonly started: Date
  readonly seconds: number
  readonly properties: Readonly<Record<string, string>>
  readonly cases: readonly JunitCase[]
}

/** A suite of any tests. */
export function junitSuite({ name, started, seconds, properties, cases }: JunitSuite): string {
  const builder = REPORTS.newBuilder()
  const suite = builder.testSuite().name(name).timestamp(started).time(seconds)
  for (const [property, value] of Object.entries(properties)) suite.property(property, xmlText(value))
  addCases(suite, cases)
  return builder.build()
}

function addCases(suite: TestSuite, cases: readonly JunitCase[]): void {
  for (const { className, name, seconds, result, message } of cases) {
    const test = suite.testCase().className(className).name(xmlText(name)).time(seconds)
    const text = xmlText(message)
    if (result === 'fail') test.failure(text, name)
    if (result === 'error') test.error(text, name)
    if (result === 'skip') test.skipped().standardOutput(text)
  }
}

/**
 * A boot as a test: a failure when the kernel is to blame, an error when the lab or the board is.
 *
 * @param tests that ran on the target: further tests of the suite
 */
export function junitReport(
  { suite, name }: JunitFacts,
  result: BoardSessionResult,
  tests: readonly TestOutcome[] = [],
): string {
  const { verdict, started, duration, excerpt } = result
  const { outcome, sign, reason, lines, milestones } = verdict
  const builder = REPORTS.newBuilder()
  const report = builder.testSuite().name(suite).timestamp(started).time(duration)
  const test = report
    .testCase()
    .className(`fauxboot.${suite}`)
    .name(name)
    .time(duration)
    .standardOutput(xmlText(excerpt))
  for (const [milestone, seconds] of Object.entries(milestones)) test.property(milestone, String(seconds))
  const [message, quoted] = [xmlText(reason), xmlText(lines.join('\n'))]
  if (outcome === 'failed') test.failure(message, sign).stacktrace(quoted)
  if (outcome === 'infrastructure') test.error(message, sign, quoted)
  addCases(
    report,
    tests.map(({ id, seconds, result, message }) => {
      const verdict = result === 'incomplete' ? 'error' : result
      return { className: `fauxboot.${suite}.tests`, name: id, seconds, result: verdict, message }
    }),
  )
  return builder.build()
}

/**
 * Text fit for XML 1.0: characters outside of section 2.2 are left out, however they are escaped, and the end of a
 * CDATA section (2.7) is broken up.
 */
function xmlText(text: string): string {
  return text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '').replaceAll(']]>', ']] >')
}
