/**
 * The result of a LAVA job in the form in which a LAVA server posts it (`notify.callback` with `dataset: all`), as far
 * as the receiver in kernelci-pipeline (`lava_callback.py`) and kernelci-core's `Callback` read it. `results` and `log`
 * are YAML texts there; JSON is YAML.
 */

import { fault } from '../../agent/errors.js'
import { readToken } from '../client/token-file.js'
import type { Result, TestOutcome } from '../target-tests/target-test.js'
import { type ClaimedJob, unknownOutcome } from './claimed-job.js'
import { answerOf } from './kernelci-api.js'

/** lava-server, `TestJob`: `status` of the old API, `health`. */
const COMPLETE = { status: 2, status_string: 'complete', health: 1, health_string: 'Complete' }
const INCOMPLETE = { status: 3, status_string: 'incomplete', health: 2, health_string: 'Incomplete' }

/** What a LAVA test may be (lava-server, `TestCase.RESULT_CHOICES`). */
const LAVA_RESULTS: Readonly<Record<Result, string>> = {
  pass: 'pass',
  fail: 'fail',
  skip: 'skip',
  incomplete: 'unknown',
}

/** The body of the callback. @param log text of the console, each line with its time in front */
export function lavaCallback(job: ClaimedJob, definition: string, log: string): Readonly<Record<string, unknown>> {
  const { result, errorCode, errorMessage, tests } = job.outcome ?? unknownOutcome()
  const boot = tests.find(({ path }) => path === 'boot')
  // For LAVA, a job is complete whatever its tests report.
  const complete = errorCode === null && (boot?.result ?? result) === 'pass'
  const word = complete ? 'pass' : 'fail'
  const message = errorMessage ?? boot?.message ?? ''
  const failure = complete ? {} : { error_type: errorCode === null ? 'Job' : 'Infrastructure', error_msg: message }
  const suites = suitesOf(tests)
  const lava = [
    suiteEntry('lava', 'job', word, failure),
    suiteEntry('lava', 'login-action', word, boot === undefined ? {} : { duration: boot.seconds }),
    ...suites.map(({ test }) => suiteEntry('lava', test.id, LAVA_RESULTS[test.result], { duration: test.seconds })),
  ]
  const results = suites.map(({ test, cases }): [string, string] => [test.id, JSON.stringify(cases)])
  return {
    ...(complete ? COMPLETE : INCOMPLETE),
    ...{ id: job.claim, state: 5, state_string: 'Finished', actual_device_id: job.board, failure_comment: message },
    start_time: boot?.started ?? job.started,
    definition,
    results: { lava: JSON.stringify(lava), ...Object.fromEntries(results) },
    log: JSON.stringify(logLines(log)),
  }
}

interface Suite {
  readonly test: TestOutcome
  readonly cases: readonly object[]
}

/** The test definitions, each with its cases: their ids begin with that of the test. */
function suitesOf(tests: readonly TestOutcome[]): Suite[] {
  const definitions = tests.filter(({ id, path }) => path !== 'boot' && !tests.some(other => isCaseOf(id, other)))
  return definitions.map(test => ({
    test,
    cases: tests
      .filter(({ id }) => isCaseOf(id, test))
      .map(({ id, result }) => suiteEntry(test.id, id.slice(test.id.length + 1), LAVA_RESULTS[result], {})),
  }))
}

const isCaseOf = (id: string, test: TestOutcome): boolean => id.startsWith(`${test.id}.`)

function suiteEntry(suite: string, name: string, result: string, more: object): object {
  return { name, suite, result, metadata: { case: name, definition: suite, result, ...more } }
}

function logLines(log: string): { readonly dt: string; readonly lvl: 'target'; readonly msg: string }[] {
  return log
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [, dt = '', msg = line] = /^(\S+Z) (.*)$/.exec(line) ?? []
      return { dt, lvl: 'target', msg }
    })
}

/**
 * Post a result as a LAVA server does.
 *
 * @param tokenFile holds what the receiver expects as `Authorization`
 * @throws CLI_FILE for the token, PULL_API when the receiver refuses it, FETCH_NETWORK, the signal's reason
 */
export async function postLavaCallback(
  url: string,
  body: Readonly<Record<string, unknown>>,
  { tokenFile, idleSeconds }: { readonly tokenFile: string; readonly idleSeconds: number },
  signal?: AbortSignal,
): Promise<void> {
  const headers = { authorization: await readToken(tokenFile), 'content-type': 'application/json' }
  const { status, text } = await answerOf({
    ...{ method: 'POST', url: new URL(url), headers, body: JSON.stringify(body), idleSeconds, signal },
  })
  if (status < 200 || status >= 300) throw fault('PULL_API', { url, status, reason: text.slice(0, 300) })
}
