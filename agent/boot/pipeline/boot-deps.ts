/** What the pipeline depends on: its settings, the machine, the log. */

import type { Kexec } from '../../kexec/syscall/kexec.js'
import type { PhysicalMemory } from '../../kexec/syscall/physical-memory.js'
import type { BoardHost, StartTimes } from '../board/board.js'
import type { FileRange } from '../jobs/job.js'

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
  /** more arguments for such jobs: `earlycon=uart,mmio32,0x7000000`; may be empty */
  readonly kernelArgs: string
  /** add `earlycon` to the command line of every job that does not say otherwise */
  readonly earlycon: boolean
  /** path of the serial line with the console; null without one */
  readonly serial: string | null
  /** links that stay up over the jump, by name; `*` means all. The others are taken down just before it */
  readonly keepLinksUp: readonly string[]
  /** seconds after which a silent target is reset, for jobs that do not say it themselves; 0: never */
  readonly watchdog: number
  /** note jobs in memory that outlives a reset, and read there what dead targets said */
  readonly lastWords: boolean
  /** milliseconds that clients have to receive the event `booting` before the links go down */
  readonly jumpNoticeMs: number
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

/** The clock of the system. */
export interface BoardClock {
  /**
   * Set it forward, unless something better has set it.
   *
   * @returns false when it stays as it is
   * @throws what the system refuses with
   */
  advance(to: Date): Promise<boolean>
}

/** What the pipeline depends on. */
export interface BootDeps {
  readonly kexec: Kexec
  readonly config: BootConfig
  readonly host: BoardHost
  /** the bytes of a file, or part of it; mapped if the addon is available, else read */
  mapFile(path: string, part?: Pick<FileRange, 'offset' | 'size'>): Uint8Array | Promise<Uint8Array>
  /** for last words; without it there are none */
  readonly memory?: PhysicalMemory
  /** bytes that the console holds for jobs that it may submit; none unless given */
  lent?(): number
  readonly log: BootLog
  /** for downloads whose certificate is not yet valid; without it, the clock stays as it is */
  readonly clock?: BoardClock
  /** for the view of the board */
  readonly startTimes?: () => StartTimes | null
  /** milliseconds since the epoch; `Date.now` unless given */
  now?(): number
  /** called before the files of a job are deleted: maps are undone when their buffers are collected */
  collectGarbage?(): Promise<void>
  /**
   * Called before the jump, after clients have been informed: closes every remaining connection. Nothing would answer on
   * it any more, and a network that waits for answers goes on writing into the memory of a board whose driver is gone.
   * The jump waits for it, because a serial line is slow.
   */
  hangUp?(): void | Promise<void>
}
