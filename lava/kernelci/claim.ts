/**
 * Claiming a job. The API has no state for it and no comparison on writing: a lab writes its own `data.job_id` into a
 * node that has none, as KernelCI's own pull labs do. So it is read again afterwards: of two labs at once, the last
 * one to write has it.
 */

import { FauxbootError } from '../../agent/errors.js'
import type { KernelciApi } from './kernelci-api.js'
import type { KernelciNode } from './node.js'

export type ClaimResult =
  | { readonly claimed: true; readonly node: KernelciNode }
  | { readonly claimed: false; readonly reason: string }

/** A refusal that is about this node, and not about the lab or the API. */
const NODE_REFUSALS: readonly unknown[] = [400, 404, 409, 410, 422]

/** What a lab writes into a job that it claims. */
export interface Claim {
  /** `data.job_id` */
  readonly id: string
  /** `data.device`: the board */
  readonly device: string
  /** `node.state` of a job that may be claimed, and that keeps it until its result */
  readonly jobState: string
}

/**
 * Claim a job.
 *
 * @throws PULL_API for refusals that would meet every job (401, 5xx), FETCH_NETWORK, the signal's reason: whether the
 *   claim has arrived is unknown then
 */
export async function claimNode(
  api: KernelciApi,
  id: string,
  claim: Claim,
  signal?: AbortSignal,
): Promise<ClaimResult> {
  const { jobState, device } = claim
  const isOurs = (node: KernelciNode) => node.claim === claim.id && node.state === jobState
  const node = await api.node(id, signal)
  // The answer to an earlier attempt was lost, the claim was not.
  if (isOurs(node)) return { claimed: true, node }
  const reason = whyNotFree(node, jobState)
  if (reason !== null) return { claimed: false, reason }
  try {
    await api.changeNode(node, { data: { job_id: claim.id, device } }, signal)
  } catch (thrown) {
    if (!(thrown instanceof FauxbootError) || !NODE_REFUSALS.includes(thrown.details.status)) throw thrown
    return { claimed: false, reason: `the API refused the claim: ${thrown.details.status} ${thrown.details.reason}` }
  }
  const after = await api.node(id, signal)
  if (isOurs(after)) return { claimed: true, node: after }
  return { claimed: false, reason: whyNotFree(after, jobState) ?? 'the claim was not kept' }
}

function whyNotFree({ state, claim }: KernelciNode, jobState: string): string | null {
  if (state !== jobState) return `it is ${state}`
  return claim === null ? null : `it is claimed by ${claim}`
}

/** Why a job that runs is not this lab's any more; null while it is. */
export function whyLost(node: KernelciNode, claim: string, jobState: string): string | null {
  if (node.claim !== claim) return node.claim === null ? 'the claim was removed' : `${node.claim} has claimed it`
  if (node.state !== jobState) return `it was set to ${node.state}${node.result === null ? '' : `, ${node.result}`}`
  return null
}
