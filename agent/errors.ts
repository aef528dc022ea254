/**
 * The one table of errors. Every code reaches the user in three ways: as text on a console, as JSON over HTTP and as
 * the exit code of the command line. The documents list the same codes; a test holds both together.
 *
 * This file knows nobody and everybody may import it.
 */

/** One row: what people read, the HTTP status, the exit code of `fauxboot`, and U-Boot's own words if any. */
interface ErrorRow {
  /** what is wrong */
  readonly problem: string
  /** what to do about it; null where the problem says it, or nothing can be done */
  readonly remedy: string | null
  readonly status: number
  readonly exit: number
  readonly uboot?: string
}

const row = <const P extends string, const R extends string | null>(
  problem: P,
  remedy: R,
  status: number,
  exit: number,
  uboot?: string,
) => ({ problem, remedy, status, exit, uboot }) as const

/** `{name}` stands for a field that the thrower must give; the compiler checks that it does. */
export const ERRORS = {
  // File formats: what was read, where, what was expected, what was found.
  FORMAT_TRUNCATED: row(
    '{what} is truncated at {where}: expected {expected}, found {found}',
    'copy the file again, whole',
    422,
    1,
  ),
  FORMAT_MAGIC: row(
    '{what} has the wrong magic at {where}: expected {expected}, found {found}',
    'check that it is the file that you mean',
    422,
    1,
    'Bad magic!',
  ),
  FORMAT_VALUE: row(
    '{what} is malformed at {where}: expected {expected}, found {found}',
    'make the file again, or copy it again',
    422,
    1,
  ),
  FORMAT_CRC: row(
    '{what} is corrupt: CRC at {where} is {expected}, computed {found}',
    'copy the file again',
    422,
    1,
    'Bad Data CRC',
  ),
  FORMAT_UNSUPPORTED: row('{what} at {where} uses {found}, which is not supported', 'supported: {expected}', 422, 1),
  FORMAT_TOO_LARGE: row('{what} unpacks to more than {limit} bytes', 'raise the limit or send a smaller file', 413, 1),
  PROGRAM_MISSING: row('the program {program} cannot be started: {reason}', 'install it (Debian: {package})', 500, 1),
  DECOMPRESS_FAILED: row(
    '{what} cannot be decompressed as {format}: {reason}',
    'pack the file again, or copy it again',
    422,
    1,
  ),
  // U-Boot's own words, `call` with the colon or word that it prints after the name.
  FDT_EDIT: row('libfdt {call} {error}', null, 422, 1),
  FDT_OVERLAY: row(
    'device tree overlay {what} cannot be applied at {where}: {reason}',
    'compare the overlay with the device tree that it is for',
    422,
    1,
  ),
  FDT_OVERLAY_BASE: row(
    'device tree overlay {what} cannot be applied at {where}: the base has no {missing}',
    'take a base that has it and was compiled with `dtc -@`',
    422,
    1,
  ),

  // Memory map and plan.
  MAP_SYNTAX: row('memory map {what}: cannot read {found} at line {line}; expected {expected}', null, 422, 1),
  MAP_RANGE: row(
    'memory map {what}: the range {found} ends before it starts',
    'give its first address, then its last',
    422,
    1,
  ),
  MAP_ZEROS: row(
    'memory map {what} holds only zero addresses: the kernel hides them without CAP_SYS_ADMIN',
    'read it as root',
    500,
    1,
  ),
  MAP_EMPTY: row('memory map {what} has no System RAM', "read the board's /proc/iomem as root, or give --ram", 422, 1),
  PLAN_REFUSED: row(
    'the plan is not survivable: {finding}',
    'change the files or the command line; `fauxboot plan` tries them without a board',
    422,
    2,
  ),
  PLAN_INPUT: row('cannot plan: {reason}', 'change the files or options of the job', 422, 1),

  // The kexec system calls.
  KEXEC_ARGUMENT: row('{call}: {reason}', 'if it happens again, report it with the log of the job', 500, 1),
  KEXEC_SYSCALL: row('{call} failed: {errname} ({errno}), {reason}', null, 500, 1),
  KEXEC_ADDON: row('the native addon cannot be loaded: {reason}', 'build it with `npm run build:native`', 501, 1),

  // Bytes from somewhere.
  FETCH_PROTOCOL: row('{url}: cannot fetch {protocol}', 'supported: http, https', 422, 1),
  FETCH_STATUS: row(
    '{url}: the server answered {status} {reason}',
    'check the URL and its server',
    502,
    2,
    'File not found',
  ),
  FETCH_NETWORK: row(
    '{url}: {reason}',
    'check the address, its server and the network',
    502,
    2,
    'Retry count exceeded',
  ),
  FETCH_CLOCK: row(
    "{url}: the board's clock reads {clock}, and the certificate of {host} is not yet valid",
    'set the clock: with a time server (NTP) that the DHCP lease names',
    502,
    2,
  ),
  FETCH_STALLED: row(
    '{url}: no data for {seconds} s after {received} bytes',
    'check the server and the network',
    504,
    2,
    'Retry count exceeded',
  ),
  FETCH_REDIRECTS: row('{url}: more than {limit} redirects', 'give the URL to which they lead', 502, 2),
  FETCH_RANGE: row(
    '{url}: the file changed while it was fetched: {reason}',
    'fetch it again when it no longer changes',
    502,
    2,
  ),
  VERIFY_SIZE: row(
    '{what}: expected {expected} bytes, found {found}',
    'copy the file again, or correct the size',
    422,
    1,
  ),
  VERIFY_SHA256: row(
    '{what}: expected sha256 {expected}, found {found}',
    'copy the file again, or correct the digest',
    422,
    1,
  ),

  // Transfers over TFTP.
  TFTP_REFUSED: row(
    "{what}: the server answered '{text}' ({number})",
    "check the file's name, and what the server allows",
    502,
    2,
    'TFTP error',
  ),
  TFTP_TIMEOUT: row(
    '{what}: no answer after {attempts} attempts, {received} bytes are here',
    'check that the server runs, and that no firewall drops its packets',
    504,
    2,
    'Retry count exceeded',
  ),
  TFTP_PROTOCOL: row('{what}: {reason}', "check the server's name, port and log", 502, 2, 'TFTP error'),

  // The fake U-Boot.
  UBOOT_SHELL_LIMIT: row('the shell gave up: more than {limit} {what}', 'shorten the script', 422, 1),
  UBOOT_MEMORY: row('{size} bytes at {address} are not DRAM', 'DRAM is {dram}', 422, 1, 'data abort'),
  CONSOLE_LINE: row(
    'the console {path} cannot be used: {reason}',
    'check that it exists, and that no other program uses it',
    500,
    1,
  ),
  CONSOLE_ABSENT: row(
    'the board has no U-Boot on a serial line',
    'the setting ubootSerial names the line, and the log of the agent says why it is not used',
    404,
    1,
  ),
  BOARD_POWER: row('the board cannot be {action}: {reason}', 'switch its power', 500, 2),
  UBOOT_MEMORY_FULL: row(
    'no room for {size} bytes at {address}: {limit} bytes are left',
    'delete artifacts, or reset',
    507,
    1,
    'TFTP error: trying to overwrite reserved memory...',
  ),
  UBOOT_ENVIRONMENT: row('{what}: {reason}', 'check its size, and the fw_env.config that places it', 500, 1),
  UBOOT_ENVIRONMENT_CONFIG: row('{file}: {reason}', 'it has to be a fw_env.config: where saveenv writes', 500, 1),
  UBOOT_OVERLAP: row(
    "'{name}' at {from}-{to} would be overwritten",
    'load to another address',
    422,
    1,
    'TFTP error: trying to overwrite reserved memory...',
  ),

  // Artifacts kept on the board.
  ARTIFACT_NAME: row(
    'artifact name {name} is not valid',
    'use 1 to 128 of A-Z a-z 0-9 . _ -, not starting with a dot, not ending in .partial',
    400,
    1,
  ),
  ARTIFACT_UNKNOWN: row('there is no artifact {name}', '`fauxboot artifacts` lists what there is', 404, 1),
  ARTIFACT_BUSY: row('artifact {name} is {reason}', 'finish that first, or cancel it', 409, 1),
  ARTIFACT_RANGE: row(
    'artifact {name}: Content-Range {found} does not follow the {received} bytes received',
    'continue at byte {received}',
    416,
    1,
  ),
  ARTIFACT_INCOMPLETE: row(
    'artifact {name}: the upload broke off after {received} bytes: {reason}',
    'send the rest with Content-Range, or all of it again',
    400,
    2,
  ),
  ARTIFACT_TOO_LARGE: row('{what}: {size} bytes exceed the limit of {limit} bytes', '{remedy}', 413, 1),

  // Jobs.
  JOB_INVALID: row('the job is not valid: {where} {reason}', "the board's /docs lists what a job may have", 400, 1),
  JOB_MEDIA_TYPE: row('cannot read a job of type {found}', 'supported: {expected}', 415, 1),
  JOB_UNKNOWN: row('there is no job {id}', '`fauxboot status` lists the jobs', 404, 1),
  JOB_BUSY: row('the board is busy with job {owner}', 'wait, cancel it, or set options.queue', 409, 1),
  JOB_ENDED: row('job {id} has ended: it is {state}', '`fauxboot log {id}` says how', 409, 1),
  JOB_CANCELLED: row('job {id} was cancelled while {state}', null, 409, 1),
  JOB_INTERRUPTED: row('job {id} was {state} when the agent stopped', 'submit it again', 500, 2),
  JOB_TARGET_PANIC: row(
    "job {id}: its target's kernel panicked: {reason}",
    '`fauxboot log {id}` has its last words',
    500,
    2,
  ),
  JOB_NO_PLAN: row('job {id} has no plan: it is {state}', '`fauxboot log {id}` says how far it came', 404, 1),
  JUMP_RETURNED: row('job {id}: the jump came back: {reason}', 'reset the board before the next job', 500, 2),

  // Updates of the first stage.
  CARD_ABSENT: row(
    'the first stage cannot be updated: {reason}',
    'write the sd.img of `fauxboot image` to the SD card once, and start the board from it',
    409,
    1,
  ),
  CARD_FAILED: row('the SD card cannot be {action}: {reason}', 'try again, then with another card', 500, 2),
  UPDATE_BUSY: row('an update is being written to the SD card', 'wait until that has ended', 409, 1),
  UPDATE_REFUSED: row('the image is refused: {reason}', '{remedy}', 422, 1),
  UPDATE_UNCONFIRMED: row(
    'there is nothing to confirm: {reason}',
    'send the update with `fauxboot update --image`',
    409,
    1,
  ),
  UPDATE_REVERTED: row(
    'the board runs its old first stage again: {reason}',
    'read its serial console while it starts, then send the update again',
    502,
    2,
  ),

  // Jobs pushed over TFTP.
  PUSH_PEER: row('{address} may not push jobs here', 'list its network in tftpPeers', 403, 1),
  PUSH_NAME: row("'{name}' cannot be written", 'NAME/FILE can, with FILE one of {known}', 403, 1),
  PUSH_UNKNOWN: row("there is no '{name}' to read", 'NAME/FILE is there, with FILE one of {known}', 404, 1),

  // Who may do what.
  AUTH_REQUIRED: row(
    'a bearer token is required',
    'send the header `Authorization: Bearer TOKEN`, or give `--token-file` to fauxboot',
    401,
    1,
  ),
  AUTH_TOKEN: row(
    'the bearer token is not the one that this board knows',
    'use the `--token-file` with which its image was made',
    401,
    1,
  ),
  AUTH_ORIGIN: row('a page of {origin} may not change anything on {host}', 'send the request without Origin', 403, 1),
  AUTH_HOST: row(
    "no token is configured, so only requests to the board's address or to a name in hostNames may change anything, not to '{host}'",
    "use the board's address, or add the name to hostNames",
    403,
    1,
  ),
  AUTH_LOOPBACK: row('no token is configured, so only loopback may change anything', '{remedy}', 403, 1),

  // The agent's settings and the lab's command line.
  CONFIG_INVALID: row('setting {name}: {reason}, found {found}', '`--help` lists the settings', 500, 1),
  CLI_USAGE: row('{reason}', 'see `{command} --help`', 400, 1),
  CLI_FILE: row('{file}: {reason}', null, 400, 1),
  BOARD_UNREACHABLE: row('{url}: {reason}', 'check the address, and that the board is on and its agent runs', 502, 2),
  BOARD_ANSWER: row(
    '{url}: unexpected answer: {reason}',
    'check that a fauxboot of this version answers there',
    502,
    2,
  ),
  CONSOLE_GONE: row('console {console}: {reason}', 'check its address and cable, and close what else uses it', 502, 2),
  CONSOLE_SILENT: row(
    '{console}: waited {seconds} s for {expected}; its last words: {found}',
    'check power and cable, or allow more time',
    504,
    2,
  ),
  BOOT_TYPED: row("the boot loader answers '{line}' with {found}", "the console's log shows what came before", 502, 1),
  POWER_COMMAND: row('power {action}: `{command}` {reason}', 'try the command by hand', 502, 2),
  HTTP_REQUEST: row('{reason}', '/docs shows what can be asked', 400, 1),
  HTTP_PIPELINE: row('more than {limit} requests wait on one connection', 'read their answers first', 429, 1),
  HTTP_TRANSFER_CODING: row('the transfer coding {found} is not supported', 'supported: chunked', 501, 1),
  HTTP_BUSY: row('{limit} documents are being sent already', 'ask again later', 503, 2),
  HTTP_TIMEOUT: row('the head of the request did not arrive in time', 'send it at once, or raise headSeconds', 408, 2),
  HTTP_ROUTE: row('there is no {method} {path}', '/docs lists what there is', 404, 1),
  INTERNAL: row('internal error while {doing}: {reason}', 'if it happens again, report it with the log', 500, 2),

  // The pull lab: its settings, KernelCI's API, the jobs that it has claimed.
  PULL_CONFIG: row('{file}: {where} {reason}, found {found}', 'lava/kernelci/lab.yaml shows every setting', 400, 1),
  PULL_STATE: row('state directory {directory}: {reason}', 'use another directory, or repair this one', 500, 2),
  PULL_NFS: row('NFS folder {directory}: {reason}', 'mend that, or leave nfs out of the settings', 500, 2),
  PULL_API: row(
    '{url}: the API answered {status}: {reason}',
    'check the URL, the token, and the state of the server',
    502,
    2,
  ),
  PULL_TOKEN: row(
    '{url}: the token of {user} may not edit nodes of {runtime}',
    'KernelCI has to add the user to runtime:{runtime}:node-editor',
    403,
    1,
  ),
  PULL_UNSUPPORTED: row('this lab cannot run the job: {where} {reason}', 'another lab may be able to run it', 501, 2),
  PULL_INTERRUPTED: row('job {id} was {state} when the pull lab stopped', 'submit it again', 500, 2),

  // The board image and the emulated board: machines that build and test.
  BOARD_DATA: row(
    'board data {file}: {where} {reason}',
    'correct the file; other boards in systemd/boards show how',
    422,
    1,
  ),
  BOARD_UNKNOWN: row('there is no board {name}', 'known: {known}; systemd/README.md says how to add one', 404, 1),
  BUILD_TOOL: row(
    '{doing}: {tool} failed ({status}): {reason}',
    '`fauxboot doctor` says what this machine lacks',
    500,
    2,
  ),
  BUILD_INPUT: row('{doing}: {reason}', null, 500, 1),
  BUILD_SETTINGS: row('{file}: {reason}', '`agent/settings.md` lists the settings', 500, 1),
  CONSOLE_ENDED: row('{board}: QEMU ended ({status}); its last words: {found}', null, 502, 2),
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

/** What people read: the problem and its remedy, in one sentence. */
export function sentenceOf(code: ErrorCode): string {
  const { problem, remedy } = ERRORS[code]
  return remedy === null ? problem : `${problem}; ${remedy}`
}

type Placeholders<M> = M extends `${string}{${infer K}}${infer Rest}` ? K | Placeholders<Rest> : never

/** The fields that an error of this code must carry. */
export type ErrorFields<C extends ErrorCode> = {
  readonly [K in Placeholders<(typeof ERRORS)[C]['problem' | 'remedy']>]: string | number
}

/** An error as it goes over HTTP and into `--json`. */
export interface ErrorJson {
  readonly code: string
  readonly message: string
  readonly statusCode: number
  readonly details: Readonly<Record<string, string | number>>
}

/** Characters of a detail. Names and texts from outside may be megabytes long, and a detail occurs twice in each answer. */
const MAX_DETAIL = 200

/** Limits of errors whose details are our own sentences, or what a tool of the build printed. */
const LONGER_DETAILS: Readonly<Partial<Record<ErrorCode, number>>> = {
  PLAN_REFUSED: 2000,
  KEXEC_ARGUMENT: 2000,
  KEXEC_SYSCALL: 2000,
  CONSOLE_SILENT: 2000,
  CONSOLE_ENDED: 2000,
  BUILD_TOOL: 8000,
  BUILD_INPUT: 8000,
}

/** Errors whose details keep their lines. */
const KEEP_LINES: readonly ErrorCode[] = ['BUILD_TOOL', 'BUILD_INPUT', 'CONSOLE_ENDED']

/** Characters that change how a terminal shows what is around them, and surrogates without their other half. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const escaped = (character: string): string => `\\u{${character.codePointAt(0)?.toString(16)}}`

/**
 * A text without the user and the password of each URL in it: either may be a secret. Everything that shows a URL of
 * others uses this.
 */
export const withoutUserInfo = (text: string): string => text.replace(/(:[/\\]{2,})[^/\\?#\n"]*@/g, '$1***@')

/** A detail as people and programs may see it: on one line, without control characters, and with its middle cut out if it is long. */
function plain(code: ErrorCode, detail: string | number): string | number {
  if (typeof detail === 'number') return detail
  const limit = LONGER_DETAILS[code] ?? MAX_DETAIL
  const keepsLines = KEEP_LINES.includes(code)
  const text = shortened(withoutUserInfo(detail), limit).replace(INVISIBLE, found =>
    keepsLines && found === '\n' ? found : escaped(found),
  )
  return shortened(text, limit)
}

/** The beginning and the end, which often has the name of the file. */
function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text
  const half = limit / 2
  return `${text.slice(0, half)}…${text.slice(1 - half)}`
}

/** An error of the table. `details` holds the fields of the message, for programs. */
export class FauxbootError extends Error {
  override readonly name = 'FauxbootError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, string | number>>
  /** the message without its remedy: for what is tried again anyhow */
  readonly problem: string

  constructor(code: ErrorCode, details: Readonly<Record<string, string | number>>, options?: ErrorOptions) {
    const shown = Object.fromEntries(Object.entries(details).map(([name, detail]) => [name, plain(code, detail)]))
    const filled = (sentence: string): string =>
      sentence.replace(/\{(\w+)\}/g, (_, field: string) => String(shown[field]))
    super(filled(sentenceOf(code)), options)
    this.problem = filled(ERRORS[code].problem)
    this.code = code
    this.details = shown
  }

  /** HTTP status. */
  get statusCode(): number {
    return ERRORS[this.code].status
  }

  /** Exit code of the command line. */
  get exitCode(): number {
    return ERRORS[this.code].exit
  }

  /** The words a U-Boot would print for it; the message where U-Boot has none. */
  get ubootText(): string {
    return ERRORS[this.code].uboot ?? this.message
  }

  toJSON(): ErrorJson {
    return { code: this.code, message: this.message, statusCode: this.statusCode, details: this.details }
  }
}

/**
 * Make an error of the table; the caller throws it.
 *
 * @param code row of the table
 * @param fields what the row's sentence needs
 * @param cause the error that led here, kept as `cause`
 */
export function fault<C extends ErrorCode>(code: C, fields: ErrorFields<C>, cause?: unknown): FauxbootError {
  return new FauxbootError(code, fields, cause === undefined ? undefined : { cause })
}

/** What became JSON, as an error again; a code that the table no longer has is INTERNAL. */
export function faultOf({ code, message, details }: ErrorJson): FauxbootError {
  if (Object.hasOwn(ERRORS, code)) return new FauxbootError(code as ErrorCode, details)
  return fault('INTERNAL', { doing: `reading the error ${code}`, reason: message })
}

/**
 * Bring anything thrown into the table: errors of the table pass, others become INTERNAL.
 *
 * @param thrown what was caught
 * @param doing what was being done, for the sentence
 */
export function asFault(thrown: unknown, doing: string): FauxbootError {
  if (thrown instanceof FauxbootError) return thrown
  const reason = thrown instanceof Error ? thrown.message : String(thrown)
  return fault('INTERNAL', { doing, reason }, thrown)
}
