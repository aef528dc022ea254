/** The tests of a job on a target that has booted: commands at its shell. */

import { FauxbootError } from '../../agent/errors.js'
import type { Expect } from '../console/expect.js'
import type { Login } from '../console/target-shell.js'
import { pathWord, type Result, type TargetTest, type TestOutcome, testPath } from './target-test.js'
import { CaseReader, MOST_CASES } from './test-cases.js'
import { TestShell } from './test-shell.js'

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
  tests: readonly TargetTest[],
  outcomes: Map<string, TestOutcome>,
  { login, note, signal }: TargetTestsOptions,
): Promise<void> {
  let shell: TestShell | null = null
  let broken: string | undefined
  for (const test of tests) {
    signal.throwIfAborted()
    const began = performance.now()
    const started = new Date().toISOString()
    const reader = new CaseReader()
    const end = (result: Result, message: string): void => {
      const seconds = Math.round(performance.now() - began) / 1000
      outcomes.set(test.id, { id: test.id, path: testPath(test), result, message, seconds, started })
      note(`test ${test.id}: ${result}${message === '' ? '' : `, ${message}`}`)
      for (const { name, result } of reader.cases.slice(0, Math.max(0, MOST_CASES - outcomes.size))) {
        const id = `${test.id}.${name}`
        outcomes.set(id, { id, path: `${testPath(test)}.${pathWord(name)}`, result, message: '', seconds: 0, started })
      }
    }
    if (test.unsupported !== undefined) {
      end('skip', test.unsupported)
      continue
    }
    if (test.commands.length === 0) {
      end('pass', '')
      continue
    }
    if (broken !== undefined) {
      end('skip', broken)
      continue
    }
    try {
      shell ??= await TestShell.enter(expect, login)
      const message = (await failedCommand(shell, test, reader)) ?? failedCases(reader)
      end(message === null ? 'pass' : 'fail', message ?? '')
    } catch (thrown) {
      if (!(thrown instanceof FauxbootError) || thrown.code !== 'CONSOLE_SILENT') throw thrown
      end('fail', thrown.message)
      broken = await whyNoShell(shell)
    }
  }
}

/** @returns why later tests have no shell; undefined if they have one */
async function whyNoShell(shell: TestShell | null): Promise<string | undefined> {
  if (shell === null) return 'the target has no shell that answers'
  try {
    await shell.interrupt()
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError) || thrown.code !== 'CONSOLE_SILENT') throw thrown
    return 'the shell was lost in an earlier test'
  }
}

/** Run the commands up to the first that fails. @returns what failed; null when nothing did */
async function failedCommand(shell: TestShell, test: TargetTest, reader: CaseReader): Promise<string | null> {
  const { commands, timeoutSeconds, parameters = '' } = test
  const environment = parameters.trim() === '' ? '' : `export ${parameters.trim()}; `
  const deadline = performance.now() + timeoutSeconds * 1000
  for (const command of commands) {
    const left = Math.max(1000, deadline - performance.now())
    const { status, output } = await shell.run(`${environment}${command}`, left, line => reader.read(line))
    if (status === 0) continue
    const lastWords = output.split('\n').at(-1) ?? ''
    const said = lastWords === '' ? '' : `: ${lastWords.slice(0, QUOTED)}`
    return `${JSON.stringify(command.slice(0, QUOTED))} ended with ${status}${said}`
  }
  return null
}

function failedCases({ cases }: CaseReader): string | null {
  const failed = cases.filter(({ result }) => result === 'fail')
  return failed.length === 0 ? null : `${failed.length} of ${cases.length} cases failed, the first: ${failed[0]?.name}`
}
