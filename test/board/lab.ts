/** What a board test needs around the board: files to boot, a server that serves them, power, and a client. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { JobState, JobView } from '../../agent/boot/jobs/job.js'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { parseFdt, writeFdt } from '../../agent/image/fdt/fdt.js'
import { BoardClient } from '../../lava/client/board-client.js'
import { type Board, loadBoard } from '../../systemd/boards/board.js'
import { cached, contentKey } from '../../systemd/cache.js'
import { agentSettings } from '../../systemd/image/agent-settings.js'
import { buildBoardImage } from '../../systemd/image/board-image.js'
import { emulatorDtb } from '../../systemd/image/emulator-dtb.js'
import { joinArchives } from '../../systemd/image/initramfs.js'
import { buildSdImage } from '../../systemd/image/sd-image.js'
import { QemuBoard, type QemuBoardOptions } from '../../systemd/qemu/qemu.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { TARGET_LOGIN, targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { FileServer } from './file-server.js'
import { startAtCountdown } from './saved-board.js'

/** How long a board under emulation may take to its agent or to a prompt, on a busy machine. */
export const PATIENCE = { timeoutMs: 600_000 } as const

/** Every lab has one token; a board that is asked to change something without it refuses. */
export const TOKEN = 'board-test'

/** Files can be pushed. QEMU's user network shows this machine to the board under an address of its own. */
const TFTP_SERVER = { tftpPort: 69, tftpPeers: ['10.0.2.0/24'] }

/** Every board keeps what its targets say, so that one saved state serves all tests. */
const LAST_WORDS = { lastWords: true }

/** CPUs of boards that have more than four: emulated ones wait for each other on a machine of two cores. */
export const FEW_CPUS = Number(process.env.FAUXBOOT_CPUS ?? 2)

/**
 * A board as tests use it. Where QEMU lets us choose, it has one CPU: two boards at a time then take a seventh less. The
 * Orange Pi PC and the Cubieboard4 jump with several.
 */
export async function labBoard(name: string): Promise<Board> {
  const board = await loadBoard(name)
  return board.qemu?.cpu === undefined ? board : { ...board, qemu: { ...board.qemu, cpus: 1 } }
}

/** Words for a kernel's command line, with a blank before each. */
const cpuLimit = ({ qemu }: Board): string => ((qemu?.cpus ?? 0) > 4 ? ` maxcpus=${FEW_CPUS}` : '')

/**
 * A board whose agent has {@link TOKEN}.
 *
 * @param changes to the settings of the agent
 */
export async function testBoard(
  board: Board,
  { extraInitrd = [], ...options }: Partial<QemuBoardOptions> = {},
  changes: Readonly<Record<string, unknown>> = {},
): Promise<QemuBoardOptions> {
  const settings = { ...TFTP_SERVER, ...LAST_WORDS, ...changes }
  if (!board.qemu?.sdOnly) {
    const overlay = packCpio(agentSettings(board, { token: TOKEN, settings }).entries())
    const image = await buildBoardImage(board, { settings: LAST_WORDS })
    return { board, image, ...options, extraInitrd: [overlay, ...extraInitrd] }
  }
  const image = await buildBoardImage(board, { token: TOKEN, settings })
  const initramfs = await withArchives(image.initramfs, extraInitrd)
  const cmdline = `${image.cmdline}${cpuLimit(board)}`
  return { board, sd: await buildSdImage({ ...image, initramfs, cmdline }), ...options }
}

async function withArchives(initramfs: string, archives: readonly Uint8Array[]): Promise<string> {
  if (archives.length === 0) return initramfs
  const dir = await cached('initramfs', contentKey([initramfs, ...archives]), async making => {
    await writeFile(join(making, 'initramfs'), joinArchives([await readFile(initramfs), ...archives]))
  })
  return join(dir, 'initramfs')
}

export class Lab {
  private constructor(
    readonly board: Board,
    readonly server: FileServer,
    /** holds {@link TOKEN} */
    readonly tokenFile: string,
  ) {}

  /** A lab with one kind of board; its file server ends with the test. */
  static async open(t: Test, name: string): Promise<Lab> {
    const board = await labBoard(name)
    const tokenFile = join(t.testdir({ token: TOKEN }), 'token')
    const lab = new Lab(board, await FileServer.start(), tokenFile)
    t.teardown(() => lab.server.stop())
    return lab
  }

  /** Command line of a target that talks on the board's console. */
  get cmdline(): string {
    const { tty, baud } = this.board.console
    return `console=${tty},${baud}${cpuLimit(this.board)}`
  }

  /** The board's device tree for a Debian release's kernel. */
  async dtb(suite: 'trixie' | 'bookworm' = 'trixie'): Promise<string> {
    const { dtb } = this.board
    return dtb === undefined ? emulatorDtb(this.board) : join((await debianKernel(suite)).dtbs, dtb)
  }

  /** Modules that the console of a target needs. */
  get consoleModules(): readonly string[] {
    return this.board.earlycon ? this.board.modules : []
  }

  /** A ramdisk for targets, with the modules that the console needs. */
  ramdisk(): Promise<string> {
    return targetRamdisk({ loads: this.consoleModules, withModules: true })
  }

  /** The same without any `/memory`, as mainline ships the A80's. */
  async dtbWithoutMemory(): Promise<Uint8Array> {
    const fdt = parseFdt(await readFile(await this.dtb()))
    fdt.root.children = fdt.root.children.filter(({ name }) => !/^memory(@|$)/.test(name))
    return writeFdt(fdt)
  }

  /**
   * Switch a board on; it is switched off with the test. Returns when its agent answers.
   *
   * @param settings of the agent, beside the board's own
   */
  async powerOn(
    t: Test,
    options: Partial<QemuBoardOptions> = {},
    settings: Readonly<Record<string, unknown>> = {},
  ): Promise<Powered> {
    return this.#connect(t, await QemuBoard.start(await testBoard(this.board, options, settings)))
  }

  /**
   * A board whose countdown has just begun, from a saved state: it takes a second. It is switched off with the test.
   *
   * @param options `tftpDir`, a folder served over TFTP as 10.0.2.2, costs nothing; other options need a saved state of their own
   * @param settings of the agent, beside the board's own; they need one, too
   */
  async atCountdown(
    t: Test,
    options: Partial<QemuBoardOptions> = {},
    settings: Readonly<Record<string, unknown>> = {},
  ): Promise<Powered> {
    return this.#connect(t, await startAtCountdown(await testBoard(this.board, options, settings)))
  }

  /**
   * A power switch: the caller turns the board off.
   *
   * @param from `power-on` boots the first stage; `countdown` continues from a saved state
   */
  async switchOn(from: 'power-on' | 'countdown'): Promise<QemuBoard> {
    const options = await testBoard(this.board)
    return from === 'power-on' ? QemuBoard.start(options) : startAtCountdown(options)
  }

  async #connect(t: Test, qemu: QemuBoard): Promise<Powered> {
    t.teardown(() => qemu.stop())
    await qemu.waitForAgent(PATIENCE)
    return { lab: this, qemu, client: new BoardClient(new URL(qemu.url), { token: TOKEN }) }
  }
}

/** A board that is on, and its lab. */
export interface Powered {
  readonly lab: Lab
  readonly qemu: QemuBoard
  readonly client: BoardClient
}

/** Submit a job as JSON. */
export function submit(client: BoardClient, job: object): Promise<JobView> {
  return client.submit({ type: 'application/json', content: JSON.stringify(job) })
}

/** Follow a job to its end; every state that it went through. */
export async function followStates(client: BoardClient, id: string): Promise<JobState[]> {
  const states: JobState[] = []
  for await (const event of client.events(id)) if (event.type === 'state') states.push(event.state)
  return states
}

/**
 * Wait for the target's prompt, and look at what the target said of itself on the way.
 *
 * @param expected words that must have been said since this was called
 */
export async function sawTarget(t: Test, qemu: QemuBoard, expected: readonly (string | RegExp)[]): Promise<void> {
  const from = qemu.console.transcript.length
  await qemu.console.waitFor(TARGET_LOGIN, PATIENCE)
  const said = qemu.console.transcript.slice(from)
  for (const words of expected) t.match(said, words)
}
