/** From nothing to a login prompt: an emulated board is switched on, and a kernel is booted on it over the network. */

import { once } from 'node:events'
import { fault } from '../../agent/errors.js'
import { unlessAborted } from '../../agent/transfer/abort.js'
import { loadBoard } from '../../systemd/boards/board.js'
import { QemuBoard } from '../../systemd/qemu/qemu.js'
import { TARGET_LOGIN } from '../../systemd/target/target-ramdisk.js'
import { BoardClient } from '../client/board-client.js'
import { runJob, type Target, uploadTarget } from '../client/boot-job.js'
import { JobDisplay } from '../client/job-display.js'
import { remoteFault } from '../client/remote-error.js'
import { ConsoleText } from '../monitor/console-text.js'
import { createProgress, type Progress } from '../terminal/progress.js'
import { formatBytes } from '../terminal/quantities.js'
import type { Terminal } from '../terminal/terminal.js'
import { invitation } from './invitation.js'
import { prepare } from './preparation.js'
import { Stopwatch } from './stopwatch.js'

export interface DemoOptions {
  /** name of a board in systemd/boards */
  readonly board: string
  /** MiB up to which the target's ramdisk is filled */
  readonly ramdiskSize?: number
  /** type the boot at the serial console instead of asking the agent for it */
  readonly console?: boolean
  /** leave the board on until the signal fires */
  readonly keep?: boolean
  /** boot nothing: say what one can do with the board, and leave it on until the signal fires */
  readonly stay?: boolean
  /** TCP port of this machine's loopback that leads to the board's agent; a free one by default */
  readonly port?: number
}

/** The token of the demonstration's board. */
const TOKEN = 'demo'

/** For the agent to answer, and for the target to ask for a login, ms: emulation on a busy machine is slow. */
const PATIENCE = { timeoutMs: 600_000 } as const

/**
 * Show it. The board is switched off when this returns or throws.
 *
 * @throws what building, emulating and booting throw; the signal's reason
 */
export async function demonstrate(options: DemoOptions, terminal: Terminal): Promise<void> {
  const { signal, stderr } = terminal.io
  const progress = createProgress(stderr)
  const display = new JobDisplay(terminal, progress)
  const board = await loadBoard(options.board)
  display.note(`preparing ${board.title}: takes minutes the first time, is cached then`)
  const wanted = { board: board.name, ramdiskMiB: options.ramdiskSize, token: TOKEN }
  const { image, card, target } = await prepare(wanted, signal)
  const stopwatch = new Stopwatch()
  const { port } = options
  const qemu = await QemuBoard.start(card === undefined ? { board, image, port } : { board, sd: card, port })
  try {
    display.note(`power on; the serial console is shown with ${prefix(terminal)}`)
    display.note(silence(board.name))
    const serial = showConsole(qemu, progress, terminal)
    if (options.stay) {
      await awaitAgent(qemu, display, signal)
      terminal.print(invitation(qemu.url, TOKEN, target))
      await keepOn(qemu, terminal)
      return
    }
    if (options.console) {
      const { bootTyped } = await import('./typed-demo.js')
      const note = (line: string): void => display.note(line)
      await bootTyped({ board, console: qemu.console, target, stopwatch, note, signal })
    } else await bootTarget(qemu, target, display, stopwatch, signal)
    // Output of the first stage is not the target's prompt.
    await qemu.console.waitFor(/$/, PATIENCE)
    await unlessAborted(qemu.console.waitFor(TARGET_LOGIN, PATIENCE), signal)
    stopwatch.lap('jump to login prompt')
    serial.flush()
    progress.stop()
    terminal.print(stopwatch.summary())
    if (options.keep) await keepOn(qemu, terminal)
  } finally {
    progress.stop()
    await qemu.stop()
  }
}

/** What people wait for after power-on, and how long: nothing else is printed until the agent answers. */
export function silence(board: string): string {
  const long = board === 'virt' ? 'about 20 s on an idle machine' : `a minute or more for ${board}`
  return `the first stage boots silently: ${long}`
}

/** From power-on to the jump, over HTTP. */
async function bootTarget(
  qemu: QemuBoard,
  target: Target,
  display: JobDisplay,
  stopwatch: Stopwatch,
  signal: AbortSignal,
): Promise<void> {
  await awaitAgent(qemu, display, signal)
  stopwatch.lap('power-on to agent')

  const client = new BoardClient(new URL(qemu.url), { token: TOKEN })
  const { body, sent } = await uploadTarget(client, target, display, signal)
  stopwatch.lap('upload', formatBytes(sent))

  const { job, outcome } = await runJob(client, body, display, signal)
  if (outcome.state !== 'loaded' && outcome.state !== 'booting') {
    const reason = outcome.error?.message ?? `it is ${outcome.state}`
    throw remoteFault({ ...outcome.error }) ?? fault('INTERNAL', { doing: `booting job ${job.id}`, reason })
  }
  stopwatch.lap('plan and load')
}

async function awaitAgent(qemu: QemuBoard, display: JobDisplay, signal: AbortSignal): Promise<void> {
  await unlessAborted(qemu.waitForAgent(PATIENCE), signal)
  display.note(`the agent answers at ${qemu.url}`)
}

function prefix(terminal: Terminal): string {
  return terminal.styled('dim', 'serial |', terminal.io.stderr)
}

function showConsole(qemu: QemuBoard, progress: Progress, terminal: Terminal): ConsoleText {
  const { stderr } = terminal.io
  const text = new ConsoleText({
    onLine: line => {
      if (line.trim() !== '') progress.note(`${prefix(terminal)} ${terminal.styled('dim', line.trimEnd(), stderr)}`)
    },
  })
  qemu.console.on('data', said => text.receive(Buffer.from(said)))
  return text
}

/** Until Ctrl-C: pass typed lines to the board and show its output. */
async function keepOn(qemu: QemuBoard, terminal: Terminal): Promise<void> {
  const { stdin, signal } = terminal.io
  terminal.note('the board stays on; lines typed here go to its console; Ctrl-C switches it off')
  const send = (chunk: Buffer) => qemu.console.send(chunk.toString())
  stdin.on('data', send)
  try {
    await Promise.race([qemu.ended, once(signal, 'abort')])
  } finally {
    stdin.off('data', send)
    stdin.pause()
  }
}
