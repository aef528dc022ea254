/** `fauxboot boot`: boot a target on a board and follow it to the jump, or, with its console, to a prompt. */

import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import type { JobView } from '../../../agent/boot/jobs/job.js'
import { type FauxbootError, fault } from '../../../agent/errors.js'
import { renderPlanText } from '../../../agent/kexec/render/plan-text.js'
import type { BoardClient, JobBody } from '../../client/board-client.js'
import { isUrl, type JobOutcome, outcomeExitCode, runJob, type Target, uploadTarget } from '../../client/boot-job.js'
import { JobDisplay, renderFinding } from '../../client/job-display.js'
import { readJobFile } from '../../client/job-file.js'
import { readInput } from '../../client/local-file.js'
import { ramdiskEnd } from '../../client/ramdisk-end.js'
import { type BootMethod, bootOverHttp } from '../../monitor/boot-methods.js'
import { createProgress, NO_PROGRESS, type Progress } from '../../terminal/progress.js'
import type { Terminal } from '../../terminal/terminal.js'
import { addBoardOptions, type BoardOptions, boardClient } from './board-options.js'
import { addConsoleOptions, type ConsoleOptions, checkConsoleOptions, typedBootMethod } from './console-options.js'
import { testsOfJobFile } from './job-tests.js'

interface BootOptions extends BoardOptions, ConsoleOptions {
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
  readonly watchdog?: string
  readonly wait?: boolean | string
}

/** Bytes of a ramdisk that is decompressed here, to see whether it is whole. */
const RAMDISK_LIMIT = 512 * 2 ** 20

/** Seconds that a board gets to come up with `--wait` without a number. */
const WAIT_SECONDS = 180

/** Options that a job file contains itself. */
const JOB_OPTIONS = [
  ...['kernel', 'ramdisk', 'dtb', 'overlay', 'modules', 'append', 'name'],
  ...['earlycon', 'force', 'queue', 'watchdog'],
]

export function define(command: Command, terminal: Terminal): void {
  addBoardOptions(command, terminal)
  addConsoleOptions(command)
    .option('--kernel <file|url>', 'zImage or Image, also compressed or as uImage')
    .option('--ramdisk <file|url>', 'cpio archive, compressed or not, as the kernel expects it')
    .option('--dtb <file|url>', "device tree; the first stage's own without it")
    .option('--overlay <file|url...>', 'device tree overlays, applied in this order')
    .option('--modules <file|url>', 'tar or cpio of /lib/modules, appended to the ramdisk')
    .option('--append <text>', 'command line of the kernel')
    .option('--name <text>', 'name of the job, for people')
    .option('--earlycon [value]', 'add earlycon to the command line')
    .option('--dry-run', 'plan and check, but load nothing')
    .option('--force', 'load a plan that is not survivable')
    .option('--queue', 'wait for the board when another job owns it, instead of being refused')
    .option(
      '--watchdog <seconds>',
      'have the board reset itself when the target does not take over its watchdog; 0: no watchdog',
    )
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

With --console, the board is switched on, the boot is followed until the target says what --until waits for, and a
kernel that panics, hangs or resets is reported with its lines. The inline test definitions of a LAVA job are run then, at
the shell of root without a password; others are skipped. Consoles: telnet://HOST:PORT, tcp://HOST:PORT,
rfc2217://HOST:PORT?baud=115200&parity=none&stop=1, serial:///dev/ttyUSB0?baud=115200, or the path of a device.

Exit codes:
  0    the target was started, or planned with --dry-run; with --console: it has booted
  1    the job was refused or failed, or one of its tests did
  2    the board, its console or power, or a server that it fetches from, was not there
  130  interrupted with Ctrl-C, which cancels the job

Examples:
  fauxboot boot --board http://board:8080 --kernel zImage --dtb board.dtb --append "console=ttyS0,115200"
  fauxboot boot --board http://board:8080 --kernel https://server/zImage --ramdisk rootfs.cpio.gz --dry-run
  fauxboot boot --board http://board:8080 --wait --job lava-job.yaml
  fauxboot boot --board http://board:8080 --job lava-job.yaml --console telnet://server:5001 \\
    --power-on "pdu on 3" --power-off "pdu off 3" --until "login:" --log console.log --junit boot.xml
  fauxboot boot --typed --tftp 192.168.1.2/jobs/42 --kernel zImage --console /dev/ttyUSB0 --power-reset "relay 1"
  fauxboot boot --typed --serve-at 192.168.1.2:69 --load-at dtb=0x43000000 --kernel zImage --dtb board.dtb \\
    --console /dev/ttyUSB0 --power-reset "relay 1"`,
    )
    .action((options: BootOptions) => boot(command, options, terminal))
}

/** What the parts of one run of the command share. */
interface BootRun {
  readonly options: BootOptions
  readonly request: Request
  /** for a board that is still coming up, seconds; 0: it is there */
  readonly wait: number
  readonly display: JobDisplay
  readonly progress: Progress
  readonly terminal: Terminal
}

async function boot(command: Command, options: BootOptions, terminal: Terminal): Promise<void> {
  checkConsoleOptions(command, options)
  const request = bootRequest(options)
  const wait = waitSeconds(options)
  const progress = options.json ? NO_PROGRESS : createProgress(terminal.io.stderr)
  const run = { options, request, wait, display: new JobDisplay(terminal, progress), progress, terminal }
  try {
    if (options.console === undefined) await bootUnwatched(run)
    else await bootAtConsole(run, options.console)
  } finally {
    progress.stop()
  }
}

async function bootUnwatched(run: BootRun): Promise<void> {
  const { options, wait, display, progress, terminal } = run
  const client = await boardClient(options, 'boot')
  const { signal } = terminal.io
  if (wait > 0) {
    display.note(`waiting for ${client.url.href}`)
    await client.waitUntilReady(wait, signal)
  }
  const { job, outcome } = await runJob(client, await jobBody(run, client, signal), display, signal)
  progress.stop()
  await report(client, job, outcome, options.json === true, terminal)
}

async function bootAtConsole(run: BootRun, console: string): Promise<void> {
  const { options, request, display, progress, terminal } = run
  const { bootWatched } = await import('./watched-boot.js')
  const wait = run.wait || WAIT_SECONDS
  const typed = options.typed && 'target' in request
  const method = typed ? typedBootMethod(request.target, options, wait) : await httpBootMethod(run, wait)
  const { kernel = '', dtb, job = kernel, name = basename(job) } = options
  const here = dtb !== undefined && !URL.canParse(dtb) && options.tftp === undefined
  const tests = 'file' in request ? await testsOfJobFile(request.file) : []
  const boot = { console, method, options, name, dtb: here ? dtb : undefined, tests, json: options.json === true }
  await bootWatched(boot, display, progress, terminal)
}

async function httpBootMethod(run: BootRun, waitSeconds: number): Promise<BootMethod> {
  const client = await boardClient(run.options, 'boot')
  const job = (signal: AbortSignal): Promise<JobBody> => jobBody(run, client, signal)
  return bootOverHttp({ client, job, watcher: run.display, waitSeconds })
}

async function jobBody(run: BootRun, client: BoardClient, signal: AbortSignal): Promise<JobBody> {
  const { options, request, display } = run
  if ('file' in request) return { ...(await readJobFile(request.file, display)), dryRun: options.dryRun }
  const { body } = await uploadTarget(client, request.target, display, signal)
  await warnOfRamdisk(run, request.target, signal)
  return body
}

/** The board's planner decompresses nothing, so it does not see that such a ramdisk breaks off. */
async function warnOfRamdisk({ display, terminal }: BootRun, { ramdisk }: Target, signal: AbortSignal): Promise<void> {
  if (ramdisk === undefined || isUrl(ramdisk) || (await stat(ramdisk)).size > RAMDISK_LIMIT) return
  const warning = await ramdiskEnd(await readInput(ramdisk, RAMDISK_LIMIT), signal)
  if (warning !== null) display.note(renderFinding(terminal, warning, terminal.io.stderr))
}

type Request = { readonly file: string } | { readonly target: Target }

function bootRequest(options: BootOptions): Request {
  const { job, kernel, ramdisk, dtb, overlay, modules, name, append = '', earlycon, dryRun, force, queue } = options
  const watchdog = watchdogSeconds(options)
  if (job !== undefined) return { file: job }
  if (kernel === undefined) throw usage('no kernel given: use --kernel FILE|URL, or --job FILE')
  const files = { kernel, ramdisk, dtb, overlays: overlay, modules }
  return { target: { ...files, name, cmdline: append, options: { dryRun, earlycon, force, queue, watchdog } } }
}

/** The board checks the range. */
function watchdogSeconds({ watchdog }: BootOptions): number | undefined {
  if (watchdog === undefined) return undefined
  if (/^\d{1,9}$/.test(watchdog)) return Number(watchdog)
  throw usage(`--watchdog '${watchdog}' is not a number of seconds`)
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
    // The agent is gone by now: this is the submitted job, with the events seen since.
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
