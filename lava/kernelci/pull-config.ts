/** The settings of a pull lab: a YAML file, checked completely at the start. Tokens are in files of their own. */

import { dirname, resolve } from 'node:path'
import Type, { type Static } from 'typebox'
import { type FauxbootError, fault } from '../../agent/errors.js'
import { parseYaml } from '../../agent/yaml.js'
import { readInput } from '../client/local-file.js'
import { readToken } from '../client/token-file.js'
import type { NfsSettings } from '../rootfs/nfs-root.js'
import { checkValue, shown } from '../schema/schema-check.js'

const CONFIG_LIMIT = 1024 * 1024
/** 256 boards, which may share a login or a relay by aliases. */
const YAML_LIMITS = { pieces: 20_000, aliases: 256 }
const strict = { additionalProperties: false } as const

const Text = (description: string, pattern = '^[^\\x00-\\x1f\\x7f]{1,1000}$') => Type.String({ pattern, description })
const Url = Text('an http or https URL without a password', '^https?://[^\\s/@?#]+[^\\s@]*$')
const Name = Text('a name of letters, digits, ".", "_" and "-"', '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$')
const File = Text('the path of a file')
const Command = Text('a command of one line for the shell')
const Regex = Text('a regular expression')
const WholeNumber = (minimum: number, maximum: number, unit: string) =>
  Type.Integer({ minimum, maximum, description: `a whole number of ${unit} from ${minimum} to ${maximum}` })

/** Commands for the target's shell; a job's own have the same limits. */
export const ShellCommands = Type.Array(Text('a command of one line', '^[^\\x00-\\x1f\\x7f]{1,1000}$'), {
  maxItems: 100,
  description: 'a list of at most 100 commands',
})

const BoardSchema = Type.Object(
  {
    name: Name,
    /** `node.data.platform` of the jobs that it runs */
    platform: Name,
    /** the agent's API */
    agent: Url,
    agentTokenFile: Type.Optional(File),
    console: Text('the URL of a console such as telnet://host:7001, or a serial device'),
    power: Type.Optional(
      Type.Object(
        { on: Type.Optional(Command), off: Type.Optional(Command), reset: Type.Optional(Command) },
        { ...strict, description: 'commands that switch the board: on, off, reset' },
      ),
    ),
    /** command line of the kernel */
    cmdline: Text('the command line of the kernel'),
    /** a console line that ends the boot; by default a login prompt or a shell prompt */
    until: Type.Optional(Regex),
    login: Type.Optional(
      Type.Object(
        { user: Name, password: Type.Optional(Text('a text of one line')) },
        { ...strict, description: 'user and password of the target' },
      ),
    ),
    agentSeconds: Type.Optional(WholeNumber(1, 3600, 'seconds')),
    silenceSeconds: Type.Optional(WholeNumber(1, 3600, 'seconds')),
  },
  { ...strict, description: 'a board' },
)

const ConfigSchema = Type.Object(
  {
    api: Type.Object(
      {
        url: Url,
        tokenFile: File,
        pollSeconds: Type.Optional(WholeNumber(1, 3600, 'seconds')),
        requestSeconds: Type.Optional(WholeNumber(1, 600, 'seconds')),
        jobState: Type.Optional(Text('a state of a node', '^[a-z_]{1,32}$')),
      },
      { ...strict, description: 'where KernelCI is' },
    ),
    /** what the receiver of LAVA's callbacks expects of this lab, for LAVA pull labs */
    callbackTokenFile: Type.Optional(File),
    /** `node.data.runtime` of the jobs that are this lab's */
    runtime: Name,
    stateDir: File,
    storage: Type.Optional(
      Type.Object(
        {
          url: Url,
          tokenFile: File,
          path: Text('a path without a slash at its ends', '^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$'),
          publicUrl: Type.Optional(Url),
        },
        { ...strict, description: 'where logs are uploaded to' },
      ),
    ),
    /** how this machine serves root file systems that are too large for a ramdisk */
    nfs: Type.Optional(
      Type.Object(
        {
          root: Text('an absolute path of letters, digits, ".", "_", "-" and "/"', '^(/[A-Za-z0-9._-]+)+$'),
          address: Text('an IPv4 address', '^[0-9]{1,3}([.][0-9]{1,3}){3}$'),
          options: Type.Optional(Text('mount options without blanks', '^[A-Za-z0-9_=.,-]{1,200}$')),
        },
        { ...strict, description: 'root, address and perhaps options' },
      ),
    ),
    kcidb: Type.Optional(Type.Object({ origin: Text('a name of a-z, 0-9 and "_"', '^[a-z0-9_]{1,64}$') }, strict)),
    artifactMiB: Type.Optional(WholeNumber(1, 65536, 'MiB')),
    jobMinutes: Type.Optional(WholeNumber(1, 1440, 'minutes')),
    /** what a test type of this lab runs on the target */
    shellTests: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }), ShellCommands),
    ),
    boards: Type.Array(BoardSchema, { minItems: 1, maxItems: 256, description: 'a list of 1 to 256 boards' }),
  },
  { ...strict, description: 'settings' },
)

type ConfigFile = Static<typeof ConfigSchema>

type BoardFile = ConfigFile['boards'][number]

export interface PullBoardConfig extends Readonly<Omit<BoardFile, 'until' | 'agentSeconds' | 'silenceSeconds'>> {
  readonly until: RegExp
  /** how long the agent gets to answer after power-on */
  readonly agentSeconds: number
  /** how long a booting target may say nothing */
  readonly silenceSeconds: number
}

/** `login: `, and the prompts of common shells: `/ # `, `~ # `, `root@board:~# `, `[root@board ~]# `. */
const PROMPT = /(login:|^(\S+@\S+|\[\S+@\S+ \S+\]|[/~]\S* ?)[#$]) ?$/

/** Settings as they are used: paths absolute, defaults filled in. */
export interface PullConfig {
  readonly api: Required<ConfigFile['api']>
  readonly runtime: string
  readonly stateDir: string
  readonly callbackTokenFile: string | null
  readonly storage: Required<NonNullable<ConfigFile['storage']>> | null
  readonly nfs: NfsSettings | null
  readonly kcidbOrigin: string
  /** most bytes of one artifact */
  readonly artifactLimit: number
  /** how long one job may take, from the claim on */
  readonly jobSeconds: number
  readonly shellTests: Readonly<Record<string, readonly string[]>>
  readonly boards: readonly PullBoardConfig[]
}

/**
 * Read the settings. Paths in the file are relative to the file.
 *
 * @throws CLI_FILE if it cannot be read, PULL_CONFIG with the path and the wrong value
 */
export async function readPullConfig(file: string): Promise<PullConfig> {
  return parsePullConfig(Buffer.from(await readInput(file, CONFIG_LIMIT)).toString('utf8'), file)
}

/** As `readPullConfig`, of a text. */
export function parsePullConfig(text: string, file: string): PullConfig {
  const config = checkValue(ConfigSchema, readYaml(text, file), ({ where, reason, found }) =>
    refusal(file, where === '' ? 'the file' : where, reason, found),
  )
  const path = (relative: string): string => resolve(dirname(file), relative)
  const { api, storage, boards } = config
  checkUnique(config, file)
  return {
    api: { pollSeconds: 30, requestSeconds: 60, jobState: 'available', ...api, tokenFile: path(api.tokenFile) },
    runtime: config.runtime,
    stateDir: path(config.stateDir),
    callbackTokenFile: config.callbackTokenFile === undefined ? null : path(config.callbackTokenFile),
    storage: storage === undefined ? null : { publicUrl: storage.url, ...storage, tokenFile: path(storage.tokenFile) },
    nfs: config.nfs ?? null,
    kcidbOrigin: config.kcidb?.origin ?? 'maestro',
    artifactLimit: (config.artifactMiB ?? 1024) * 1024 ** 2,
    jobSeconds: (config.jobMinutes ?? 60) * 60,
    shellTests: config.shellTests ?? {},
    boards: boards.map((board, index) => ({
      ...board,
      ...(board.agentTokenFile !== undefined && { agentTokenFile: path(board.agentTokenFile) }),
      agentSeconds: board.agentSeconds ?? 180,
      silenceSeconds: board.silenceSeconds ?? 120,
      until: board.until === undefined ? PROMPT : regex(board.until, `boards[${index}].until`, file),
    })),
  }
}

/** @returns the files with tokens, in the order in which they are named: `--check-config` reads each */
export function tokenFilesOf({ api, storage, callbackTokenFile, boards }: PullConfig): string[] {
  const files = [api.tokenFile, storage?.tokenFile, callbackTokenFile, ...boards.map(board => board.agentTokenFile)]
  return [...new Set(files.filter(file => typeof file === 'string'))]
}

/** Read every token once, so that a missing one is reported at the start and not after the first boot. @throws CLI_FILE */
export async function checkTokens(config: PullConfig): Promise<void> {
  for (const file of tokenFilesOf(config)) await readToken(file)
}

function readYaml(text: string, file: string): unknown {
  return parseYaml(text, YAML_LIMITS, ({ reason, line }) =>
    refusal(file, line === null ? 'the file' : `line ${line}`, 'is not YAML', reason),
  )
}

/** Two boards on one console would ruin each other's jobs. */
function checkUnique({ boards }: ConfigFile, file: string): void {
  for (const field of ['name', 'console', 'agent'] as const) {
    const seen = new Map<string, number>()
    for (const [index, board] of boards.entries()) {
      const first = seen.get(board[field])
      if (first !== undefined) {
        const where = `boards[${index}].${field}`
        throw refusal(file, where, `must not be that of boards[${first}]`, shown(board[field]))
      }
      seen.set(board[field], index)
    }
  }
}

function regex(text: string, where: string, file: string): RegExp {
  try {
    return new RegExp(text, 'm')
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown
    throw refusal(file, where, 'must be a regular expression', shown(text))
  }
}

function refusal(file: string, where: string, reason: string, found: string): FauxbootError {
  return fault('PULL_CONFIG', { file, where, reason, found })
}
