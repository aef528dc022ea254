/**
 * What a target said before it died. Its kernel writes its messages into memory that outlives a reset (`ramoops`), the agent
 * notes there which job jumped, and the agent of the next first stage brings the two together.
 */

import { asFault } from '../../errors.js'
import { parseFdt } from '../../image/fdt/fdt.js'
import { parseRamoops, type RamoopsContent } from '../../image/pstore/ramoops.js'
import { type KeptMemory, keptMemory } from '../../kexec/layout/kept-memory.js'
import type { PhysicalMemory } from '../../kexec/syscall/physical-memory.js'
import type { BoardHost } from '../board/board.js'
import type { JobRecord } from '../jobs/job-record.js'
import { readJobPage, writeJobPage } from './job-page.js'

/** What a dead target left. */
export interface LastWords {
  /** the job that booted it */
  readonly record: JobRecord
  /** why its kernel panicked; null if it did not */
  readonly panic: string | null
  /** its last messages, a line each */
  readonly lines: readonly string[]
}

/** A job keeps at most so much of what its target said. */
const MOST_LINES = 500
const LONGEST_LINE = 500

/** The kernel's own words, `panic()` in `kernel/panic.c`. */
const PANIC = /Kernel panic - not syncing: (.*)/

export class LastWordsMemory {
  readonly #kept: KeptMemory
  readonly #memory: PhysicalMemory

  private constructor(kept: KeptMemory, memory: PhysicalMemory) {
    this.#kept = kept
    this.#memory = memory
  }

  /**
   * The memory that the running device tree keeps for last words.
   *
   * @param complain called with the reason when no memory is found; the board boots jobs without it
   */
  static async find(
    host: Pick<BoardHost, 'runningDtb'>,
    memory: PhysicalMemory,
    complain: (reason: string) => void,
  ): Promise<LastWordsMemory | null> {
    try {
      const dtb = await host.runningDtb()
      const kept = dtb === null ? null : keptMemory(parseFdt(dtb, 'dtb of the running kernel'))
      if (kept !== null) return new LastWordsMemory(kept, memory)
      complain("the first stage's device tree reserves no memory for them; make the image with the setting lastWords")
    } catch (thrown) {
      complain(asFault(thrown, 'looking for memory').message)
    }
    return null
  }

  /**
   * Note a job just before its jump, and empty the region that its target writes to.
   *
   * @throws KEXEC_*, INTERNAL
   */
  remember(record: JobRecord): void {
    const { job, ramoops } = this.#kept
    this.#memory.write(ramoops.start, new Uint8Array(ramoops.end - ramoops.start))
    this.#memory.write(job.start, writeJobPage(record, job.end - job.start))
  }

  /** Undo {@link remember}. @throws KEXEC_* */
  forget(): void {
    const { job } = this.#kept
    this.#memory.write(job.start, new Uint8Array(job.end - job.start))
  }

  /**
   * What the last target left, once: it is forgotten with that.
   *
   * @returns null if no job is noted: the board was switched on, or reset out of a first stage
   * @throws KEXEC_*
   */
  take(): LastWords | null {
    const { job, ramoops } = this.#kept
    const record = readJobPage(this.#memory.read(job.start, job.end - job.start))
    if (record === null) return null
    const content = parseRamoops(this.#memory.read(ramoops.start, ramoops.end - ramoops.start), ramoops)
    this.forget()
    return { record, ...wordsOf(content) }
  }
}

/**
 * The last messages of a kernel: those of its console, or of its last dump, whichever has more lines. A quiet kernel has
 * only the dump; one that hangs, only the console.
 */
function wordsOf({ dumps, console }: RamoopsContent): Pick<LastWords, 'panic' | 'lines'> {
  const texts = dumps.flatMap(({ text }) => (text === null ? [] : [text.replace(/^<\d+>/gm, '')]))
  const [longest = []] = [console, texts.at(-1) ?? ''].map(linesOf).sort((a, b) => b.length - a.length)
  const panics = [console, ...texts].flatMap(text => PANIC.exec(text)?.[1] ?? [])
  return { panic: panics[0]?.slice(0, LONGEST_LINE) ?? null, lines: longest.slice(-MOST_LINES) }
}

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.slice(0, LONGEST_LINE))
