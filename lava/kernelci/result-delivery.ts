/** A result's way to KernelCI: the log to the storage, the result into the node, its tests as nodes below it. */

import { asFault, FauxbootError } from '../../agent/errors.js'
import { readTextEnd } from '../client/local-file.js'
import { type ClaimedJob, unknownOutcome } from './claimed-job.js'
import type { KernelciApi } from './kernelci-api.js'
import { lavaCallback, postLavaCallback } from './lava-callback.js'
import { uploadLog } from './log-upload.js'
import { childDocument, type KernelciNode, type NodeChanges } from './node.js'
import type { JobOutcome } from './outcome.js'
import type { PullConfig } from './pull-config.js'
import type { StateDir } from './state-dir.js'

/** What became of a result; a result that is neither is still owed. */
export type Delivery = { readonly delivered: true } | { readonly delivered: false; readonly reason: string }

export interface DeliveryContext {
  readonly api: KernelciApi
  readonly state: StateDir
  readonly config: Pick<PullConfig, 'storage' | 'api' | 'callbackTokenFile'>
  readonly note: (line: string) => void
}

/** Bytes of a console's log in a callback; those of longer logs are the last ones. */
const CALLBACK_LOG_LIMIT = 8 * 1024 * 1024
/** Attempts at the log: a failing storage must not keep the result from KernelCI. */
const LOG_ATTEMPTS = 3

/**
 * Try once to hand over a result.
 *
 * @returns whether it was delivered, or why it is no longer wanted
 * @throws PULL_API, FETCH_NETWORK, PULL_STATE: it has to be tried again
 */
export async function deliverResult(
  job: ClaimedJob,
  { api, state, config }: DeliveryContext,
  signal?: AbortSignal,
): Promise<Delivery> {
  const outcome = job.outcome ?? unknownOutcome()
  const node = await findNode(api, job.nodeId, signal)
  if (node === null) return { delivered: false, reason: 'the node is not there any more' }
  if (node.claim !== job.claim) return { delivered: false, reason: `the job now belongs to ${node.claim ?? 'no lab'}` }
  if (node.state === 'done') {
    // The answer to an earlier attempt was lost, or the job was ended elsewhere.
    return node.result === outcome.result
      ? { delivered: true }
      : { delivered: false, reason: `it was ended as ${node.result ?? 'done'}` }
  }
  const { callback } = job
  if (callback !== undefined && config.callbackTokenFile !== null) {
    // The receiver writes the node, as for a job of a LAVA server.
    const log = await readTextEnd(state.logFile(job.nodeId), CALLBACK_LOG_LIMIT)
    const options = { tokenFile: config.callbackTokenFile, idleSeconds: config.api.requestSeconds }
    await postLavaCallback(callback.url, lavaCallback(job, callback.definition, log), options, signal)
    return { delivered: true }
  }
  await postTests(api, node, outcome, signal)
  await api.changeNode(node, resultChanges(outcome, job.logUrl), signal)
  return { delivered: true }
}

function resultChanges({ result, errorCode, errorMessage }: JobOutcome, logUrl: string | null): NodeChanges {
  return {
    state: 'done',
    result,
    ...(errorCode !== null && { data: { error_code: errorCode, error_msg: errorMessage } }),
    ...(logUrl !== null && { artifacts: { test_log: logUrl } }),
  }
}

/** Add the tests below a job, before it is done: a job that is done is complete. A job that only boots is its own test. */
async function postTests(
  api: KernelciApi,
  node: KernelciNode,
  { tests }: JobOutcome,
  signal?: AbortSignal,
): Promise<void> {
  if (tests.every(({ path }) => path === 'boot')) return
  // An earlier attempt may have been broken off.
  const present = await api.testNames(node.id, signal)
  for (const test of tests) if (!present.has(test.id)) await api.addNode(childDocument(node, test), signal)
}

async function findNode(api: KernelciApi, id: string, signal?: AbortSignal): Promise<KernelciNode | null> {
  try {
    return await api.node(id, signal)
  } catch (thrown) {
    if (thrown instanceof FauxbootError && thrown.details.status === 404) return null
    throw thrown
  }
}

/**
 * Try once to bring the log to the storage, when there is one and the log is not there yet.
 *
 * @param attempt 1 for the first: after some the result goes without its log
 * @returns the job with the log's URL, or as it was
 * @throws what `uploadLog` throws: it has to be tried again
 */
export async function deliverLog(
  job: ClaimedJob,
  attempt: number,
  { state, config, note }: DeliveryContext,
  signal?: AbortSignal,
): Promise<ClaimedJob> {
  if (config.storage === null || job.logUrl !== null || attempt > LOG_ATTEMPTS) return job
  const options = { idleSeconds: config.api.requestSeconds, signal }
  try {
    const logUrl = await uploadLog(config.storage, state.logFile(job.nodeId), job.nodeId, options)
    note(`log: ${logUrl}`)
    const logged = { ...job, logUrl }
    await state.saveJob(logged)
    return logged
  } catch (thrown) {
    signal?.throwIfAborted()
    const { code, message } = asFault(thrown, 'uploading the log')
    // A job that ended before its board was switched on has no log.
    if (code === 'CLI_FILE') return job
    if (attempt < LOG_ATTEMPTS) throw thrown
    note(`the result goes without its log: ${message}`)
    return job
  }
}
