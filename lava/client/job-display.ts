/** What a person sees of a job under way. */

import type { JobEvent, JobState, JobView } from '../../agent/boot/jobs/job.js'
import type { Finding } from '../../agent/kexec/layout/plan.js'
import type { Progress } from '../terminal/progress.js'
import { formatBytes, formatDuration } from '../terminal/quantities.js'
import { type Output, printable, type Style, type Terminal } from '../terminal/terminal.js'
import type { BootWatcher } from './boot-job.js'

const STATE_STYLES: Readonly<Record<JobState, Style>> = {
  queued: 'dim',
  fetching: 'cyan',
  verifying: 'cyan',
  planning: 'cyan',
  loaded: 'green',
  booting: 'green',
  planned: 'green',
  failed: 'red',
  cancelled: 'yellow',
}

const SEVERITY_STYLES: Readonly<Record<string, Style>> = { fatal: 'red', error: 'red', warning: 'yellow' }

/** A state in its colour. */
export function styledState(terminal: Terminal, state: JobState, stream: Output = terminal.io.stdout): string {
  return terminal.styled(STATE_STYLES[state] ?? 'bold', state, stream)
}

/** A message with its severity. */
function marked(terminal: Terminal, severity: string, text: string, stream: Output): string {
  const style = SEVERITY_STYLES[severity]
  return style ? `${terminal.styled(style, `${severity}:`, stream)} ${printable(text)}` : printable(text)
}

/** A finding, and what to do about it on a line of its own. */
export function renderFinding(
  terminal: Terminal,
  { severity, message, remedy }: Pick<Finding, 'message' | 'remedy'> & { readonly severity: string },
  stream: Output = terminal.io.stdout,
): string {
  return `${marked(terminal, severity, message, stream)}${remedy === '' ? '' : `\n  ${printable(remedy)}`}`
}

/**
 * One event as a line, or two when it has a remedy.
 *
 * @returns null for progress, which bars show
 */
export function renderEvent(terminal: Terminal, event: JobEvent, stream: Output = terminal.io.stdout): string | null {
  switch (event.type) {
    case 'progress':
      return null
    case 'state': {
      const state = styledState(terminal, event.state, stream)
      return event.error ? `${state}: ${printable(event.error.message)}` : state
    }
    case 'finding':
      return renderFinding(terminal, event, stream)
    case 'log':
      return marked(terminal, event.level, event.message, stream)
  }
}

/** Bars for transfers, and a line for every event with the seconds since the start. */
export class JobDisplay implements BootWatcher {
  readonly #terminal: Terminal
  readonly #progress: Progress
  readonly #started = performance.now()
  readonly #sizes = new Map<string, number>()

  /** @param progress where it is shown; `NO_PROGRESS` when the result is meant for a program */
  constructor(terminal: Terminal, progress: Progress) {
    this.#terminal = terminal
    this.#progress = progress
  }

  uploads(files: readonly { readonly role: string; readonly size: number }[]): void {
    for (const { role, size } of files) this.#sizes.set(role, size)
  }

  uploaded(role: string, received: number): void {
    this.#progress.update(`send ${role}`, received, this.#sizes.get(role) ?? null)
  }

  uploadEnded(role: string, sent: number): void {
    if (sent === 0) this.note(`${role}: the board has it already (${formatBytes(this.#sizes.get(role) ?? 0)})`)
  }

  submitted(job: JobView): void {
    this.#progress.stop()
    this.note(`job ${printable(job.id)}`)
  }

  event(event: JobEvent): void {
    if (event.type === 'progress') {
      // Uploads already had their bars.
      if (!this.#sizes.has(event.role)) this.#progress.update(`fetch ${event.role}`, event.received, event.size)
      return
    }
    const { stderr } = this.#terminal.io
    if (event.type === 'state') {
      this.#progress.stop()
      // Why it failed is the last line of the command, as it is of every command.
      this.note(styledState(this.#terminal, event.state, stderr))
      return
    }
    const text = renderEvent(this.#terminal, event, stderr)
    if (text !== null) this.note(text)
  }

  cancelled(id: string, problem: Error | null): void {
    this.#progress.stop()
    this.note(problem === null ? `job ${id} is cancelled` : `job ${id} could not be cancelled: ${problem.message}`)
  }

  /** Print text, each line with the time since the start. */
  note(text: string): void {
    const elapsed = formatDuration(performance.now() - this.#started).padStart(7)
    const time = this.#terminal.styled('dim', `[${elapsed}]`, this.#terminal.io.stderr)
    for (const line of text.split('\n')) this.#progress.note(`${time} ${line}`)
  }
}
