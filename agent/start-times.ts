/** Measures this board's start, from the kernel to the agent's first answer. */

import { readFileSync } from 'node:fs'
import type { StartTimes } from './boot/board/board.js'

/** `fauxboot-start-time.service` writes it after the agent's start. */
const SYSTEMD_FILE = '/run/fauxboot/systemd-start'

/** Of `/proc/PID/stat`: proc(5) counts times in units of `sysconf(_SC_CLK_TCK)`, which is 100 on every Linux with Node. */
const TICKS_PER_SECOND = 100
/** `starttime` is the 22nd field of proc_pid_stat(5); the second one, in brackets, may hold blanks. */
const START_TIME = 22 - 3

/** Seconds since the kernel started: CLOCK_MONOTONIC, as in systemd's timestamps. */
const uptime = (): number => Number(process.hrtime.bigint()) / 1e9

/** @returns null where there is no such file */
function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // Not Linux, or systemd has not told yet.
    return null
  }
}

/** When systemd started; null before it has told. */
function systemdStart(path: string): number | null {
  const [, microseconds] = /^UserspaceTimestampMonotonic=(\d{1,15})$/m.exec(readIfThere(path) ?? '') ?? []
  return microseconds === undefined ? null : Number(microseconds) / 1e6
}

/** When this process started; null where the system does not tell. */
function processStart(stat: string | null): number | null {
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME]
  return ticks === undefined ? null : Number(ticks) / TICKS_PER_SECOND
}

const rounded = <T extends number | null>(seconds: T): T =>
  seconds === null ? seconds : (Number(seconds.toFixed(2)) as T)

export class StartClock {
  readonly #agent = uptime()
  readonly #files: { readonly systemd: string; readonly stat: string }
  #countdown: number | null = null
  #ready: number | null = null

  /** Begins with the agent's own code. */
  constructor(files = { systemd: SYSTEMD_FILE, stat: '/proc/self/stat' }) {
    this.#files = files
  }

  /** A countdown begins; the last one counts. */
  countdown(): void {
    this.#countdown = uptime()
  }

  ready(): void {
    this.#ready = uptime()
  }

  /** @returns null where the system does not tell */
  times(): StartTimes | null {
    const started = processStart(readIfThere(this.#files.stat))
    if (started === null) return null
    return {
      systemd: rounded(systemdStart(this.#files.systemd)),
      process: rounded(started),
      agent: rounded(this.#agent),
      countdown: rounded(this.#countdown),
      ready: rounded(this.#ready),
    }
  }
}
