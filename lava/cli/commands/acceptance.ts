/** `fauxboot acceptance`: whether a board does what a lab needs of it, and a report to show. */

import { type Command, InvalidArgumentError, Option } from 'commander'
import { fault } from '../../../agent/errors.js'
import { type AcceptanceReport, runAcceptance } from '../../acceptance/acceptance.js'
import { ReportFolder } from '../../acceptance/report-folder.js'
import { acceptanceJunit } from '../../acceptance/report-junit.js'
import { renderReport, reportSentence } from '../../acceptance/report-text.js'
import type { RoundResult } from '../../acceptance/round.js'
import type { Target } from '../../client/boot-job.js'
import { JobDisplay } from '../../client/job-display.js'
import { writeText } from '../../client/local-file.js'
import type { Login } from '../../console/target-shell.js'
import { runBoardSession } from '../../monitor/board-session.js'
import { createProgress } from '../../terminal/progress.js'
import { printable, type Style, type Terminal } from '../../terminal/terminal.js'
import { addBoardAddress, type BoardAddress, boardClient } from './board-options.js'
import { consoleEcho } from './console-echo.js'
import { addSessionOptions, checkPowerOptions, powerCommands, type SessionOptions, seconds } from './session-options.js'

interface AcceptanceCommandOptions extends BoardAddress, SessionOptions {
  readonly kernel: string
  readonly ramdisk: string
  readonly dtb?: string
  readonly modules?: string
  readonly append: string
  readonly earlycon?: boolean | string
  readonly boots: number
  readonly login: Login
  readonly reboot: string
  readonly wait: number
  readonly json?: string
  readonly junit?: string
  readonly report?: string
  readonly archive?: string
}

const BOOTS_LIMIT = 1000

const EXIT_CODES: Readonly<Record<AcceptanceReport['outcome'], number>> = { passed: 0, failed: 1, infrastructure: 2 }

const STYLES: Readonly<Record<'pass' | 'fail' | 'skip', Style>> = { pass: 'green', fail: 'red', skip: 'dim' }

const OUTCOME_STYLES: Readonly<Record<AcceptanceReport['outcome'], Style>> = {
  passed: 'green',
  failed: 'red',
  infrastructure: 'yellow',
}

export function define(command: Command, terminal: Terminal): void {
  addSessionOptions(addBoardAddress(command, terminal), 'one boot with its checks')
    .requiredOption('--kernel <file|url>', 'zImage or Image, also compressed or as uImage')
    .requiredOption('--ramdisk <file|url>', 'cpio archive with a shell on the console')
    .option('--dtb <file|url>', "device tree; the first stage's own without it")
    .option('--modules <file|url>', 'tar or cpio of /lib/modules, appended to the ramdisk')
    .option('--append <text>', 'command line of the kernel', '')
    .option('--earlycon [value]', 'add earlycon to the command line')
    .option('--boots <number>', 'how often the target is booted', boots, 3)
    .addOption(
      new Option('--login <user[:password]>', "for the target's shell, if it asks")
        .argParser(login)
        .default({ user: 'root' }, 'root'),
    )
    .option('--reboot <command>', "what restarts the board at the target's shell", 'reboot -f')
    .option('--wait <seconds>', 'for the agent after power-on, and for its return after a reboot', seconds, 180)
    .option('--json <file>', 'write the report as JSON; - prints it instead of the tables')
    .option('--junit <file>', 'write the report as JUnit XML: each check of each boot is a test')
    .option('--report <dir>', 'write everything there: report, console and job log of each boot, plan, board')
    .option('--archive <file>', 'pack all of that as .tar.gz, for a bug report')
    .addHelpText(
      'after',
      `
Boots the target over HTTP, watches the console to the prompt, and compares at the target's shell what the target sees
with what the first stage saw: job, CPUs, memory, MAC address, watchdog. Then it reboots the board from there.

Each boot begins with the power commands. Without them, the agent must be running, and each boot begins with the last
one's reboot.

In a checkout, one command makes kernel, ramdisk, device tree and command line for a board of systemd/boards:
  node dist/systemd/target/target.js --board cubieboard4 --out target

The report names files, addresses and MAC addresses of this lab: read it before you publish it.

Exit codes:
  0    all checks passed or were skipped
  1    a check failed
  2    the board, its console or power was not there
  130  interrupted with Ctrl-C

Examples:
  fauxboot acceptance --board http://board:8080 --console /dev/ttyUSB0 --kernel target/zImage \\
    --ramdisk target/ramdisk --dtb target/dtb --append "console=ttyS0,115200"
  fauxboot acceptance --board http://board:8080 --console telnet://server:5001 --power-on "pdu on 3" \\
    --power-off "pdu off 3" --boots 10 --kernel zImage --ramdisk rootfs.cpio.gz --append "console=ttyS0,115200" \\
    --junit acceptance.xml --archive acceptance.tar.gz`,
    )
    .action((options: AcceptanceCommandOptions) => acceptance(command, options, terminal))
}

async function acceptance(command: Command, options: AcceptanceCommandOptions, terminal: Terminal): Promise<void> {
  if (options.console === undefined) throw usage('no console given: use --console URL')
  checkPowerOptions(options, 'fauxboot acceptance')
  // A result that cannot be written is said now, and not after an hour.
  for (const file of [options.json, options.junit, options.archive]) {
    if (file !== undefined && file !== '-') await writeText(file, '')
  }
  const folder = await ReportFolder.open(options.report)
  try {
    const version = command.parent?.version() ?? ''
    const report = await runAll(options, options.console, version, folder, terminal)
    await writeReports(report, options, folder)
    terminal.exitCode = EXIT_CODES[report.outcome]
    if (options.json === '-') return terminal.printJson(report)
    const style = (result: keyof typeof STYLES, line: string) => terminal.styled(STYLES[result], line)
    terminal.print(renderReport(report, style))
    terminal.print(`\n${terminal.styled(OUTCOME_STYLES[report.outcome], reportSentence(report))}`)
  } finally {
    await folder.close()
  }
}

async function runAll(
  options: AcceptanceCommandOptions,
  console: string,
  version: string,
  folder: ReportFolder,
  terminal: Terminal,
): Promise<AcceptanceReport> {
  const { kernel, ramdisk, dtb, modules, append: cmdline, earlycon, boots, login, reboot, keepOn = false } = options
  const client = await boardClient(options, 'acceptance')
  const progress = createProgress(terminal.io.stderr)
  const display = new JobDisplay(terminal, progress)
  const target: Target = { ...{ kernel, ramdisk, dtb, modules, cmdline }, name: 'acceptance', options: { earlycon } }
  try {
    return await runAcceptance({
      ...{ version, boots, keepOn, client, target, console, login, power: powerCommands(options) },
      ...{ until: options.until, timeoutMs: options.timeout * 1000, silenceMs: options.silence * 1000 },
      ...{ tolerate: options.tolerate, rebootCommand: reboot, waitSeconds: options.wait },
      watcher: display,
      runSession: runBoardSession,
      logFile: round => folder.path(`boot-${round}-console.log`),
      onRound: (round, result) => writeRound(folder, round, result),
      onOutcome: (_, { name, result, reason }) => {
        const word = terminal.styled(STYLES[result], result, terminal.io.stderr)
        display.note(`${word} ${name}${reason === '' ? '' : `: ${printable(reason)}`}`)
      },
      onLine: consoleEcho(terminal, progress),
      note: line => display.note(printable(line)),
      signal: terminal.io.signal,
    })
  } finally {
    progress.stop()
  }
}

async function writeRound(folder: ReportFolder, number: number, { round, jobLog, plan }: RoundResult): Promise<void> {
  await folder.write(`boot-${number}-job.log`, jobLog)
  if (plan !== null) await folder.write(`boot-${number}-plan.json`, json(plan))
  if (round.board !== null) await folder.write(`boot-${number}-board.json`, json(round.board))
}

async function writeReports(
  report: AcceptanceReport,
  options: AcceptanceCommandOptions,
  folder: ReportFolder,
): Promise<void> {
  const junit = acceptanceJunit(report)
  await folder.write('report.json', json(report))
  await folder.write('report.xml', junit)
  await folder.write('report.txt', `${renderReport(report)}\n\n${reportSentence(report)}\n`)
  if (options.json !== undefined && options.json !== '-') await writeText(options.json, json(report))
  if (options.junit !== undefined) await writeText(options.junit, junit)
  if (options.archive !== undefined) await folder.pack(options.archive)
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

function usage(reason: string) {
  return fault('CLI_USAGE', { reason, command: 'fauxboot acceptance' })
}

function boots(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= BOOTS_LIMIT) return value
  throw new InvalidArgumentError(`a board is booted 1 to ${BOOTS_LIMIT} times`)
}

function login(text: string): Login {
  const [user = '', ...password] = text.split(':')
  if (user === '') throw new InvalidArgumentError('expected USER or USER:PASSWORD')
  return password.length === 0 ? { user } : { user, password: password.join(':') }
}
