/**
 * Cases that a test reports on the console: LAVA's signal, which Linaro's test-definitions print, and KTAP
 * (`Documentation/dev-tools/ktap.rst`), which the kernel's selftests print.
 */

import type { Result } from './outcome.js'

export interface TestCase {
  readonly name: string
  readonly result: Result
}

/** Each is a request to the API, and part of the job's record (`state-dir.ts`). */
export const MOST_CASES = 2000
const SIGNAL = /<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=(\S{1,200}) RESULT=(pass|fail|skip|unknown)\b/
/** Only results of the top level: those of subtests are indented. */
const KTAP = /^(not ok|ok) \d+ (?:- )?([^#\n]{1,200}?)\s*(#\s*SKIP\b.*)?(?:#.*)?$/i
const SIGNALLED: Readonly<Record<string, Result>> = { pass: 'pass', fail: 'fail', skip: 'skip' }

/** @returns each case once, with its last result, in the order of the output; at most {@link MOST_CASES} */
export function testCases(output: string): TestCase[] {
  const cases = new Map<string, Result>()
  for (const line of output.split('\n')) {
    const found = caseOf(line.trimEnd())
    if (found !== null && (cases.has(found.name) || cases.size < MOST_CASES)) cases.set(found.name, found.result)
  }
  return Array.from(cases, ([name, result]) => ({ name, result }))
}

function caseOf(line: string): TestCase | null {
  const signal = SIGNAL.exec(line)
  if (signal !== null) return { name: signal[1] ?? '', result: SIGNALLED[signal[2] ?? ''] ?? 'incomplete' }
  const [, verdict, name, skipped] = KTAP.exec(line) ?? []
  if (verdict === undefined || name === undefined) return null
  if (skipped !== undefined) return { name, result: 'skip' }
  return { name, result: verdict.toLowerCase() === 'ok' ? 'pass' : 'fail' }
}
