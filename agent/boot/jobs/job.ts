/** A job: its request, its state, its events. */

import type { ErrorJson } from '../../errors.js'
import type { CompressionFormat } from '../../image/compression/compression.js'

/** `planned` ends a dry run; `booting` ends a job that jumped, because the agent is gone then. */
export const JOB_STATES = [
  'queued',
  'fetching',
  'verifying',
  'planning',
  'loaded',
  'booting',
  'planned',
  'failed',
  'cancelled',
] as const
export type JobState = (typeof JOB_STATES)[number]

/** States that a job never leaves. */
export const FINAL_STATES: readonly JobState[] = ['booting', 'planned', 'failed', 'cancelled']

/** Bytes of a file on memory-backed storage. */
export interface FileRange {
  readonly path: string
  readonly offset: number
  readonly size: number
}

/** Where a file of a job comes from, and what the client says about it. */
export interface ArtifactReference {
  /** exactly one of `url`, `artifact` and `part` */
  readonly url?: string
  /** name in the artifact store */
  readonly artifact?: string
  /** part of a file on the board: for front ends inside the agent, which see to it that it stays as it is */
  readonly part?: FileRange
  /** lower-case hex, of the bytes as they are fetched */
  readonly sha256?: string
  /** bytes as they are fetched */
  readonly size?: number
  /** undone before use; without it a ramdisk stays as it is and a kernel is unpacked by its magic */
  readonly compression?: CompressionFormat | 'none'
}

export interface JobOptions {
  /** plan, report, and end as `planned`: nothing is loaded */
  readonly dryRun: boolean
  /** add `earlycon` to the command line: true, or its value; without it, the board's setting decides */
  readonly earlycon?: boolean | string
  /** load a plan that is not survivable */
  readonly force: boolean
  /** wait for the board instead of being refused */
  readonly queue: boolean
  /** seconds that the target has to take over the watchdog before it resets the board; 0: no watchdog; default: the board's setting */
  readonly watchdog?: number
}

/** The one form into which every front end brings a job. */
export interface JobRequest {
  readonly name?: string
  readonly kernel: ArtifactReference
  readonly ramdisk?: ArtifactReference
  readonly dtb?: ArtifactReference
  readonly overlays: readonly ArtifactReference[]
  /** tar or cpio of /lib/modules, appended to the ramdisk as its own cpio archive */
  readonly modules?: ArtifactReference
  readonly cmdline: string
  /**
   * MAC addresses by the alias of the interface's node: `{ ethernet0: '02:02:c3:99:67:87' }`. An interface without one here
   * keeps the address of the running link. For front ends inside the agent
   */
  readonly macAddresses?: Readonly<Record<string, string>>
  readonly options: JobOptions
}

/** Which front end a job came in by. */
export type JobOrigin = 'http' | 'tftp' | 'console'

/** A file of a job under way. */
export interface JobArtifact {
  /** `kernel`, `ramdisk`, `dtb`, `overlay0`, `modules` */
  readonly role: string
  readonly source: string
  readonly received: number
  readonly size: number | null
  readonly sha256: string | null
}

/** The messages themselves are in the job's log. */
export interface LastWordsView {
  /** messages in the log */
  readonly lines: number
  /** why the kernel panicked, in its own words; null if it did not */
  readonly panic: string | null
}

/** A job as clients see it. */
export interface JobView {
  readonly id: string
  readonly name: string | null
  readonly origin: JobOrigin
  readonly state: JobState
  /** ISO 8601 */
  readonly created: string
  readonly updated: string
  readonly request: JobRequest
  readonly artifacts: readonly JobArtifact[]
  readonly error: ErrorJson | null
  /** milliseconds spent in each state so far */
  readonly durations: Readonly<Partial<Record<JobState, number>>>
  /** what the target's kernel said before the board came back; null if that is not known */
  readonly lastWords: LastWordsView | null
}

/** Something that happened to a job, in order. */
export type JobEvent = { readonly seq: number; readonly time: string } & (
  | {
      readonly type: 'state'
      readonly state: JobState
      readonly error?: ErrorJson
    }
  | {
      readonly type: 'progress'
      readonly role: string
      readonly received: number
      readonly size: number | null
    }
  | {
      readonly type: 'finding'
      readonly check: string
      readonly severity: string
      readonly message: string
      readonly remedy: string
    }
  | {
      readonly type: 'log'
      readonly level: 'info' | 'warning' | 'error'
      readonly message: string
    }
)
