/** Results in the form that KernelCI's database takes: KCIDB, schema v5.3. */

import type { BoardSessionResult } from '../monitor/board-session.js'
import type { BootVerdict } from '../monitor/boot-watch.js'

type KcidbStatus = 'PASS' | 'FAIL' | 'ERROR' | 'MISS'

/** One row of `tests`. */
export interface KcidbTest {
  /** `origin:anything`, unique */
  readonly id: string
  /** `origin:anything` of the build that was booted */
  readonly build_id: string
  /** who tested: lower-case letters, digits and `_` */
  readonly origin: string
  readonly path: string
  readonly status: KcidbStatus
  readonly environment: { readonly compatible?: readonly string[]; readonly comment?: string }
  /** RFC 3339 */
  readonly start_time: string
  /** seconds */
  readonly duration: number
  readonly log_url?: string
  readonly log_excerpt?: string
  readonly misc: Readonly<Record<string, unknown>>
}

/** Who tested what. */
export interface KcidbFacts {
  readonly id: string
  readonly buildId: string
  readonly origin: string
  /** `boot` by default */
  readonly path?: string
  /** of the board's device tree, the most exact first */
  readonly compatible?: readonly string[]
  /** the board, for people */
  readonly comment?: string
  readonly logUrl?: string
}

/** The body of `POST /submit`. */
export interface KcidbSubmission {
  readonly version: { readonly major: 5; readonly minor: 3 }
  readonly checkouts: readonly []
  readonly builds: readonly []
  readonly tests: readonly KcidbTest[]
}

/** ERROR: the board or the lab failed, which says nothing about the kernel. */
const STATUS: Readonly<Record<BootVerdict['outcome'], KcidbStatus>> = {
  booted: 'PASS',
  failed: 'FAIL',
  infrastructure: 'ERROR',
}

/** A boot as a test. */
export function kcidbTest(facts: KcidbFacts, { verdict, started, duration, excerpt }: BoardSessionResult): KcidbTest {
  const { id, buildId, origin, path = 'boot', compatible, comment, logUrl } = facts
  const { outcome, sign, reason, milestones, warnings } = verdict
  return {
    id,
    build_id: buildId,
    origin,
    path,
    status: STATUS[outcome],
    environment: { ...(compatible && { compatible }), ...(comment !== undefined && { comment }) },
    start_time: started.toISOString(),
    duration,
    ...(logUrl !== undefined && { log_url: logUrl }),
    ...(excerpt !== '' && { log_excerpt: excerpt }),
    misc: { fauxboot: { outcome, sign, reason, milestones, warnings } },
  }
}

export function kcidbSubmission(tests: readonly KcidbTest[]): KcidbSubmission {
  return { version: { major: 5, minor: 3 }, checkouts: [], builds: [], tests }
}
