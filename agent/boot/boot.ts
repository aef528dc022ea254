/** The one way into the pipeline: every front end calls this class and no other of this folder. */

import type { ErrorJson } from '../errors.js'
import type { Kexec } from '../kexec/kexec.js'
import type { PlanJson } from '../kexec/plan-json.js'
import type { ArtifactStore } from './artifact-store.js'
import type { BoardHost, BoardView } from './board.js'
import type { JobEvent, JobOrigin, JobRequest, JobState, JobView } from './job.js'

/** The settings of this folder; `agent/config.ts` holds their values. */
export interface BootConfig {
  /** directory on a tmpfs for the bytes of artifacts; made when missing. What jobs of an earlier run left in it is removed */
  readonly artifactDir: string
  /** directory in which jobs are remembered; made when missing */
  readonly stateDir: string
  /** ended jobs that are remembered; the oldest are forgotten first */
  readonly keptJobs: number
  /** jobs that may wait for the board; one more is refused */
  readonly maxQueued: number
  /** bytes of MemAvailable that artifacts never get */
  readonly memoryReserve: number
  /** console of the target for jobs whose format has no command line (LAVA, KernelCI): `ttyS0,115200n8` */
  readonly console: string
  /** further arguments for such jobs: `earlycon=uart,mmio32,0x7000000`; may be empty */
  readonly kernelArgs: string
  /** links that stay up over the jump, by name; `*` means all. The others are taken down just before it */
  readonly keepLinksUp: readonly string[]
  /** milliseconds that clients have to receive the event `booting` before the links go down */
  readonly farewellMs: number
  readonly fetch: {
    /** seconds without a byte after which a transfer counts as stalled */
    readonly stallSeconds: number
    /** further attempts after the first */
    readonly retries: number
    readonly maxRedirects: number
  }
}

/** The part of pino that is needed here. */
export interface BootLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What the pipeline stands on. */
export interface BootDeps {
  readonly kexec: Kexec
  readonly config: BootConfig
  readonly host: BoardHost
  /** the bytes of a whole file, mapped rather than read where the addon is there */
  mapFile(path: string): Uint8Array | Promise<Uint8Array>
  readonly log: BootLog
  /** milliseconds since the epoch; `Date.now` unless given */
  now?(): number
  /** called when files of a job were freed: maps are undone when their buffers are collected */
  collectGarbage?(): void
}

/** Counters since the start of the agent, and gauges. Durations are seconds, sizes bytes. */
export interface BootMetrics {
  readonly jobsSubmitted: number
  /** by final state */
  readonly jobsEnded: Readonly<Partial<Record<JobState, number>>>
  /** by error code */
  readonly jobsFailed: Readonly<Partial<Record<ErrorJson['code'], number>>>
  readonly jobsQueued: number
  readonly jobsActive: number
  /** spent by all jobs, by state */
  readonly stateSeconds: Readonly<Partial<Record<JobState, number>>>
  readonly fetchedBytes: number
  readonly uploadedBytes: number
  readonly artifacts: number
  readonly artifactBytes: number
  /** clients that follow the events of a job */
  readonly followers: number
}

export declare class Boot {
  /** Artifacts kept on the board: uploads, and files of jobs. */
  readonly artifacts: ArtifactStore

  /**
   * Bring the pipeline up: jobs that an earlier run of the agent left unfinished become failed (JOB_INTERRUPTED).
   */
  static open(deps: BootDeps): Promise<Boot>

  /**
   * Take a job. It runs at once, or waits when `options.queue` is set and another one owns the board. Uploads that the
   * request names (`artifacts.receiveForJob`) belong to the job from here on, also when this throws.
   *
   * @throws JOB_BUSY with the owner's id; ARTIFACT_UNKNOWN
   */
  submit(request: JobRequest, origin: JobOrigin): Promise<JobView>

  /** @throws JOB_UNKNOWN */
  get(id: string): JobView

  /** Every job that is remembered, the newest first. */
  list(): JobView[]

  /**
   * End a job; resolves when it has ended and the board is free of it.
   *
   * @throws JOB_UNKNOWN; JOB_ENDED when it is in a final state
   */
  cancel(id: string): Promise<JobView>

  /**
   * The events of a job after `afterSeq` (0: all), those to come too; ends after the final state, or when `signal` fires.
   *
   * @throws JOB_UNKNOWN at once, not at the first step of the iteration
   */
  events(id: string, afterSeq: number, signal?: AbortSignal): AsyncIterable<JobEvent>

  /**
   * The job's log: one line for each event that is not progress, each ended by a newline.
   *
   * @throws JOB_UNKNOWN
   */
  log(id: string): string

  /**
   * The plan, once there is one.
   *
   * @throws JOB_UNKNOWN
   */
  plan(id: string): PlanJson | null

  board(): Promise<BoardView>

  metrics(): BootMetrics

  /** Cancel what runs, refuse what comes, and write down where every job stands. */
  close(): Promise<void>
}
