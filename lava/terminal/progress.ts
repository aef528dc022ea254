/** How far long work has come: bars on a terminal, lines everywhere else. */

import { MultiBar, type SingleBar } from 'cli-progress'
import { formatBytes, formatDuration, formatRate } from './quantities.js'
import type { Output } from './terminal.js'

export interface Progress {
  /** Start or continue a task; `total` is null while unknown. */
  update(name: string, received: number, total: number | null): void
  /** Print a line without disturbing the bars. */
  note(line: string): void
  /** Leave the bars on the screen and the cursor visible; later output starts below. */
  stop(): void
}

/** @param stream where the progress goes: standard error, so that results can be piped */
export function createProgress(stream: Output): Progress {
  return stream.isTTY ? new ProgressBars(stream) : new ProgressLines(stream)
}

/** Shows nothing. */
export const NO_PROGRESS: Progress = { update: () => undefined, note: () => undefined, stop: () => undefined }

/** Erase to the end of the line (ECMA-48 EL): the rest of a longer bar. */
const ERASE_LINE = '\u001b[K'

class ProgressBars implements Progress {
  readonly #bars = new Map<string, SingleBar>()
  #multi: MultiBar | null = null

  constructor(readonly stream: Output) {}

  update(name: string, received: number, total: number | null): void {
    const bar = this.#bars.get(name) ?? this.#create(name, total)
    if (total !== null && bar.getTotal() !== total) bar.setTotal(total)
    bar.update(received, { amount: total === null ? formatBytes(received) : amount(received, total) })
    // A bar that is stopped counts no more seconds.
    if (received === total) bar.stop()
  }

  note(line: string): void {
    if (this.#multi) this.#multi.log(`${line}${ERASE_LINE}\n`)
    else this.stream.write(`${line}\n`)
  }

  stop(): void {
    if (!this.#multi) return
    // Lines still held back are drawn by an update, not by stop().
    this.#multi.update()
    this.#multi.stop()
    this.#multi = null
    this.#bars.clear()
  }

  #create(name: string, total: number | null): SingleBar {
    this.#multi ??= new MultiBar({
      stream: this.stream as NodeJS.WriteStream,
      format: '{name} [{bar}] {percentage}% {amount}  {duration_formatted}',
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      barsize: 30,
      hideCursor: true,
      emptyOnZero: true,
      // A line printed above the bars is printed over them: they have to be drawn again.
      forceRedraw: true,
      autopadding: true,
      // The owner of the process decides what a signal does; see `stop`.
      gracefulExit: false,
    })
    const bar = this.#multi.create(total ?? 0, 0, { name: name.padEnd(NAME_WIDTH), amount: '' })
    this.#bars.set(name, bar)
    return bar
  }
}

const NAME_WIDTH = 'fetch overlay0'.length

function amount(received: number, total: number): string {
  return `${formatBytes(received)} of ${formatBytes(total)}`
}

/** A line when a task starts, at each quarter, and at its end: enough to show progress, little enough for a log. */
class ProgressLines implements Progress {
  readonly #pieces = new Map<string, { since: number; from: number; quarter: number }>()

  constructor(readonly stream: Output) {}

  update(name: string, received: number, total: number | null): void {
    const now = performance.now()
    const piece = this.#pieces.get(name)
    const quarter = total ? Math.floor((received * 4) / total) : 0
    if (!piece) this.#pieces.set(name, { since: now, from: received, quarter })
    if (piece && quarter <= piece.quarter) return
    if (piece) piece.quarter = quarter
    if (total === null) this.note(`${name}: ${formatBytes(received)}`)
    else if (received < total) this.note(`${name}: ${amount(received, total)}`)
    else this.note(`${name}: ${formatBytes(total)}${piece ? ` in ${pace(total - piece.from, now - piece.since)}` : ''}`)
  }

  note(line: string): void {
    this.stream.write(`${line}\n`)
  }

  stop(): void {
    this.#pieces.clear()
  }
}

function pace(bytes: number, milliseconds: number): string {
  return `${formatDuration(milliseconds)} (${formatRate(bytes, milliseconds)})`
}
