/** `fauxboot console`: the fake U-Boot on a simulated board, without root. */

import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ReadStream } from 'node:tty'
import { type Command, InvalidArgumentError } from 'commander'
import { parseRamOption } from '../../../agent/kexec/layout/memory-map.js'
import { normalize } from '../../../agent/kexec/layout/ranges.js'
import { makeFolder } from '../../../agent/make-folder.js'
import { unlessAborted } from '../../../agent/transfer/abort.js'
import { StreamLine } from '../../../agent/uboot/console/stream-line.js'
import { listenTelnet } from '../../../agent/uboot/console/telnet-server.js'
import { fileError } from '../../client/local-file.js'
import { checkDiskImage } from '../../simulator/disk-images.js'
import { SimulatedBoard } from '../../simulator/simulated-board.js'
import type { Terminal } from '../../terminal/terminal.js'
import { endpoint } from './console-options.js'

interface Address {
  readonly host: string
  readonly port: number
}

interface ConsoleOptions {
  readonly listen?: Address
  readonly ram: readonly string[]
  readonly directory?: string
  readonly bootDelay: number
  readonly server?: ReturnType<typeof endpoint>
  readonly env?: string
  readonly disk: readonly string[]
  readonly bootfile?: string
  readonly gpioHigh?: readonly string[]
}

/** Ctrl-], as in telnet */
const HANG_UP = '\x1d'

export function define(command: Command, terminal: Terminal): void {
  command
    .option(
      '--listen <[host:]port>',
      'telnet instead of this terminal, for everybody who comes; the first one switches it on; 0: any port',
      address,
    )
    .option('--server <address[:port]>', 'the TFTP server that dhcp names; this machine without it', endpoint)
    .option('--ram <start-end...>', 'DRAM as for fauxboot plan', ['0x40000000+1G'])
    .option('--directory <dir>', 'for the memory and what saveenv writes; a temporary one without it')
    .option('--boot-delay <seconds>', 'countdown before the prompt; -1: none, the prompt comes at once', seconds, -1)
    .option('--env <file>', 'a fw_env.config: where saveenv writes, and where it was read')
    .option('--disk <image...>', 'files that are its memory cards: mmc 0, mmc 1; read with mtools and debugfs', [])
    .option('--bootfile <name>', 'what dhcp names as boot file; none without it')
    .option('--gpio-high <line...>', 'GPIO lines that something outside holds high: PB6')
    .addHelpText(
      'after',
      `
Files come over this machine's own network: TFTP and HTTP are real, dhcp tells the address it has. The port of
--server becomes tftpdstp of the default environment.
dhcp and tftpboot load files only from a TFTP server that runs: --server says where.
bootz, booti and bootm plan, check and load as on a board, and come back instead of jumping. poweroff ends it, and so
does Ctrl-] on a terminal, the end of the input, or Ctrl-C where it is no terminal. There is no password: --listen
listens on 127.0.0.1 unless a host is given.

Examples:
  fauxboot console
  printf 'version\\n' | fauxboot console
  fauxboot console --listen 2323 --boot-delay 2 --ram 0x20000000+2G
  fauxboot console --disk card.img
  fauxboot console --server 127.0.0.1:6969`,
    )
    .action((options: ConsoleOptions) => openConsole(options, terminal))
}

function address(text: string): Address {
  const [, host = '127.0.0.1', digits] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (port <= 65535) return { host, port }
  throw new InvalidArgumentError('It must be PORT or HOST:PORT.')
}

function seconds(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= -2 && value <= 3600) return value
  throw new InvalidArgumentError('It must be a whole number of seconds, or -1.')
}

async function openConsole(options: ConsoleOptions, terminal: Terminal): Promise<void> {
  const { ram, bootDelay, env = null, directory, listen, disk, server, bootfile, gpioHigh } = options
  for (const image of disk) checkDiskImage(image, fileError)
  const ranges = normalize(ram.map(parseRamOption))
  const place = await makeDirectory(directory)
  try {
    const board = await SimulatedBoard.open({
      ram: ranges,
      directory: place,
      bootDelay,
      environment: env,
      disks: disk,
      server,
      bootFile: bootfile,
      highLines: gpioHigh,
    })
    try {
      await (listen === undefined ? atTerminal(board, terminal) : atTelnet(board, listen, terminal))
      await board.drained()
    } finally {
      board.close()
    }
  } finally {
    if (directory === undefined) await rm(place, { recursive: true, force: true })
  }
}

async function makeDirectory(given: string | undefined): Promise<string> {
  if (given === undefined) return mkdtemp(join(tmpdir(), 'fauxboot-console-'))
  try {
    await makeFolder(given)
    return given
  } catch (thrown) {
    throw fileError(given, thrown)
  }
}

/** Run until the input ends, until Ctrl-], or until the output is closed. */
async function atTerminal(board: SimulatedBoard, terminal: Terminal): Promise<void> {
  const { stdin, stdout, signal } = terminal.io
  const raw = stdin instanceof ReadStream && stdin.isTTY ? stdin : null
  const hungUp = new Promise<void>(resolve => {
    terminal.outputClosed.addEventListener('abort', () => resolve())
    const received = (bytes: string): string => {
      const [before = '', ...after] = raw === null ? [bytes] : bytes.split(HANG_UP)
      if (after.length > 0) resolve()
      return before
    }
    // A terminal, raw or not, makes its own line ends of those that files and pipes want.
    const sent = (bytes: string): string => bytes.replaceAll('\r\n', '\n')
    const restore = (): void => {
      raw?.setRawMode(false)
      // The next output must not follow the prompt.
      if (stdout.writable) stdout.write('\n')
    }
    void board.attach(new StreamLine('terminal', stdin, stdout, { received, sent, restore })).then(resolve)
  })
  if (raw !== null) {
    terminal.note('fauxboot: a U-Boot without a board; poweroff or Ctrl-] ends it')
    raw.setRawMode(true)
  }
  board.powerOn()
  await unlessAborted(Promise.race([hungUp, board.off]), signal)
}

/** From the first connection, which sees the banner and the countdown, until it is switched off. */
async function atTelnet(board: SimulatedBoard, listen: Address, terminal: Terminal): Promise<void> {
  let isOn = false
  const server = await listenTelnet(listen, line => {
    void board.attach(line)
    if (!isOn) board.powerOn()
    isOn = true
  })
  try {
    const { address, port } = server.address() as AddressInfo
    terminal.note(`fauxboot: a U-Boot without a board: telnet ${address} ${port}; poweroff or Ctrl-C ends it`)
    await unlessAborted(board.off, terminal.io.signal)
  } finally {
    server.close()
  }
}
