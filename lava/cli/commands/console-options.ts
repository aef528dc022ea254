/** The options of `fauxboot boot --console`: how to reach, boot and judge the board. */

import { networkInterfaces } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { fault } from '../../../agent/errors.js'
import type { Target } from '../../client/boot-job.js'
import { type BootMethod, bootByTyping, bootServedFiles } from '../../monitor/boot-methods.js'
import {
  BOOT_COMMANDS,
  type BootCommand,
  ENVIRONMENT_PLACES,
  TFTP_PORT,
  TYPED_ROLES,
  type TypedRole,
} from '../../monitor/typed-boot.js'
import { addSessionOptions, checkPowerOptions, type SessionOptions } from './session-options.js'

export interface ConsoleOptions extends SessionOptions {
  readonly typed?: boolean
  readonly tftp?: TftpDirectory
  readonly serveAt?: Endpoint
  readonly loadAt?: Partial<Record<TypedRole, string>>
  readonly bootCommand?: BootCommand
  readonly log?: string
  readonly junit?: string
  readonly kcidb?: string
  readonly buildId?: string
  readonly origin: string
}

/** An IPv4 address, and a UDP port unless any will do. */
interface Endpoint {
  readonly address: string
  readonly port?: number
}

/** Where files lie that a board loads by their names. */
interface TftpDirectory extends Endpoint {
  readonly port: number
  /** put before a name, ends with a slash unless it is empty */
  readonly directory: string
}

/** Options that mean nothing without `--console`, as commander names them. */
const NEED_CONSOLE = [
  ...['until', 'typed', 'tftp', 'serveAt', 'loadAt', 'bootCommand', 'powerOn', 'powerOff', 'powerReset', 'keepOn'],
  ...['timeout', 'silence', 'tolerate', 'log', 'junit', 'kcidb', 'buildId', 'origin'],
]

export function addConsoleOptions(command: Command): Command {
  return addSessionOptions(command)
    .option('--typed', "type the boot at the board's U-Boot, as LAVA does, instead of asking the agent")
    .option(
      '--tftp <server>',
      'for --typed: HOST[:PORT][/DIR] that has the files; they are served from here without',
      tftp,
    )
    .option(
      '--serve-at <address[:port]>',
      'for --typed: IPv4 address of this machine as the board sees it. A U-Boot without tftpdstp needs port 69',
      endpoint,
    )
    .option(
      '--load-at <file=address...>',
      'for --typed: where U-Boot loads kernel, ramdisk or dtb (dtb=0x43000000), instead of its kernel_addr_r, ramdisk_addr_r and fdt_addr_r',
      loadAt,
    )
    .addOption(new Option('--boot-command <name>', 'for --typed').choices(BOOT_COMMANDS))
    .option('--log <file>', 'write the console there, each line with its time')
    .option('--junit <file>', 'write the result as JUnit XML')
    .option('--kcidb <file>', 'write the result as KCIDB JSON; needs --build-id')
    .option('--build-id <id>', 'of the build that is booted, ORIGIN:ID', buildId)
    .option('--origin <name>', 'who tests, for KCIDB', origin, 'fauxboot')
}

/**
 * Check what commander does not.
 *
 * @throws CLI_USAGE
 */
export function checkConsoleOptions(command: Command, options: ConsoleOptions): void {
  const given = (name: string): boolean => command.getOptionValueSource(name) === 'cli'
  const flag = (name: string): string => `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
  if (options.console === undefined) {
    const first = NEED_CONSOLE.find(given)
    if (first !== undefined) throw usage(`${flag(first)} needs --console URL`)
    return
  }
  if (given('dryRun')) throw usage('--dry-run cannot be had with --console')
  if (options.typed && given('job')) throw usage('--job cannot be had with --typed')
  if (options.typed && given('watchdog')) {
    throw usage("--watchdog cannot be had with --typed: set watchdog in the agent's settings")
  }
  if (!options.typed) {
    const first = ['tftp', 'serveAt', 'loadAt', 'bootCommand'].find(given)
    if (first !== undefined) throw usage(`${flag(first)} needs --typed`)
  }
  if (options.kcidb !== undefined && options.buildId === undefined) throw usage('--kcidb needs --build-id ORIGIN:ID')
  checkPowerOptions(options, 'fauxboot boot')
}

/**
 * The boot method that types a target.
 *
 * @throws CLI_USAGE for a target that cannot be typed
 */
export function typedBootMethod(target: Target, options: ConsoleOptions, waitSeconds: number): BootMethod {
  const { kernel, ramdisk, dtb, overlays, modules, cmdline } = target
  if (overlays !== undefined || modules !== undefined) throw usage('--typed takes no --overlay and no --modules')
  if (!/^[\x20-\x26\x28-\x7e]*$/.test(cmdline)) throw usage('--typed takes a command line of ASCII without quotes')
  const { tftp: server, bootCommand, serveAt, loadAt } = options
  const places = { ...ENVIRONMENT_PLACES, ...loadAt }
  if (server === undefined) {
    const boot = { files: { kernel, ramdisk, dtb }, places, bootCommand, cmdline }
    return bootServedFiles({ boot, ...(serveAt ?? { address: ownAddress() }), waitSeconds })
  }
  const at = (name: string): string => {
    const path = `${server.directory}${name}`
    if (/^[\w./+@:,-]+$/.test(path)) return path
    throw usage(`'${path}' cannot be typed as the name of a file`)
  }
  const files = { kernel: at(kernel), ramdisk: ramdisk && at(ramdisk), dtb: dtb && at(dtb) }
  return bootByTyping({ boot: { server, files, places, bootCommand: bootCommand ?? 'bootz', cmdline }, waitSeconds })
}

/** This machine's address, when there is but one. */
function ownAddress(): string {
  const own = Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
  const [first] = own
  if (own.length === 1 && first !== undefined) return first.address
  const list = own.map(({ address }) => address).join(', ') || 'none'
  throw usage(`say with --serve-at how the board reaches this machine, or --tftp; addresses here: ${list}`)
}

function usage(reason: string) {
  return fault('CLI_USAGE', { reason, command: 'fauxboot boot' })
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/

/** Parse an IPv4 address with or without a UDP port. */
export function endpoint(text: string): Endpoint {
  const [, address = '', digits] = /^([\d.]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  const port = digits === undefined ? undefined : Number(digits)
  if (IPV4.test(address) && port !== 0 && (port ?? 0) <= 65_535) return { address, port }
  throw new InvalidArgumentError('expected an IPv4 address such as 192.168.1.2, or 192.168.1.2:69')
}

function tftp(text: string): TftpDirectory {
  const [, where = '', path = ''] = /^(?:tftp:\/\/)?([^/]*)(?:\/(.*))?$/.exec(text) ?? []
  const { address, port = TFTP_PORT } = endpoint(where)
  const directory = path.replace(/\/+$/, '')
  return { address, port, directory: directory === '' ? '' : `${directory}/` }
}

function loadAt(text: string, before: ConsoleOptions['loadAt']): ConsoleOptions['loadAt'] {
  const [, name, address] = /^(\w+)=(0x[0-9a-f]{1,8})$/i.exec(text) ?? []
  const role = TYPED_ROLES.find(known => known === name)
  if (role !== undefined) return { ...before, [role]: address }
  throw new InvalidArgumentError(`expected ${TYPED_ROLES.join(', ')} and an address: dtb=0x43000000`)
}

/** KCIDB schema v5.3: `origin` and the part of an identifier before the colon. */
function buildId(text: string): string {
  if (/^[a-z0-9_]+:\S+$/.test(text)) return text
  throw new InvalidArgumentError('expected an identifier such as maestro:6578f0c2')
}

function origin(text: string): string {
  if (/^[a-z0-9_]+$/.test(text)) return text
  throw new InvalidArgumentError('lower-case letters, digits and _ are wanted')
}
