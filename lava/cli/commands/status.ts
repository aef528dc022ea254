/** `fauxboot status`: the jobs of a board. */

import type { Command } from 'commander'
import type { ArtifactReference, JobView, LastWordsView } from '../../../agent/boot/jobs/job.js'
import { styledState } from '../../client/job-display.js'
import { formatBytes, formatDuration } from '../../terminal/quantities.js'
import { renderPairs, renderTable } from '../../terminal/table.js'
import { printable, type Terminal } from '../../terminal/terminal.js'
import { addBoardOptions, type BoardOptions, boardClient } from './board-options.js'

export function define(command: Command, terminal: Terminal): void {
  addBoardOptions(command, terminal)
    .argument('[id]', 'the job; all of them without it')
    .addHelpText(
      'after',
      `
Examples:
  fauxboot status --board http://board:8080
  fauxboot status --board http://board:8080 --json
  FAUXBOOT_BOARD=http://board:8080 fauxboot status JOB`,
    )
    .action(async (id: string | undefined, options: BoardOptions) => {
      const client = await boardClient(options, 'status')
      const { signal } = terminal.io
      const answer = id === undefined ? await client.jobs(signal) : await client.job(id, signal)
      if (options.json) terminal.printJson(answer)
      else terminal.print(Array.isArray(answer) ? renderJobs(answer) : renderJob(terminal, answer))
    })
}

function renderJobs(jobs: readonly JobView[]): string {
  if (jobs.length === 0) return 'no jobs'
  const rows = jobs.map(job => [job.id, job.state, job.created, printable(job.name ?? ''), kernelOf(job)])
  return renderTable(['ID', 'STATE', 'CREATED', 'NAME', 'KERNEL'], rows)
}

/** One job in full. */
export function renderJob(terminal: Terminal, job: JobView): string {
  const { error, lastWords } = job
  const times = Object.entries(job.durations).map(([state, time]) => `${state} ${formatDuration(time ?? 0)}`)
  const pairs = renderPairs([
    ['job', job.id],
    ['name', job.name === null ? null : printable(job.name)],
    ['state', styledState(terminal, job.state)],
    ['error', error && `${printable(error.message)} (${error.code})`],
    ['created', `${job.created} by ${job.origin}`],
    ['updated', job.updated],
    ['times', times.join(', ') || null],
    ['last words', lastWords && lastWordsText(job.id, lastWords)],
    ['cmdline', printable(job.request.cmdline)],
  ])
  if (job.artifacts.length === 0) return pairs
  const rows = job.artifacts.map(({ role, received, size, sha256, source }) => [
    role,
    size === null || size === received ? formatBytes(received) : `${formatBytes(received)} of ${formatBytes(size)}`,
    sha256?.slice(0, 12) ?? '',
    printable(source),
  ])
  return `${pairs}\n\n${renderTable(['FILE', 'SIZE', 'SHA256', 'FROM'], rows)}`
}

function lastWordsText(id: string, { lines, panic }: LastWordsView): string {
  const end = panic === null ? '' : `, then a panic: ${printable(panic)}`
  return lines === 0 ? 'none' : `${lines} ${lines === 1 ? 'message' : 'messages'}${end}; see fauxboot log ${id}`
}

function kernelOf(job: JobView): string {
  const { url, artifact }: ArtifactReference = job.request.kernel
  return printable(url ?? artifact ?? '')
}
