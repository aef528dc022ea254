/**
 * The result of a LAVA job in the form in which a LAVA server posts it (`notify.callback` with `dataset: all`), as far
 * as the receiver in kernelci-pipeline (`lava_callback.py`) and kernelci-core's `Callback` read it. `results` and `log`
 * are YAML texts there; JSON is YAML.
 */

import { fault } from '../../agent/errors.js'
import { readToken } from '../client/token-file.js'
import { type ClaimedJob, unknownOutcome } from './claimed-job.js'
import { answerOf } from './kernelci-api.js'

/** lava-server, `TestJob`: `status` of the old API, `health`. */
const COMPLETE = { status: 2, status_string: 'complete', health: 1, health_string: 'Complete' }
const INCOMPLETE = { status: 3, status_string: 'incomplete', health: 2, health_string: 'Incomplete' }

/** The body of the callback. @param log text of the console, each line with its time in front */
export function lavaCallback(job: ClaimedJob, definition: string, log: string): Readonly<Record<string, unknown>> {
  const { result, errorCode, errorMessage, tests } = job.outcome ?? unknownOutcome()
  const boot = tests.find(({ path }) => path === 'boot')
  const passed = result === 'pass'
  const word = passed ? 'pass' : 'fail'
  const message = errorMessage ?? boot?.message ?? ''
  const failure = passed ? {} : { error_type: errorCode === null ? 'Job' : 'Infrastructure', error_msg: message }
  const entry = (name: string, more: object) => ({
    ...{ name, suite: 'lava', result: word },
    metadata: { case: name, definition: 'lava', result: word, ...more },
  })
  const lava = [entry('job', failure), entry('login-action', boot === undefined ? {} : { duration: boot.seconds })]
  return {
    ...(passed ? COMPLETE : INCOMPLETE),
    ...{ id: job.claim, state: 5, state_string: 'Finished', actual_device_id: job.board, failure_comment: message },
    start_time: boot?.started ?? job.started,
    definition,
    results: { lava: JSON.stringify(lava) },
    log: JSON.stringify(logLines(log)),
  }
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
