/** The tests of a job on a target that has booted: commands at its shell. */

import { FauxbootError } from '../../agent/errors.js'
import type { Expect } from '../console/expect.js'
import { type Login, TargetShell } from '../console/target-shell.js'
import { isBootTest, type PullTest } from './job-definition.js'
import type { Result, TestOutcome } from './outcome.js'
import { MOST_CASES, type TestCase, testCases } from './test-cases.js'

/** Characters of a command and of its last line that a message quotes. */
const QUOTED = 200

/** What a test run needs besides the tests. */
export interface TargetTestsOptions {
  readonly login: Login
  readonly note: (line: string) => void
  /** fires when the board is taken away */
  readonly signal: AbortSignal
}

/**
 * Run the tests, one after another. A test ends at its first failing command; later tests still run.
 *
 * @param outcomes filled as tests end, so that an interrupted session keeps them
 * @throws the signal's reason; CONSOLE_GONE
 */
export async function runTargetTests(
  expect: Expect,
  tests: readonly PullTest[],
  outcomes: Map<string, TestOutcome>,
  { login, note, signal }: TargetTestsOptions,
): Promise<void> {
  let shell: TargetShell | null = null
  let broken: string | null = null
  for (const test of tests) {
    signal.throwIfAborted()
    const began = performance.now()
    const started = new Date().toISOString()
    const end = (result: Result, message: string): void => {
      const seconds = Math.round(performance.now() - began) / 1000
      outcomes.set(test.id, { id: test.id, path: testPath(test), result, message, seconds, started })
      note(`test ${test.id}: ${result}${message === '' ? '' : `, ${message}`}`)
    }
    if (test.commands === null) {
      end('skip', `this lab has no test of type ${test.type}`)
      continue
    }
    if (test.commands.length === 0) {
      end('pass', '')
      continue
    }
    if (broken !== null) {
      end('skip', broken)
      continue
    }
    try {
      shell ??= await TargetShell.enter(expect, login)
      const { message, cases } = await runCommands(shell, test)
      end(message === null ? 'pass' : 'fail', message ?? '')
      for (const { name, result } of cases.slice(0, Math.max(0, MOST_CASES - outcomes.size))) {
        const id = `${test.id}.${name}`
        const path = `${testPath(test)}.${word(name)}`
        outcomes.set(id, { id, path, result, message: '', seconds: 0, started })
      }
    } catch (thrown) {
      if (!(thrown instanceof FauxbootError) || thrown.code !== 'CONSOLE_SILENT') throw thrown
      end('fail', thrown.message)
      broken = await shellBack(shell)
    }
  }
}

/** @returns why later tests have no shell; null if they have one */
async function shellBack(shell: TargetShell | null): Promise<string | null> {
  if (shell === null) return 'the target has no shell that answers'
  try {
    await shell.interrupt()
    return null
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError) || thrown.code !== 'CONSOLE_SILENT') throw thrown
    return 'the shell was lost in an earlier test'
  }
}

interface TestRun {
  /** what failed; null when nothing did */
  readonly message: string | null
  readonly cases: readonly TestCase[]
}

async function runCommands(shell: TargetShell, test: PullTest): Promise<TestRun> {
  const { commands, timeoutSeconds, parameters = '' } = test
  const environment = parameters.trim() === '' ? '' : `export ${parameters.trim()}; `
  const cases: TestCase[] = []
  const deadline = performance.now() + timeoutSeconds * 1000
  for (const command of commands ?? []) {
    const { status, output } = await shell.run(`${environment}${command}`, Math.max(1000, deadline - performance.now()))
    cases.push(...testCases(output))
    if (status === 0) continue
    const lastWords = output.split('\n').at(-1) ?? ''
    const said = lastWords === '' ? '' : `: ${lastWords.slice(0, QUOTED)}`
    return { message: `${JSON.stringify(command.slice(0, QUOTED))} ended with ${status}${said}`, cases }
  }
  const failed = cases.filter(({ result }) => result === 'fail')
  if (failed.length === 0) return { message: null, cases }
  return { message: `${failed.length} of ${cases.length} cases failed, the first: ${failed[0]?.name}`, cases }
}

const word = (text: string): string => text.replace(/[^A-Za-z0-9_-]/g, '_')

/** KCIDB's path of a test: dots between words of letters, digits, `_` and `-`. The boot itself is `boot`. */
export function testPath(test: PullTest): string {
  return isBootTest(test) ? 'boot' : `${word(test.type)}.${word(test.id)}`
}
