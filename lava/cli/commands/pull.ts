/** `fauxboot pull`: a pull lab of KernelCI. */

import { rename, writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { fault } from '../../../agent/errors.js'
import { showUrl } from '../../../agent/transfer/url.js'
import { fileError } from '../../client/local-file.js'
import { readToken } from '../../client/token-file.js'
import { type KcidbJob, kcidbRows } from '../../kernelci/kcidb-rows.js'
import { KernelciApi, mayEditNodes } from '../../kernelci/kernelci-api.js'
import { type LabLog, labLog } from '../../kernelci/lab-log.js'
import type { JobOutcome } from '../../kernelci/outcome.js'
import { checkTokens, type PullConfig, readPullConfig } from '../../kernelci/pull-config.js'
import { type EndedJob, jobsFor, PullLab } from '../../kernelci/pull-lab.js'
import { OUTBOX } from '../../kernelci/result-outbox.js'
import { readSingleJob, runSingleJob } from '../../kernelci/single-job.js'
import { StateDir } from '../../kernelci/state-dir.js'
import { runBoardSession } from '../../monitor/board-session.js'
import { type KcidbTest, kcidbSubmission } from '../../results/kcidb.js'
import { checkNfsRoot } from '../../rootfs/nfs-root.js'
import type { Terminal } from '../../terminal/terminal.js'

interface PullOptions {
  readonly config: string
  readonly checkConfig?: boolean
  readonly once?: boolean
  readonly dryRun?: boolean
  readonly job?: string
  readonly board?: string
  readonly log?: string
  readonly kcidb?: string
  readonly json?: boolean
}

export function define(command: Command, terminal: Terminal): void {
  command
    .requiredOption('--config <file>', 'settings of the lab, YAML')
    .addOption(
      new Option(
        '--check-config',
        'check the settings, the token files, the folder for NFS, and what the API lets the token do; change nothing',
      ).conflicts([...['once', 'dryRun', 'job', 'kcidb']]),
    )
    .addOption(new Option('--once', 'ask once, run the jobs that are there, and end').conflicts('job'))
    .option('--dry-run', 'say which jobs would be run on which boards; claim nothing, run nothing')
    .option('--job <file>', 'run one pull-lab job file, JSON or LAVA YAML, without the API')
    .option('--board <name>', 'the board for --job; the first of its platform without it')
    .option('--log <file>', "where the console's log of --job is written")
    .option('--kcidb <file>', 'write the results of the jobs of this run as KCIDB v5.3 JSON; - for standard output')
    .option('--json', 'print JSON, one object a line')
    .addHelpText(
      'after',
      `
Asks KernelCI's API for jobs of the boards in the settings, claims them, boots the boards, and posts the results. Jobs
that were running when it was stopped are posted as infrastructure errors, at the latest at the next start.

Exit codes, with --once and --job:
  0    every job passed, or there was none
  1    a job failed, or the settings are wrong
  2    a job is incomplete (the board, the lab or a server), or a result could not be posted
  130  interrupted with Ctrl-C

Examples:
  fauxboot pull --config lab.yaml --check-config
  fauxboot pull --config lab.yaml --once --dry-run
  fauxboot pull --config lab.yaml --job job.json --log console.log
  fauxboot pull --config lab.yaml`,
    )
    .action((options: PullOptions) => pull(options, terminal))
}

async function pull(options: PullOptions, terminal: Terminal): Promise<void> {
  const config = await readPullConfig(options.config)
  const log = labLog(terminal, options.json === true)
  if (options.checkConfig) {
    await checkTokens(config)
    if (config.nfs !== null) await checkNfsRoot(config.nfs)
    const user = await checkUser(config, terminal.io.signal)
    const boards = config.boards.map(({ name, platform }) => `${name} (${platform})`).join(', ')
    const words = `${options.config}: fine; ${user} may edit nodes of ${config.runtime}; boards: ${boards}`
    terminal.print(options.json ? JSON.stringify({ ok: true, user }) : words)
    return
  }
  if (options.job !== undefined) await pullFile(options.job, options, config, log, terminal)
  else if (options.dryRun) await listJobs(config, log, terminal)
  else await pullJobs(options, config, log, terminal)
}

async function apiOf({ api }: PullConfig): Promise<KernelciApi> {
  return new KernelciApi({ ...api, token: await readToken(api.tokenFile) })
}

/** @returns the user that the token belongs to @throws PULL_TOKEN if the API lets it change no job, PULL_API, FETCH_NETWORK */
async function checkUser(config: PullConfig, signal: AbortSignal): Promise<string> {
  const user = await (await apiOf(config)).user(signal)
  const { runtime, api } = config
  if (mayEditNodes(user, runtime)) return user.name
  throw fault('PULL_TOKEN', { url: api.url, user: user.name, runtime })
}

/** Which jobs there are, and the board of each. */
async function listJobs(config: PullConfig, log: LabLog, { io }: Terminal): Promise<void> {
  const jobs = await jobsFor(config, await apiOf(config), io.signal)
  for (const { id, platform, definition } of jobs)
    log({ job: id, message: `would run on a ${platform}: ${definition}` })
  if (jobs.length === 0) log({ message: 'no jobs' })
}

async function pullJobs(options: PullOptions, config: PullConfig, log: LabLog, terminal: Terminal): Promise<void> {
  const { signal } = terminal.io
  await checkTokens(config)
  const api = await apiOf(config)
  const state = await StateDir.open(config.stateDir)
  const rows: KcidbTest[] = []
  const onEnded = async (ended: EndedJob): Promise<void> => {
    terminal.exitCode = Math.max(terminal.exitCode, ended.posted === 'kept' ? 2 : EXIT_CODES[ended.outcome.result])
    if (options.kcidb === undefined) return
    rows.push(...kcidbRows(await kcidbJob(ended, config, api)))
    if (options.kcidb !== '-') await writeKcidb(options.kcidb, rows)
  }
  log({ message: `pulling jobs of ${config.runtime} from ${config.api.url} for ${config.boards.length} boards` })
  try {
    const once = options.once === true
    await new PullLab({
      ...{ config, api, state, log, onEnded, once, signal },
      runSession: runBoardSession,
      outbox: OUTBOX,
    }).run()
  } finally {
    await state.close()
    if (options.kcidb === '-') terminal.print(JSON.stringify(kcidbSubmission(rows)))
  }
}

async function pullFile(
  file: string,
  options: PullOptions,
  config: PullConfig,
  log: LabLog,
  terminal: Terminal,
): Promise<void> {
  const { job, board } = await readSingleJob(file, config, options.board)
  const name = job.nodeId ?? 'local'
  const note = (message: string) => log({ board: board.name, job: name, message })
  for (const [role, source] of Object.entries('files' in job ? job.files : {}))
    if (source) note(`${role}: ${showUrl(source.url)}`)
  for (const { id, type, timeoutSeconds } of job.tests) note(`test ${id}: ${type}, ${timeoutSeconds} s`)
  if (options.dryRun) return
  const started = new Date()
  const { signal } = terminal.io
  const run = await runSingleJob(job, board, {
    ...{ config, note, signal, logFile: options.log },
    runSession: runBoardSession,
  })
  const { outcome, session } = run
  terminal.exitCode = EXIT_CODES[outcome.result]
  const { result, errorMessage: error, tests, excerpt } = outcome
  const words = error === null ? result : `${result}: ${error}`
  log({ board: board.name, job: name, message: words, details: { result, tests, error, excerpt } })
  if (options.kcidb === undefined) return
  const facts = { nodeId: name, buildId: null, origin: config.kcidbOrigin, logUrl: null }
  const rows = kcidbRows({ ...facts, platform: board.platform, board: board.name, started, outcome, session })
  if (options.kcidb === '-') terminal.print(JSON.stringify(kcidbSubmission(rows)))
  else await writeKcidb(options.kcidb, rows)
}

const EXIT_CODES: Readonly<Record<JobOutcome['result'], number>> = { pass: 0, skip: 0, fail: 1, incomplete: 2 }

async function kcidbJob(
  { claimed, outcome, run, node }: EndedJob,
  config: PullConfig,
  api: KernelciApi,
): Promise<KcidbJob> {
  const build = node === null ? null : await api.buildOf(node).catch(() => null)
  const { nodeId, platform, board, started, logUrl } = claimed
  return {
    ...{ nodeId, platform, board, logUrl, outcome, session: run.session, origin: config.kcidbOrigin },
    buildId: build === null ? null : `${config.kcidbOrigin}:${build.id}`,
    started: new Date(started),
  }
}

/** All rows of this run; the file holds valid JSON at any time. */
async function writeKcidb(file: string, rows: readonly KcidbTest[]): Promise<void> {
  try {
    await writeFile(`${file}.tmp`, `${JSON.stringify(kcidbSubmission(rows), null, 2)}\n`)
    await rename(`${file}.tmp`, file)
  } catch (thrown) {
    throw fileError(file, thrown)
  }
}
