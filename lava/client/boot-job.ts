/** Boot a target on a board: bring the files there, submit the job, follow it to its end. */

import type { JobEvent, JobOptions, JobState, JobView } from '../../agent/boot/jobs/job.js'
import { ERRORS, type ErrorCode, type ErrorJson, fault } from '../../agent/errors.js'
import { uploadFile } from './artifact-upload.js'
import { type BoardClient, isFinal, isOutage, type JobBody } from './board-client.js'
import { type LocalFile, measureFile } from './local-file.js'

/** A file of this machine or an http(s) URL that the board fetches itself. */
type Source = string

/** The files and the command line to boot. */
export interface Target {
  readonly kernel: Source
  readonly ramdisk?: Source
  readonly dtb?: Source
  readonly overlays?: readonly Source[]
  readonly modules?: Source
  readonly name?: string
  readonly cmdline: string
  readonly options: Partial<JobOptions>
}

/** Receives progress. */
export interface BootWatcher {
  /** before the first byte: every file that will be uploaded, in order */
  uploads(files: readonly { readonly role: string; readonly size: number }[]): void
  /** bytes of a file that the board has */
  uploaded(role: string, received: number): void
  /** a file is on the board; `sent` is 0 when it was there before */
  uploadEnded(role: string, sent: number): void
  submitted(job: JobView): void
  event(event: JobEvent): void
  /** the job was to be cancelled because of an interruption; `problem` when the board did not do it */
  cancelled(id: string, problem: Error | null): void
}

/** How a job ended, as far as can be seen from here. */
export interface JobOutcome {
  /** `loaded` if the connection ended in that state and the board was gone: only the jump remained */
  readonly state: JobState
  /** why, when it is `failed` */
  readonly error: ErrorJson | null
}

/** How long the board has to confirm a cancellation, milliseconds. */
const CANCEL_TIMEOUT_MS = 10_000

/** The body of `POST /v1/jobs`. */
interface JobJson {
  readonly name?: string
  readonly cmdline: string
  readonly options: Partial<JobOptions>
  readonly [role: string]: unknown
}

/**
 * Upload the files of a target, refer to its URLs.
 *
 * @returns the job, ready to be submitted, and the bytes that were sent for it
 * @throws CLI_FILE, FETCH_PROTOCOL before anything is sent; what `uploadFile` throws
 */
export async function uploadTarget(
  client: BoardClient,
  target: Target,
  watcher: BootWatcher,
  signal?: AbortSignal,
): Promise<{ body: JobBody; sent: number }> {
  const { overlays = [], name, cmdline, options } = target
  const sources: [role: string, source: Source | undefined][] = [
    ['kernel', target.kernel],
    ['ramdisk', target.ramdisk],
    ['dtb', target.dtb],
    ...overlays.map((overlay, index): [string, Source] => [`overlay${index}`, overlay]),
    ['modules', target.modules],
  ]
  const references = new Map<string, Record<string, unknown>>()
  const files: [role: string, file: LocalFile][] = []
  for (const [role, source] of sources) {
    if (source === undefined) continue
    if (isUrl(source)) references.set(role, { url: source })
    else files.push([role, await measureFile(source, signal)])
  }
  watcher.uploads(files.map(([role, { size }]) => ({ role, size })))
  let total = 0
  for (const [role, file] of files) {
    const onProgress = (received: number) => watcher.uploaded(role, received)
    const { artifact, sent } = await uploadFile(client, file, { onProgress, signal })
    watcher.uploadEnded(role, sent)
    total += sent
    references.set(role, { artifact, sha256: file.sha256, size: file.size })
  }
  const job: JobJson = {
    name,
    kernel: references.get('kernel'),
    ramdisk: references.get('ramdisk'),
    dtb: references.get('dtb'),
    overlays: overlays.map((_, index) => references.get(`overlay${index}`)),
    modules: references.get('modules'),
    cmdline,
    options,
  }
  return { body: { type: 'application/json', content: JSON.stringify(job) }, sent: total }
}

/**
 * Submit a job and follow it to its end. When the signal is aborted on the way, the job is cancelled on the board.
 *
 * @throws what the board refuses the job with, and BOARD_UNREACHABLE when it goes away before the job is loaded
 */
export async function runJob(
  client: BoardClient,
  body: JobBody,
  watcher: BootWatcher,
  signal?: AbortSignal,
): Promise<{ job: JobView; outcome: JobOutcome }> {
  // The board may have accepted the job before its answer arrives; only the answer says what to cancel.
  const job = await client.submit(body, signal && afterwards(signal, CANCEL_TIMEOUT_MS))
  watcher.submitted(job)
  try {
    signal?.throwIfAborted()
    return { job, outcome: await followJob(client, job.id, watcher, signal) }
  } catch (thrown) {
    if (signal?.aborted) await cancelJob(client, job.id, watcher)
    throw thrown
  }
}

async function followJob(
  client: BoardClient,
  id: string,
  watcher: BootWatcher,
  signal?: AbortSignal,
): Promise<JobOutcome> {
  let outcome: JobOutcome = { state: 'queued', error: null }
  try {
    for await (const event of client.events(id, signal)) {
      watcher.event(event)
      if (event.type !== 'state') continue
      outcome = { state: event.state, error: event.error ?? null }
    }
  } catch (thrown) {
    // The jump takes the links down: the last event may be lost with them. Nothing but the jump follows `loaded`.
    if (outcome.state !== 'loaded' || !isOutage(thrown)) throw thrown
  }
  if (isFinal(outcome.state) || outcome.state === 'loaded') return outcome
  const { state, error } = await client.job(id, signal)
  return { state, error }
}

/** A signal that fires some time after another one. */
function afterwards(signal: AbortSignal, milliseconds: number): AbortSignal {
  const late = new AbortController()
  const fire = () => setTimeout(() => late.abort(signal.reason), milliseconds).unref()
  if (signal.aborted) fire()
  else signal.addEventListener('abort', fire, { once: true })
  return late.signal
}

/**
 * Exit code for a job that has ended. 2 means that the job is not to blame: a server or the board was not there. The
 * table's 2 for a plan that is not survivable belongs to `fauxboot plan`; here such a job was refused.
 */
export function outcomeExitCode({ state, error }: JobOutcome): number {
  if (state === 'loaded' || state === 'booting' || state === 'planned') return 0
  if (error === null || error.statusCode < 500) return 1
  return error.code in ERRORS ? ERRORS[error.code as ErrorCode].exit : 2
}

/** After an interrupt, the board gets a few seconds to cancel the job; a failure is reported, not thrown. */
async function cancelJob(client: BoardClient, id: string, watcher: BootWatcher): Promise<void> {
  try {
    await client.cancel(id, AbortSignal.timeout(CANCEL_TIMEOUT_MS))
    watcher.cancelled(id, null)
  } catch (thrown) {
    watcher.cancelled(id, thrown instanceof Error ? thrown : new Error(String(thrown)))
  }
}

/**
 * Whether a source is fetched by the board; everything else is a file.
 *
 * @throws FETCH_PROTOCOL for URLs that no board fetches
 */
export function isUrl(source: Source): boolean {
  const [, protocol] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source) ?? []
  if (protocol === undefined) return false
  if (/^https?$/i.test(protocol)) return true
  throw fault('FETCH_PROTOCOL', { url: source, protocol })
}
