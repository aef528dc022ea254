/** What a board test needs around the board: files to boot, a server that serves them, power, and a client. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { JobState } from '../../agent/boot/jobs/job.js'
import { packCpio } from '../../agent/image/cpio/cpio.js'
import { parseFdt, writeFdt } from '../../agent/image/fdt/fdt.js'
import { BoardClient } from '../../lava/client/board-client.js'
import { emulatorDtb } from '../../lava/demo/target.js'
import { type Board, loadBoard } from '../../systemd/boards/board.js'
import { agentSettings } from '../../systemd/image/agent-settings.js'
import { type BoardImage, buildBoardImage } from '../../systemd/image/board-image.js'
import { QemuBoard, type QemuBoardOptions } from '../../systemd/qemu/qemu.js'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { TARGET_LOGIN } from '../../systemd/target/target-ramdisk.js'
import { FileServer } from './file-server.js'
import { startAtCountdown } from './saved-board.js'

/** How long a board under emulation may take to its agent or to a prompt, on a busy machine. */
export const PATIENCE = { timeoutMs: 600_000 } as const

/** Every lab has one token; a board that is asked to change something without it refuses. */
export const TOKEN = 'board-test'

/**
 * A board whose agent has {@link TOKEN}.
 *
 * @param settings of the agent, beside the board's own
 */
export function testBoard(
  image: BoardImage,
  { extraInitrd = [], ...options }: Partial<QemuBoardOptions> = {},
  settings: Readonly<Record<string, unknown>> = {},
): QemuBoardOptions {
  const { board } = image
  const overlay = packCpio(agentSettings(board, { token: TOKEN, settings }).entries())
  return { board, image, ...options, extraInitrd: [overlay, ...extraInitrd] }
}

export class Lab {
  private constructor(
    readonly board: Board,
    readonly image: BoardImage,
    readonly server: FileServer,
    /** holds {@link TOKEN} */
    readonly tokenFile: string,
  ) {}

  /** A lab with one kind of board; its file server ends with the test. */
  static async open(t: Test, name: string): Promise<Lab> {
    const board = await loadBoard(name)
    const tokenFile = join(t.testdir({ token: TOKEN }), 'token')
    const lab = new Lab(board, await buildBoardImage(board), await FileServer.start(), tokenFile)
    t.teardown(() => lab.server.stop())
    return lab
  }

  /** Command line of a target that talks on the board's console. */
  get cmdline(): string {
    const { tty, baud } = this.board.console
    return `console=${tty},${baud}`
  }

  /** The board's device tree for a Debian release's kernel. */
  async dtb(suite: 'trixie' | 'bookworm' = 'trixie'): Promise<string> {
    const { dtb } = this.board
    return dtb === undefined ? emulatorDtb(this.board) : join((await debianKernel(suite)).dtbs, dtb)
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
    return this.#connect(t, await QemuBoard.start(testBoard(this.image, options, settings)))
  }

  /**
   * A board whose countdown has just begun, from a saved state: it takes a second. It is switched off with the test.
   *
   * @param tftpDir folder served over TFTP as 10.0.2.2
   */
  async atCountdown(t: Test, tftpDir?: string): Promise<Powered> {
    return this.#connect(t, await startAtCountdown(testBoard(this.image, { tftpDir })))
  }

  /**
   * A power switch: the caller turns the board off.
   *
   * @param from `power-on` boots the first stage; `countdown` continues from a saved state
   */
  switchOn(from: 'power-on' | 'countdown'): Promise<QemuBoard> {
    return from === 'power-on' ? QemuBoard.start(testBoard(this.image)) : startAtCountdown(testBoard(this.image))
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
export function submit(client: BoardClient, job: object): Promise<{ id: string }> {
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
