/**
 * Cases that a test reports on the console: LAVA's signal, which Linaro's test-definitions print; KTAP
 * (`Documentation/dev-tools/ktap.rst`), which the kernel's selftests print; and the lines of kirk, LTP's runner.
 */

import { KERNEL_STAMP } from '../console/target-shell.js'
import type { Result } from './target-test.js'

export interface TestCase {
  readonly name: string
  readonly result: Result
}

/** Each is a request to the API, and part of the job's record (`state-dir.ts`). */
export const MOST_CASES = 2000
const SIGNAL = /<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=(\S{1,200}) RESULT=(pass|fail|skip|unknown)\b/
/** Only results of the top level: those of subtests are indented. */
const KTAP = /^(not ok|ok) \d+ (?:- )?([^#\n]{1,200}?)\s*(#\s*SKIP\b.*)?(?:#.*)?$/i
/** `abs01: pass | tainted  (0.001s)`, `fork13: timed out` */
const KIRK =
  /^(\S{1,200}): (?:(pass|fail|skip|broken)(?: \| tainted)? +\([0-9hms. ]+\)|(timed out|kernel panic|SUT not responding))\s*$/
/** Everything else is no verdict. */
const WORDS: Readonly<Record<string, Result>> = { pass: 'pass', fail: 'fail', broken: 'fail', skip: 'skip' }
/** A message of the kernel behind the begin of a line, whose rest then is the next line. */
const CUT = new RegExp(`^(?!#)(.+?)${KERNEL_STAMP}`)

/** Reads the lines of a console as they come. */
export class CaseReader {
  readonly #cases = new Map<string, Result>()
  /** the begin of a line that a message of the kernel has cut */
  #begun = ''

  /** Each case once, with its last result, in the order of the output; at most {@link MOST_CASES}. */
  get cases(): TestCase[] {
    return Array.from(this.#cases, ([name, result]) => ({ name, result }))
  }

  /** @param line without its end */
  read(line: string): void {
    const whole = this.#begun + line
    const found = signalledCase(line) ?? ktapCase(whole.trimEnd()) ?? kirkCase(whole)
    this.#begun = found === null ? (CUT.exec(whole)?.[1] ?? '') : ''
    if (found !== null && (this.#cases.has(found.name) || this.#cases.size < MOST_CASES)) {
      this.#cases.set(found.name, found.result)
    }
  }
}

function signalledCase(line: string): TestCase | null {
  const [, name, word = ''] = SIGNAL.exec(line) ?? []
  return name === undefined ? null : { name, result: WORDS[word] ?? 'incomplete' }
}

function ktapCase(line: string): TestCase | null {
  const [, verdict, name, skipped] = KTAP.exec(line) ?? []
  if (verdict === undefined || name === undefined) return null
  if (skipped !== undefined) return { name, result: 'skip' }
  return { name, result: verdict.toLowerCase() === 'ok' ? 'pass' : 'fail' }
}

function kirkCase(line: string): TestCase | null {
  const [, name, word = 'fail'] = KIRK.exec(line) ?? []
  return name === undefined ? null : { name, result: WORDS[word] ?? 'incomplete' }
}
