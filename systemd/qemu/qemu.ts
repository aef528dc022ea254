/** A board emulated by QEMU: power, console, network, for tests, demonstrations and measurements. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { fault } from '../../agent/errors.js'
import type { Board } from '../boards/board.js'
import type { BoardImage } from '../image/board-image.js'
import { joinArchives } from '../image/initramfs.js'
import { awaitHttp } from './await-http.js'
import { type BootSource, type QemuSettings, qemuArguments } from './qemu-arguments.js'
import { qemuProgram } from './qemu-program.js'
import { Qmp } from './qmp.js'
import { withRngSeed } from './rng-seed.js'
import { SerialConsole } from './serial-console.js'
import { startFailure } from './start-failure.js'

/** Port on which the agent listens. */
const AGENT_PORT = 8080

/** QEMU answers on its monitor within this time unless it cannot start, milliseconds. */
const START_TIMEOUT_MS = 20_000

export interface QemuBoardOptions {
  readonly board: Board
  /** kernel, initramfs and dtb that QEMU loads itself; needed unless there is `sd` */
  readonly image?: Pick<BoardImage, 'kernel' | 'dtb' | 'initramfs' | 'cmdline'>
  /** image of an SD card: the real boot loader is run */
  readonly sd?: string
  /** file for a list of what the board writes to the card; the file `sd` then keeps it. Made when it is not there */
  readonly cardWrites?: string
  /** archives put behind the initramfs, such as a test's overlay; not with `sd` */
  readonly extraInitrd?: readonly Uint8Array[]
  /** words put behind the command line; not with `sd` */
  readonly extraCmdline?: readonly string[]
  /** instead of the board's own */
  readonly memoryMiB?: number
  /** see {@link QemuSettings.disk}; changes last until the board is switched off */
  readonly disk?: string
  /** folder served over TFTP as 10.0.2.2 */
  readonly tftpDir?: string
  /** properties of QEMU's machine, such as `{ 'card-detect': 'off' }` */
  readonly machineProperties?: Readonly<Record<string, string>>
  /** see {@link QemuSettings.instructionClock} */
  readonly instructionClock?: number
  /** TCP port on the board to which {@link QemuBoard.url} leads; the agent's by default */
  readonly boardPort?: number
  /** TCP port on this machine's loopback that leads there; a free one by default */
  readonly port?: number
  /** start from this state instead of from power-on; every other option must be as it was when the state was saved */
  readonly state?: SavedState
}

/** A board in the middle of its work, in files. */
export interface SavedState {
  /** QEMU's migration stream */
  readonly file: string
  /** what the board had printed until then */
  readonly transcript: string
}

/** The part in use of what QEMU's monitor tells of a virtio device (qapi/virtio.json). */
interface VirtioStatus {
  readonly status: { readonly statuses: readonly string[] }
}

/** A started QEMU and what leads to it. */
interface Machine {
  readonly child: ChildProcess
  readonly console: SerialConsole
  readonly qmp: Qmp
  readonly ended: Promise<string>
  readonly port: number
}

/** A running board. `start` it; `stop` it in any case: the process that started it takes it along when it dies. */
export class QemuBoard {
  readonly board: Board
  readonly console: SerialConsole
  /** where the board's forwarded port is on this machine: `http://127.0.0.1:PORT` */
  readonly url: string
  /** resolves with how QEMU ended, once it has */
  readonly ended: Promise<string>
  readonly #child: ChildProcess
  readonly #qmp: Qmp

  private constructor(board: Board, { child, console, qmp, ended, port }: Machine) {
    this.board = board
    this.console = console
    this.url = `http://127.0.0.1:${port}`
    this.ended = ended
    this.#child = child
    this.#qmp = qmp
  }

  /** Process id of QEMU. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /**
   * Switch a board on, or continue from a saved state: then the transcript begins with what the board had printed before.
   *
   * @throws BOARD_DATA when it cannot be emulated, BUILD_TOOL when QEMU does not start, with its words
   */
  static async start(options: QemuBoardOptions): Promise<QemuBoard> {
    const { board } = options
    const work = await mkdtemp(join(tmpdir(), 'fauxboot-qemu-'))
    try {
      const source = await bootSource(options, work)
      const forward = { host: options.port ?? 0, board: options.boardPort ?? AGENT_PORT }
      const { memoryMiB, disk, tftpDir, machineProperties, instructionClock, state } = options
      const incoming = state !== undefined
      const settings = { source, forward, memoryMiB, disk, tftpDir, machineProperties, instructionClock, incoming }
      const args = qemuArguments(board, settings)
      const machine = await launch(board.name, await qemuProgram(board), args, forward.board)
      if (incoming) await loadState(machine, state)
      return new QemuBoard(board, machine)
    } finally {
      // QEMU has read what is in there.
      await rm(work, { recursive: true, force: true })
    }
  }

  /**
   * Wait until the agent answers over HTTP.
   *
   * @param options timeoutMs: how long, from now on
   * @throws CONSOLE_SILENT, CONSOLE_ENDED with the board's last words
   */
  async waitForAgent(options: { readonly timeoutMs: number }): Promise<void> {
    const expected = `${this.url}/healthz`
    const gone = new AbortController()
    const ended = this.ended.then(status => {
      gone.abort()
      return status
    })
    const late = AbortSignal.timeout(options.timeoutMs)
    if (await awaitHttp(expected, AbortSignal.any([gone.signal, late]))) return
    const { name } = this.board
    const found = this.console.lastWords
    if (gone.signal.aborted) throw fault('CONSOLE_ENDED', { board: name, status: await ended, found })
    throw fault('CONSOLE_SILENT', { console: name, seconds: options.timeoutMs / 1000, expected, found })
  }

  /**
   * Lead a UDP port of this machine's loopback to one of the board's. Other ports of the board answer to whoever asked
   * there, too: QEMU gives each of them a port of its own here, as TFTP needs it.
   *
   * @returns the port here
   * @throws BUILD_TOOL with QEMU's words
   */
  forwardUdp(boardPort: number): Promise<number> {
    return this.#forward('UDP', boardPort)
  }

  /**
   * Lead a TCP port of this machine's loopback to one of the board's.
   *
   * @returns the port here
   * @throws BUILD_TOOL with QEMU's words
   */
  forwardTcp(boardPort: number): Promise<number> {
    return this.#forward('TCP', boardPort)
  }

  async #forward(protocol: 'TCP' | 'UDP', boardPort: number): Promise<number> {
    const monitor = (line: string) => this.#qmp.execute('human-monitor-command', { 'command-line': line })
    const refused = await monitor(`hostfwd_add net0 ${protocol.toLowerCase()}:127.0.0.1:0-:${boardPort}`)
    return forwardedPort(refused === '' ? await monitor('info usernet') : refused, protocol, boardPort)
  }

  /**
   * Plug the network cable in, or pull it out.
   *
   * @throws BUILD_TOOL with QEMU's words
   */
  async setLink(up: boolean): Promise<void> {
    await this.#qmp.execute('set_link', { name: 'net0', up })
  }

  /**
   * Send a break on the serial line: the only damage that QEMU knows.
   *
   * @throws BUILD_TOOL with QEMU's words
   */
  async sendBreak(): Promise<void> {
    await this.#qmp.execute('chardev-send-break', { id: 'console' })
  }

  /** Press the reset button: the board starts from its kernel or SD card again, with the same network port. */
  async reset(): Promise<void> {
    await this.#qmp.execute('system_reset')
  }

  /**
   * Stop the board and write its state to a file. The board can only be switched off after that.
   *
   * @param file is created or overwritten
   * @throws BUILD_TOOL with QEMU's words
   */
  async saveState(file: string): Promise<SavedState> {
    await this.#qmp.execute('stop')
    await this.#qmp.execute('migrate', { uri: `exec:cat > ${quoted(file)}` })
    await migrated(this.#qmp, 'saving the state of the board')
    return { file, transcript: this.console.transcript }
  }

  /** Names of the virtio devices that a driver has set going: what such a device receives goes into memory. */
  async drivenDevices(): Promise<string[]> {
    const devices = (await this.#qmp.execute('x-query-virtio')) as { readonly name: string; readonly path: string }[]
    const driven = devices.map(async ({ name, path }) => {
      const { status } = (await this.#qmp.execute('x-query-virtio-status', { path })) as VirtioStatus
      return status.statuses.some(text => text.startsWith('VIRTIO_CONFIG_S_DRIVER_OK')) ? [name] : []
    })
    return (await Promise.all(driven)).flat()
  }

  /** Switch it off. Ends QEMU, this one and no other, and returns when it is gone. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}

async function bootSource(options: QemuBoardOptions, work: string): Promise<BootSource> {
  const { board, image, sd, cardWrites, extraInitrd = [], extraCmdline = [] } = options
  if (sd !== undefined) {
    if (cardWrites !== undefined) await writeFile(cardWrites, '')
    return { sd, writes: cardWrites }
  }
  if (board.qemu?.sdOnly) {
    throw fault('BUILD_INPUT', { doing: `starting ${board.name}`, reason: 'it needs an SD card: it loads no kernel' })
  }
  if (image === undefined) {
    throw fault('BUILD_INPUT', { doing: `starting ${board.name}`, reason: 'neither a kernel nor an SD card was given' })
  }
  const cmdline = [image.cmdline, ...extraCmdline].join(' ')
  const dtb = image.dtb && join(work, 'board.dtb')
  if (image.dtb && dtb) await writeFile(dtb, withRngSeed(await readFile(image.dtb), image.dtb))
  if (extraInitrd.length === 0) return { kernel: image.kernel, initrd: image.initramfs, dtb, cmdline }
  const initrd = join(work, 'initrd')
  await writeFile(initrd, joinArchives([await readFile(image.initramfs), ...extraInitrd]))
  return { kernel: image.kernel, initrd, dtb, cmdline }
}

async function launch(name: string, program: string, args: string[], boardPort: number): Promise<Machine> {
  // The kernel ends QEMU when this process ends, however it ends.
  const argv = ['--pdeathsig', 'KILL', program, ...args]
  const child = spawn('setpriv', argv, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
  const { stdin, stdout, stderr } = child
  const monitor = child.stdio[3]
  if (!(monitor instanceof Duplex)) throw fault('INTERNAL', { doing: 'starting QEMU', reason: 'no pipe for QMP' })
  let words = ''
  stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000)
  })
  // A board that is switched off hears nothing any more.
  stdin.on('error', () => stdin.destroy())
  const console = new SerialConsole(name, stdout, stdin)
  const ended = once(child, 'close').then(
    ([code, signal]) => `${signal ?? `exit ${code}`}${words === '' ? '' : `: ${words.trim()}`}`,
    (error: unknown) => String(error),
  )
  void ended.then(status => console.end(status))
  const qmp = new Qmp(monitor)
  const asked = askForPort(qmp, boardPort)
  // When QEMU ends first, its own words say more than a monitor that is gone.
  asked.catch(() => undefined)
  const silent = delay(START_TIMEOUT_MS, 'no answer on its monitor', { ref: false })
  const failed = Promise.race([ended, silent]).then(reason => {
    throw startFailure(name, reason)
  })
  try {
    return { child, console, qmp, ended, port: await Promise.race([asked.catch(() => failed), failed]) }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    failed.catch(() => undefined)
  }
}

/** Time between two questions about a state that is on its way, milliseconds. */
const MIGRATION_INTERVAL_MS = 50

/** The part in use of what QEMU's monitor answers about a migration (qapi/migration.json). */
interface MigrationStatus {
  readonly status?: string
  readonly 'error-desc'?: string
}

/** Ends QEMU if that fails. */
async function loadState({ child, console, qmp }: Machine, { file, transcript }: SavedState): Promise<void> {
  try {
    // The board prints nothing before `cont`, so the order of the transcript is right.
    console.receive(transcript)
    await qmp.execute('migrate-incoming', { uri: `exec:cat ${quoted(file)}` })
    await migrated(qmp, `loading ${file}`)
    await qmp.execute('cont')
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

/** Wait until a state is saved or loaded. */
async function migrated(qmp: Qmp, doing: string): Promise<void> {
  for (;;) {
    const answer = (await qmp.execute('query-migrate')) as MigrationStatus
    if (answer.status === 'completed') return
    if (answer.status === 'failed' || answer.status === 'cancelled') {
      const reason = answer['error-desc'] ?? 'QEMU does not say why'
      throw fault('BUILD_TOOL', { doing, tool: 'qemu-system-arm', status: answer.status, reason })
    }
    await delay(MIGRATION_INTERVAL_MS)
  }
}

/** For the shell that QEMU starts. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`
}

async function askForPort(qmp: Qmp, boardPort: number): Promise<number> {
  await qmp.execute('qmp_capabilities')
  const connections = await qmp.execute('human-monitor-command', { 'command-line': 'info usernet' })
  return forwardedPort(connections, 'TCP', boardPort)
}

/** `TCP[HOST_FORWARD]  12  127.0.0.1 41035  10.0.2.15  8080 ...` */
function forwardedPort(text: unknown, protocol: 'TCP' | 'UDP', boardPort: number): number {
  const row = `${protocol}\\[HOST_FORWARD\\]\\s+\\d+\\s+127\\.0\\.0\\.1\\s+(\\d+)\\s+\\S+\\s+${boardPort}\\s`
  const port = new RegExp(row).exec(String(text))?.[1]
  if (port === undefined) {
    throw fault('BUILD_TOOL', {
      doing: 'asking for the forwarded port',
      tool: 'qemu-system-arm',
      status: 'QMP',
      reason: String(text),
    })
  }
  return Number(port)
}
