/** `fauxboot boot`: boot a target on a board and follow it to the jump. */

import { type Command, Option } from 'commander'
import type { JobView } from '../../agent/boot/job.js'
import { type FauxbootError, fault } from '../../agent/errors.js'
import { renderPlanText } from '../../agent/kexec/plan-text.js'
import type { BoardClient } from '../board-client.js'
import { type JobOutcome, outcomeExitCode, runJob, type Target, uploadTarget } from '../boot-job.js'
import { JobDisplay } from '../job-display.js'
import { readJobFile } from '../job-file.js'
import { createProgress, NO_PROGRESS } from '../progress.js'
import type { Terminal } from '../terminal.js'
import { addBoardOptions, type BoardOptions, boardClient } from './board-options.js'

interface BootOptions extends BoardOptions {
  readonly job?: string
  readonly kernel?: string
  readonly ramdisk?: string
  readonly dtb?: string
  readonly overlay?: readonly string[]
  readonly modules?: string
  readonly name?: string
  readonly append?: string
  readonly earlycon?: boolean | string
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly queue?: boolean
  readonly wait?: boolean | string
}

/** Seconds that a board gets to come up with `--wait`, when it says no number. */
const WAIT_SECONDS = 180

/** What a job file says itself. */
const JOB_OPTIONS = [
  ...['kernel', 'ramdisk', 'dtb', 'overlay', 'modules', 'append', 'name'],
  ...['earlycon', 'dryRun', 'force', 'queue'],
]

export function define(command: Command, terminal: Terminal): void {
  addBoardOptions(command, terminal)
    .option('--kernel <file|url>', 'zImage or Image, also compressed or as uImage')
    .option('--ramdisk <file|url>', 'cpio archive, as the kernel takes it')
    .option('--dtb <file|url>', "device tree; the first stage's own without it")
    .option('--overlay <file|url...>', 'device tree overlays, applied in this order')
    .option('--modules <file|url>', 'tar or cpio of /lib/modules, appended to the ramdisk')
    .option('--append <text>', 'command line of the kernel')
    .option('--name <text>', 'name of the job, for people')
    .option('--earlycon [value]', 'add earlycon to the command line')
    .option('--dry-run', 'plan and check, but load nothing')
    .option('--force', 'load a plan that is not survivable')
    .option('--queue', 'wait for the board when another job owns it, instead of being refused')
    .option('--wait [seconds]', `wait for a board that is still coming up (default ${WAIT_SECONDS} s)`)
    .addOption(
      new Option(
        '--job <file>',
        'send a job file as it is: LAVA YAML, KernelCI JSON, fauxboot JSON, or a zip bundle',
      ).conflicts(JOB_OPTIONS),
    )
    .addHelpText(
      'after',
      `
Files are uploaded, an interrupted upload goes on where it ended; URLs are fetched by the board.

Exit codes:
  0    the target was started, or planned with --dry-run
  1    the job was refused or failed
  2    the board, or a server that it fetches from, was not there
  130  interrupted with Ctrl-C, which cancels the job

Examples:
  fauxboot boot --board http://board:8080 --kernel zImage --dtb board.dtb --append "console=ttyS0,115200"
  fauxboot boot --board http://board:8080 --kernel https://server/zImage --ramdisk rootfs.cpio.gz --dry-run
  fauxboot boot --board http://board:8080 --wait --job lava-job.yaml`,
    )
    .action((options: BootOptions) => boot(options, terminal))
}

async function boot(options: BootOptions, terminal: Terminal): Promise<void> {
  const request = bootRequest(options)
  const wait = waitSeconds(options)
  const client = await boardClient(options, 'boot')
  const { signal, stderr } = terminal.io
  const progress = options.json ? NO_PROGRESS : createProgress(stderr)
  const display = new JobDisplay(terminal, progress)
  try {
    if (wait > 0) {
      display.note(`waiting for ${client.url.href}`)
      await client.waitUntilReady(wait, signal)
    }
    const body =
      'file' in request
        ? await readJobFile(request.file, display)
        : (await uploadTarget(client, request.target, display, signal)).body
    const { job, outcome } = await runJob(client, body, display, signal)
    progress.stop()
    await report(client, job, outcome, options.json === true, terminal)
  } finally {
    progress.stop()
  }
}

function bootRequest(options: BootOptions): { readonly file: string } | { readonly target: Target } {
  const { job, kernel, ramdisk, dtb, overlay, modules, name, append = '', earlycon, dryRun, force, queue } = options
  if (job !== undefined) return { file: job }
  if (kernel === undefined) throw usage('no kernel given: use --kernel FILE|URL, or --job FILE')
  const files = { kernel, ramdisk, dtb, overlays: overlay, modules }
  return { target: { ...files, name, cmdline: append, options: { dryRun, earlycon, force, queue } } }
}

function waitSeconds({ wait }: BootOptions): number {
  if (wait === undefined) return 0
  const seconds = wait === true ? WAIT_SECONDS : Number(wait)
  if (seconds > 0 && seconds <= 86400) return seconds
  throw usage(`--wait '${wait}' is not a number of seconds between 1 and 86400`)
}

function usage(reason: string): FauxbootError {
  return fault('CLI_USAGE', { reason, command: 'fauxboot boot' })
}

async function report(
  client: BoardClient,
  job: JobView,
  outcome: JobOutcome,
  json: boolean,
  terminal: Terminal,
): Promise<void> {
  const { signal, stdout } = terminal.io
  const { state, error } = outcome
  terminal.exitCode = outcomeExitCode(outcome)
  if (state === 'loaded' || state === 'booting') {
    // The agent is gone by now: this is the job as it was when it came in, with what was seen since.
    if (json) terminal.printJson({ ...job, state: 'booting' })
    else terminal.print(`job ${job.id}: ${terminal.styled('green', 'the board has jumped into the target')}`)
    return
  }
  if (json) terminal.printJson(await client.job(job.id, signal))
  else if (state === 'planned') {
    terminal.print(renderPlanText(await client.plan(job.id, signal), { color: terminal.hasColor(stdout) }))
  }
  if (state === 'planned') return
  terminal.fail(error ?? fault('JOB_CANCELLED', { id: job.id, state: job.state }).toJSON(), json)
}
