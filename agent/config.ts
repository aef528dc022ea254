/**
 * Every setting of the agent in one table, which serves the command line, the environment, the configuration file and
 * `--help`. A setting `fetchRetries` is the flag `--fetch-retries`, the variable `FAUXBOOT_FETCH_RETRIES` and
 * the key `"fetchRetries"` of the file. The command line overrides the environment, which overrides the file.
 */

import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { BootConfig } from './boot/pipeline/boot-deps.js'
import { fault } from './errors.js'
import type { HttpConfig } from './http/http-config.js'
import type { TftpConfig } from './tftp/tftp-config.js'
import type { UBootConfig } from './uboot/board/uboot-config.js'

/** How to read the value of a setting. */
interface Kind<T> {
  /** what a value must be, for messages and `--help` */
  readonly expects: string
  /** the value of a text (environment, command line) or of JSON (file); undefined if it is invalid */
  read(raw: unknown): T | undefined
}

interface Setting<T> {
  readonly kind: Kind<T>
  readonly default: T
  readonly doc: string
}

const setting = <T>(kind: Kind<T>, fallback: NoInfer<T>, doc: string): Setting<T> => ({ kind, default: fallback, doc })

const text: Kind<string> = {
  expects: 'a text',
  read: raw => (typeof raw === 'string' ? raw : undefined),
}

const flag: Kind<boolean> = {
  expects: 'true or false',
  read: raw => [true, false].find(value => value === raw || String(value) === raw),
}

const wholeNumber = (min: number, max: number): Kind<number> => ({
  expects: `a whole number from ${min} to ${max}`,
  read: raw => {
    const number = typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw
    return Number.isInteger(number) && Number(number) >= min && Number(number) <= max ? Number(number) : undefined
  },
})

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }

const byteCount: Kind<number> = {
  expects: 'a number of bytes, with K, M or G for powers of 1024: 64M',
  read: raw => {
    const [, digits, unit] = /^(\d{1,12})([KMG]?)$/.exec(String(raw)) ?? []
    return digits === undefined ? undefined : Number(digits) * (UNITS[unit ?? ''] ?? 1)
  },
}

const oneOf = <const T extends string>(...words: readonly T[]): Kind<T> => ({
  expects: `one of ${words.join(', ')}`,
  read: raw => words.find(word => word === raw),
})

const listOf = (expects: string, isItem: (item: string) => boolean): Kind<readonly string[]> => ({
  expects: `${expects}; several with commas between them, in the file as an array`,
  read: raw => {
    const items: unknown = typeof raw === 'string' ? raw.split(',').map(item => item.trim()) : raw
    if (!Array.isArray(items)) return undefined
    const wanted = items.filter(item => item !== '')
    return wanted.every(item => typeof item === 'string' && isItem(item)) ? wanted : undefined
  },
})

/** `10.0.2.0/24`, `fd00::/8`; RFC 4632 section 3.1. */
function isNetwork(item: string): boolean {
  const [, address, prefix] = /^([0-9A-Fa-f.:]+)\/(\d{1,3})$/.exec(item) ?? []
  if (address === undefined) return false
  return Number(prefix) <= ({ 4: 32, 6: 128 }[isIP(address)] ?? -1)
}

/** RFC 1123 section 2.1, without the dot at the end. */
const isHostName = (item: string): boolean => /^[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/.test(item)

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** The table. */
const SETTINGS = {
  host: setting(text, '', 'address to listen on; none means every IPv6 and IPv4 address'),
  port: setting(wholeNumber(0, 65535), 8080, 'TCP port to listen on; 0 takes any free one'),
  logLevel: setting(oneOf(...LOG_LEVELS), 'info', 'the least severe messages to log'),

  tokenFile: setting(text, '', 'file with the bearer token for changes; read again at every request that needs it'),
  tokenForReads: setting(
    flag,
    false,
    'require the token for reading too, except for /healthz and the page that asks for it',
  ),
  allowNetworks: setting(
    listOf('a network such as 10.0.2.0/24', isNetwork),
    [],
    'networks that may make changes, as loopback may, while no token is configured',
  ),
  hostNames: setting(
    listOf('a host name such as a80.lab', isHostName),
    [],
    'names of the board that may be used for changes, as its addresses and localhost may, while no token is configured',
  ),
  maxConnections: setting(
    wholeNumber(1, 10000),
    128,
    'connections at a time; one more takes the place of a client that may change nothing',
  ),
  idleSeconds: setting(wholeNumber(1, 3600), 60, 'seconds without a byte after which a connection is closed'),
  headSeconds: setting(wholeNumber(1, 3600), 20, 'seconds in which the head of a request must arrive'),
  heartbeatSeconds: setting(wholeNumber(1, 3600), 15, 'seconds between comments in a quiet stream of events'),
  jobBodyLimit: setting(byteCount, 1024 ** 2, 'largest job description, without its files'),

  artifactDir: setting(text, '/run/fauxboot/artifacts', 'tmpfs directory for kernels, ramdisks and device trees'),
  stateDir: setting(text, '/run/fauxboot/state', 'directory for the records of jobs'),
  keptJobs: setting(wholeNumber(1, 10000), 50, 'ended jobs to remember'),
  maxQueued: setting(wholeNumber(0, 1000), 8, 'jobs that may wait for the board'),
  memoryReserve: setting(byteCount, 64 * 1024 ** 2, 'bytes of available memory that artifacts may not use'),
  targetConsole: setting(text, '', "the target's console, for jobs that name none (LAVA, KernelCI): ttyS0,115200n8"),
  kernelArgs: setting(text, '', 'further kernel arguments for LAVA and KernelCI jobs'),
  earlycon: setting(flag, false, 'add earlycon to the command line of each job that does not set it itself'),
  keepLinksUp: setting(
    listOf('a network interface, or *', item => /^(\*|[^\s/,]{1,15})$/.test(item)),
    [],
    'network interfaces to leave up during the jump',
  ),
  watchdog: setting(
    wholeNumber(0, 3600),
    0,
    'seconds that a target has to take over the watchdog before it resets the board, for jobs that do not say; 0: no watchdog',
  ),
  lastWords: setting(
    flag,
    false,
    "keep the messages of targets whose kernel has ramoops, over a reset; the first stage's device tree must reserve memory for them",
  ),
  jumpNoticeMs: setting(
    wholeNumber(0, 10000),
    200,
    'milliseconds between telling clients about the jump and taking links down',
  ),
  fetchStallSeconds: setting(
    wholeNumber(1, 3600),
    30,
    'seconds without a byte after which a download counts as stalled',
  ),
  fetchRetries: setting(wholeNumber(0, 100), 5, 'attempts at a download after the first'),
  fetchMaxRedirects: setting(wholeNumber(0, 50), 10, 'redirects to follow for one download'),

  tftpPort: setting(wholeNumber(0, 65535), 0, 'UDP port for jobs over TFTP, usually 69; 0: none'),
  tftpHost: setting(text, '', 'address of that port; none means every IPv6 and IPv4 address'),
  tftpPeers: setting(
    listOf('a network such as 10.0.2.0/24', isNetwork),
    [],
    'networks that may push jobs over TFTP and read their state, as loopback may; TFTP has no tokens',
  ),

  ubootSerial: setting(text, '', 'serial line of the fake U-Boot: /dev/ttyS0'),
  ubootTelnetHost: setting(text, '127.0.0.1', 'address of the telnet port, which asks for no password'),
  ubootTelnetPort: setting(wholeNumber(0, 65535), 0, 'TCP port of the fake U-Boot, for telnet; 0: none'),
  ubootDir: setting(text, '/run/fauxboot/uboot', 'tmpfs directory for the memory that U-Boot commands address'),
  ubootEnvironment: setting(
    text,
    '',
    'a fw_env.config that says where saveenv writes; without one the environment lasts until power-off',
  ),
  linkSeconds: setting(
    wholeNumber(0, 3600),
    60,
    "seconds that the fake U-Boot's network commands wait for a carrier, as U-Boot waits for its PHY",
  ),
  bootDelay: setting(wholeNumber(0, 3600), 2, 'seconds of the autoboot countdown'),
  autobootText: setting(text, 'Hit any key to stop autoboot', 'words before the countdown'),
  autobootPlain: setting(
    flag,
    false,
    "a countdown of plain text, 2 1 0, for logs: U-Boot's own redraws its line with escape sequences",
  ),
  ubootIdentity: setting(text, '', 'words after the version in the banner'),
} as const

type SettingName = keyof typeof SETTINGS
type Settings = { -readonly [K in SettingName]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never }

/** Read if it exists; a file named by `--config` or FAUXBOOT_CONFIG must exist. */
export const CONFIG_FILE = '/etc/fauxboot/agent.json'

/** The settings, grouped by the part of the agent that uses them. */
export interface Config {
  readonly listen: { readonly host: string; readonly port: number }
  readonly logLevel: (typeof LOG_LEVELS)[number]
  readonly http: HttpConfig
  readonly boot: BootConfig
  readonly tftp: TftpConfig
  readonly uboot: UBootConfig
}

const NAMES = Object.keys(SETTINGS) as SettingName[]
const dashed = (name: string): string => name.replace(/[A-Z]/g, capital => `-${capital.toLowerCase()}`)
const flagOf = (name: string): string => `--${dashed(name)}`
const variableOf = (name: string): string => `FAUXBOOT_${dashed(name).replaceAll('-', '_').toUpperCase()}`
const isName = (name: string): name is SettingName => Object.hasOwn(SETTINGS, name)

/**
 * Read every setting.
 *
 * @param env the environment
 * @param argv the command line's flags, without node and the script: `--port 80`, `--port=80`, `--token-for-reads`
 * @throws CONFIG_INVALID with the setting as the user wrote it, what it must be, and what it is
 */
export function loadConfig(env: NodeJS.ProcessEnv, argv: readonly string[]): Config {
  const flags = readFlags(argv)
  const settings = defaults()
  setAll(settings, readFile(flags.get('config') ?? env.FAUXBOOT_CONFIG))
  for (const name of NAMES) {
    const raw = env[variableOf(name)]
    if (raw !== undefined) set(settings, name, variableOf(name), raw)
  }
  for (const [name, raw] of flags) {
    if (isName(name)) set(settings, name, flagOf(name), raw)
  }
  return grouped(settings)
}

/**
 * Check the settings of a configuration file before a board gets it.
 *
 * @param content the object that the file holds
 * @throws CONFIG_INVALID as {@link loadConfig} would on the board
 */
export function checkSettings(content: object): void {
  setAll(defaults(), content)
}

/** The defaults but for some changes, whatever this machine's settings are. */
export function defaultConfig(changes: Partial<Settings>): Config {
  return grouped({ ...defaults(), ...changes })
}

function defaults(): Settings {
  return Object.fromEntries(NAMES.map(name => [name, SETTINGS[name].default])) as Settings
}

/** Store what a file holds. */
function setAll(settings: Settings, content: object): void {
  for (const [name, raw] of Object.entries(content)) {
    if (!isName(name)) throw fault('CONFIG_INVALID', { name, reason: 'no setting has this name', found: shown(raw) })
    set(settings, name, name, raw)
  }
}

/** Store one value. `as` is the name that the user wrote. */
function set<K extends SettingName>(settings: Settings, name: K, as: string, raw: unknown): void {
  const { kind } = SETTINGS[name] as unknown as Setting<Settings[K]>
  const value = kind.read(raw)
  if (value === undefined) {
    throw fault('CONFIG_INVALID', { name: as, reason: `expected ${kind.expects}`, found: shown(raw) })
  }
  settings[name] = value
}

const shown = (raw: unknown): string => JSON.stringify(raw) ?? String(raw)

function readFile(named: string | undefined): object {
  const file = named ?? CONFIG_FILE
  const wrong = (reason: string, cause?: unknown) =>
    fault('CONFIG_INVALID', { name: 'config', reason, found: file }, cause)
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException
    if (named === undefined && code === 'ENOENT') return {}
    throw wrong(`the file cannot be read: ${message}`, thrown)
  }
  try {
    const value: unknown = JSON.parse(content)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch (thrown) {
    throw wrong(`the file is not JSON: ${(thrown as SyntaxError).message}`, thrown)
  }
  throw wrong('the file must hold a JSON object, {"port": 80}')
}

/** Flags by the names of their settings; only `config` is not a setting. */
function readFlags(argv: readonly string[]): Map<string, string> {
  const byFlag = new Map(['config', ...NAMES].map(name => [flagOf(name), name]))
  const flags = new Map<string, string>()
  for (let i = 0; i < argv.length; i++) {
    const [, word = '', joined] = /^([^=]*)(?:=(.*))?$/s.exec(argv[i] ?? '') ?? []
    const name = byFlag.get(word)
    if (name === undefined) {
      throw fault('CONFIG_INVALID', { name: word, reason: 'there is no such flag', found: shown(argv[i]) })
    }
    const isFlag = isName(name) && SETTINGS[name].kind === flag
    const value = joined ?? (isFlag ? 'true' : argv[++i])
    if (value === undefined) throw fault('CONFIG_INVALID', { name: word, reason: 'it needs a value', found: 'none' })
    flags.set(name, value)
  }
  return flags
}

/** The settings as each part of the agent expects them. */
function grouped(settings: Settings): Config {
  const { host, port, logLevel, tokenFile, fetchStallSeconds, fetchRetries, fetchMaxRedirects, ...rest } = settings
  const lab = { console: rest.targetConsole, kernelArgs: rest.kernelArgs }
  const serial = rest.ubootSerial === '' ? null : rest.ubootSerial
  return {
    listen: { host, port },
    logLevel,
    http: {
      tokenFile: tokenFile === '' ? null : tokenFile,
      tokenForReads: rest.tokenForReads,
      allowNetworks: rest.allowNetworks,
      hostNames: rest.hostNames.map(name => name.toLowerCase()),
      maxConnections: rest.maxConnections,
      idleSeconds: rest.idleSeconds,
      headSeconds: rest.headSeconds,
      heartbeatSeconds: rest.heartbeatSeconds,
      jobBodyLimit: rest.jobBodyLimit,
      lab,
    },
    boot: {
      artifactDir: rest.artifactDir,
      stateDir: rest.stateDir,
      keptJobs: rest.keptJobs,
      maxQueued: rest.maxQueued,
      memoryReserve: rest.memoryReserve,
      console: rest.targetConsole,
      kernelArgs: rest.kernelArgs,
      earlycon: rest.earlycon,
      serial,
      keepLinksUp: rest.keepLinksUp,
      watchdog: rest.watchdog,
      lastWords: rest.lastWords,
      jumpNoticeMs: rest.jumpNoticeMs,
      fetch: { stallSeconds: fetchStallSeconds, retries: fetchRetries, maxRedirects: fetchMaxRedirects },
    },
    tftp: {
      listen: rest.tftpPort === 0 ? null : { host: rest.tftpHost, port: rest.tftpPort },
      peers: rest.tftpPeers,
      descriptionLimit: rest.jobBodyLimit,
      lab,
    },
    uboot: {
      serial,
      tcp: rest.ubootTelnetPort === 0 ? null : { host: rest.ubootTelnetHost, port: rest.ubootTelnetPort },
      directory: rest.ubootDir,
      environment: rest.ubootEnvironment === '' ? null : rest.ubootEnvironment,
      linkSeconds: rest.linkSeconds,
      bootDelay: rest.bootDelay,
      autobootText: rest.autobootText,
      autobootPlain: rest.autobootPlain,
      identity: rest.ubootIdentity,
      console: rest.targetConsole,
    },
  }
}

/** A row of the table, for documents. */
export interface SettingRow {
  readonly flag: string
  readonly variable: string
  /** in the configuration file */
  readonly key: string
  readonly doc: string
  readonly expects: string
  /** as text; `none` if it is empty */
  readonly fallback: string
}

/** The table. */
export function settingRows(): SettingRow[] {
  return NAMES.map(key => {
    const { kind, doc, default: fallback } = SETTINGS[key]
    const value = typeof fallback === 'object' ? fallback.join(',') : String(fallback)
    return { flag: flagOf(key), variable: variableOf(key), key, doc, expects: kind.expects, fallback: value || 'none' }
  })
}

/** The table as text, for `--help`. */
export function describeSettings(): string {
  const rows = settingRows().map(({ flag, variable, key, doc, expects, fallback }) =>
    [`  ${flag}  (${variable}, "${key}")`, `      ${doc}`, `      ${expects}; default: ${fallback}`].join('\n'),
  )
  return [
    `Settings, as flag (environment variable, key of the configuration file). Flags override the environment, which`,
    `overrides the file. The file is ${CONFIG_FILE}, or what --config FILE or FAUXBOOT_CONFIG names.`,
    '',
    ...rows,
  ].join('\n')
}
